"""Moshi's options for sampling a row's tokens, declared once for the check, the snapshot and the documentation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from inference.contract.errors import OptionError

MAX_TEMPERATURE: Final = 2.0
MIN_TEMPERATURE: Final = 0.01  # the smallest temperature besides 0; values in between would overflow
MAX_TOP_K: Final = 500
# the names in checkpoints (`lm_gen_config`) and in the package
CHECKPOINT_NAMES: Final = {
    "temp": "temperature",
    "top_k": "top_k",
    "temp_text": "text_temperature",
    "top_k_text": "text_top_k",
}


@dataclass(frozen=True, slots=True)
class Sampling:
    """How audio tokens and, with the prefix `text_`, text tokens are sampled.

    A token is drawn from the `top_k` likeliest at `temperature`; at temperature 0 it is always the likeliest. A top-k
    beyond the size of the vocabulary uses all of it."""

    temperature: float = 0.8
    top_k: int = 250
    text_temperature: float = 0.7
    text_top_k: int = 25

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Sampling:
        """Reads the options for a checkpoint that has no defaults of its own. Raises OptionError."""
        return cls().changed(given)

    def changed(self, given: Mapping[str, Any]) -> Sampling:
        """Returns the sampling with a conversation's options applied.

        Raises OptionError for an option that is unknown, of another type or out of range."""
        known = asdict(self)
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name not in known:
                raise OptionError(str(name), value, f"no such option; the engine knows {', '.join(known)}", known)
            values[name] = _top_k(name, value) if name.endswith("top_k") else _temperature(name, value)
        return replace(self, **values)

    @classmethod
    def of_checkpoint(cls, lm_gen_config: Mapping[str, Any]) -> Sampling:
        """Reads a checkpoint's defaults. Raises OptionError for a default that cannot differ between rows."""
        given = dict(lm_gen_config)
        greedy = given.pop("use_sampling", True) is False
        given.pop("check", None)
        sampling = cls().changed({CHECKPOINT_NAMES.get(name, name): value for name, value in given.items()})
        return replace(sampling, temperature=0.0, text_temperature=0.0) if greedy else sampling


def _temperature(name: str, value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not (value == 0 or MIN_TEMPERATURE <= value <= MAX_TEMPERATURE):
        raise OptionError(name, value, f"0 or a number from {MIN_TEMPERATURE} to {MAX_TEMPERATURE:g}")
    return float(value)


def _top_k(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_TOP_K:
        raise OptionError(name, value, f"a whole number from 1 to {MAX_TOP_K}")
    return value
