"""A voice of a visitor's own making: which parameters it has, and the segment that is stored and run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from inference.contract.errors import OptionError
from inference.contract.parameters import PARAMETERS, Parameter, resolve
from inference.contract.presets import PRESETS

CONVERTER: Final = "transform"
MAIN: Final[Mapping[str, str]] = {
    "f0_ratio": "How high you speak. At ×2 an octave higher, at ×0.5 an octave lower.",
    "formant_ratio": "How large you sound: above ×1 like a smaller person, below it like a larger one.",
}
MORE: Final[Mapping[str, str]] = {
    "f0_range": "How much your voice rises and falls. At ×0 it is a monotone.",
    "breathiness": "How much breath is in the voice.",
}
"""The sliders, with what visitors read of each. None of them changes the delay."""
NAMES: Final = (*MAIN, *MORE)


def free_parameters() -> dict[str, Parameter]:
    """Name -> its range."""
    return {name: PARAMETERS[CONVERTER][name] for name in NAMES}


def neutral_parameters() -> dict[str, float]:
    """Those that leave the voice as it is."""
    return {name: float(parameter.default or 0.0) for name, parameter in free_parameters().items()}


def free_segment(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The whole schedule's one segment, as `studies.protocol.voices.resolved` spells it, every parameter set. Raises
    OptionError."""
    for name, value in parameters.items():
        if name not in NAMES:
            raise OptionError(name, value, f"one of {', '.join(NAMES)}")
    in_force = resolve(CONVERTER, parameters)
    return {
        "converter": CONVERTER,
        "preset": "",
        "parameters": {name: in_force[name] for name in NAMES},
        "start_sec": 0,
        "end_sec": None,
    }


def free_presets() -> dict[str, tuple[str, dict[str, float]]]:
    """Presets that the sliders can show: key -> label and the parameters they set."""
    return {
        key: (preset.label, dict(preset.parameters))
        for key, preset in PRESETS.items()
        if preset.converter == CONVERTER and set(preset.parameters) <= set(NAMES)
    }
