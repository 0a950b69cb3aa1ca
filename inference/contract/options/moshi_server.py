"""The options that Moshi servers accept. Only the Rust server accepts any; only the worker knows a take's server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from inference.contract.errors import OptionError


@dataclass(frozen=True, slots=True)
class Number:
    """A numeric option from `least` to `most`; `query` is the server's name for it."""

    query: str
    least: float
    most: float
    whole: bool = False

    def check(self, name: str, value: object) -> None:
        """Raises OptionError."""
        kind = int if self.whole else int | float
        if isinstance(value, bool) or not isinstance(value, kind) or not self.least <= value <= self.most:
            what = "a whole number" if self.whole else "a number"
            raise OptionError(name, value, f"{what} from {self.least:g} to {self.most:g}")


OF_RUST: Final[Mapping[str, Number]] = {
    "temperature": Number("audio_temperature", 0.0, 2.0),
    "top_k": Number("audio_topk", 1, 2_048, whole=True),
    "text_temperature": Number("text_temperature", 0.0, 2.0),
    "text_top_k": Number("text_topk", 1, 32_000, whole=True),
    "max_steps": Number("max_steps", 1, 4_500, whole=True),
    "pad_mult": Number("pad_mult", -10.0, 10.0),
    "repetition_penalty": Number("repetition_penalty", 0.1, 10.0),
    "repetition_penalty_context": Number("repetition_penalty_context", 1, 4_096, whole=True),
}


def check(given: Mapping[str, Any]) -> None:
    """Checks the options. Raises OptionError for an option that no kind of server accepts."""
    for name, value in given.items():
        if name not in OF_RUST:
            raise OptionError(name, value, f"no such option; servers know {', '.join(OF_RUST)}", OF_RUST)
        OF_RUST[name].check(name, value)
