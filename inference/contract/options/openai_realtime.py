"""The options of a conversation with a Realtime server, declared once. None leaves the choice to the server."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from inference.contract.errors import OptionError


def _number(least: float, most: float, about: str) -> Any:
    return field(default=None, metadata={"kind": "a number", "least": least, "most": most, "about": about})


def _whole(least: int, most: int, about: str) -> Any:
    return field(default=None, metadata={"kind": "a whole number", "least": least, "most": most, "about": about})


def _choice(default: str | None, choices: tuple[str, ...], about: str) -> Any:
    return field(default=default, metadata={"choices": choices, "about": about})


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a conversation. Code outside this module creates them only with `read`."""

    model: str | None = field(default=None, metadata={"about": "One of the models that the operator allows."})
    temperature: float | None = _number(0.6, 1.2, "Randomness; servers of the final protocol do not take it any more.")
    speed: float | None = _number(0.25, 1.5, "Of the voice; 1 is its own.")
    max_output_tokens: int | None = _whole(1, 4_096, "Longest answer, in tokens.")
    turn_detection: str | None = _choice(
        "server_vad", ("server_vad", "semantic_vad"), "The end of a turn: by silence, or by what was said."
    )
    threshold: float | None = _number(0.0, 1.0, "server_vad: how loud speech must be.")
    prefix_padding_ms: int | None = _whole(0, 5_000, "server_vad: what is kept from before the onset.")
    silence_duration_ms: int | None = _whole(50, 10_000, "server_vad: the silence that ends a turn.")
    eagerness: str | None = _choice(
        None, ("low", "medium", "high", "auto"), "semantic_vad: how soon it takes a turn as over."
    )
    barge_in: bool = field(default=True, metadata={"about": "The participant can interrupt the agent by speaking."})

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Options:
        """Reads the options.

        Raises OptionError for an option that is unknown, of another type, out of range or inconsistent with another."""
        known = {option.name: option for option in fields(cls)}
        for name, value in given.items():
            if name not in known:
                raise OptionError(str(name), value, f"no such option; the engine knows {', '.join(known)}", known)
            _check(name, value, known[name].metadata)
        options = cls(**given)
        of_the_other = ("eagerness",) if options.turn_detection == "server_vad" else _SERVER_VAD
        for name in of_the_other:
            if getattr(options, name) is not None:
                raise OptionError(
                    name, getattr(options, name), f"nothing beside turn_detection {options.turn_detection}"
                )
        return options

    def detection(self) -> dict[str, Any]:
        """Returns the protocol's `turn_detection` object."""
        chosen = {name: getattr(self, name) for name in (*_SERVER_VAD, "eagerness") if getattr(self, name) is not None}
        return {"type": self.turn_detection, **chosen, "create_response": True, "interrupt_response": self.barge_in}


_SERVER_VAD = ("threshold", "prefix_padding_ms", "silence_duration_ms")


def _check(name: str, value: Any, metadata: Mapping[str, Any]) -> None:
    if choices := metadata.get("choices"):
        if value not in choices:
            raise OptionError(name, value, f"one of {', '.join(choices)}")
    elif kind := metadata.get("kind"):
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or (kind == "a whole number" and not isinstance(value, int)):
            raise OptionError(name, value, f"{kind} from {metadata['least']:g} to {metadata['most']:g}")
        if not metadata["least"] <= value <= metadata["most"]:
            raise OptionError(name, value, f"{kind} from {metadata['least']:g} to {metadata['most']:g}")
    elif name == "barge_in" and not isinstance(value, bool):
        raise OptionError(name, value, "true or false")
    elif name == "model" and not isinstance(value, str):
        raise OptionError(name, value, "the name of a model")
