"""A voice of a visitor's own making: which parameters it has, and the segment that is stored and run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from inference.errors import OptionError
from inference.parameters import PARAMETERS, Parameter, resolve
from inference.presets import PRESETS

CONVERTER: Final = "transform"
MAIN: Final = ("f0_ratio", "formant_ratio")
MORE: Final = ("f0_range", "breathiness")
NAMES: Final = (*MAIN, *MORE)


def free_parameters() -> dict[str, Parameter]:
    """Name -> its range and meaning. None of them changes the delay."""
    return {name: PARAMETERS[CONVERTER][name] for name in NAMES}


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
