"""The parameters of each converter, with range and meaning, as data that the web can offer and check too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from inference.contract.errors import OptionError, UnknownName


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number from `low` to `high`, ends included. `default` None means "not set"."""

    label: str
    unit: str
    low: float
    high: float
    default: float | None
    about: str


FLOOR_HZ: Final = Parameter(
    "Lowest pitch looked for",
    "Hz",
    60.0,
    120.0,
    60.0,
    "Below every F0 of the talker. Sets the latency: 60 ms at 60 Hz, 38 ms at 110 Hz.",
)

PARAMETERS: Final[Mapping[str, Mapping[str, Parameter]]] = {
    "none": {
        "delay_ms": Parameter(
            "Delay",
            "ms",
            0.0,
            500.0,
            0.0,
            "As late as a converted voice: 60 ms with its default floor.",
        )
    },
    "resynthesis": {"floor_hz": FLOOR_HZ},
    "transform": {
        "f0_ratio": Parameter("Pitch", "×", 0.4, 2.5, 1.0, "F0 out over F0 in."),
        "f0_target_hz": Parameter(
            "Pitch target", "Hz", 60.0, 500.0, None, "Moves the talker's median F0 here; instead of a ratio."
        ),
        "formant_ratio": Parameter(
            "Resonances", "×", 0.7, 1.5, 1.0, "Formant frequencies out over in: above 1 is a shorter vocal tract."
        ),
        "f0_range": Parameter(
            "Intonation range",
            "×",
            0.0,
            2.5,
            1.0,
            "Excursion of log F0 about the reference; 0 is a monotone.",
        ),
        "f0_ref_hz": Parameter(
            "Talker's median F0",
            "Hz",
            60.0,
            500.0,
            None,
            "The talker's median F0, where it is known; not set: learnt while the talker speaks.",
        ),
        "breathiness": Parameter(
            "Breathiness", "", 0.0, 1.0, 0.0, "Share of voiced energy above 0.5–3 kHz turned into noise."
        ),
        "floor_hz": FLOOR_HZ,
    },
    "remote_vc": {  # Seed-VC's; another network refuses those it lacks when the talk begins
        "diffusion_steps": Parameter("Steps", "", 1, 50, None, "More sound better and cost more; not set: its own 10."),
        "guidance": Parameter("Guidance", "", 0.0, 2.0, None, "Towards the target; 0 halves the cost. Not set: 0.7."),
    },
}


def resolve(converter: str, parameters: Mapping[str, Any]) -> dict[str, float | None]:
    """Returns every parameter of `converter` with its effective value: the given one or the default.

    Raises OptionError for an unknown name, for a value that is not a finite number in range, and for a pitch target
    together with a pitch ratio. Raises UnknownName for a converter that is not in the catalogue."""
    if converter not in PARAMETERS:
        raise UnknownName("converter", converter, tuple(PARAMETERS))
    known = PARAMETERS[converter]
    for name, value in parameters.items():
        if name not in known:
            expected = f"one of {', '.join(known)}" if known else "no parameters"
            raise OptionError(str(name), value, f"{expected} for {converter}", known)
        _check(name, value, known[name])
    if parameters.get("f0_target_hz") is not None and parameters.get("f0_ratio", 1.0) != 1.0:
        raise OptionError("f0_ratio", parameters["f0_ratio"], "1 beside f0_target_hz")
    return {name: _given_or_default(parameters.get(name), parameter) for name, parameter in known.items()}


def check_parameters(converter: str, parameters: Mapping[str, Any]) -> list[OptionError]:
    """Returns every problem with the parameters, as `resolve` would raise it for each. Raises UnknownName."""
    left = dict(parameters)
    errors: list[OptionError] = []
    while True:
        try:
            resolve(converter, left)
            return errors
        except OptionError as error:
            errors.append(error)
            del left[error.name]


def _check(name: str, value: object, parameter: Parameter) -> None:
    if value is None and parameter.default is None:
        return
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not parameter.low <= value <= parameter.high:  # type: ignore[arg-type,operator]
        raise OptionError(name, value, f"a number from {parameter.low:g} to {parameter.high:g}")


def _given_or_default(value: float | None, parameter: Parameter) -> float | None:
    return parameter.default if value is None else float(value)
