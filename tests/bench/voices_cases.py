"""Which voices are measured, and what each is asked to make of whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from inference.contract.catalog import CONVERTERS
from inference.contract.presets import PRESETS
from tests.bench.voices_measures import Float64

MEN: Final = ("man", "second man")
WOMEN: Final = ("woman",)
LONG_HEARD: Final = ("man",)  # an F0 target is steered to: the others say a sentence each
_FOR: Final[Mapping[str, tuple[str, ...]]] = {
    "male_to_female": LONG_HEARD,
    "female_to_male": WOMEN,
    "male_to_androgynous": LONG_HEARD,
    "female_to_androgynous": WOMEN,
    "higher": MEN,
    "lower": WOMEN,
    "androgynous_raised": MEN,
    "androgynous_lowered": WOMEN,
    "child_like": LONG_HEARD,
}


@dataclass(frozen=True, slots=True)
class Case:
    """A row: one converter with its parameters, on these talkers."""

    name: str
    converter: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    talkers: tuple[str, ...] = (*MEN, *WOMEN)

    @property
    def formant_ratio(self) -> float:
        return self.parameters.get("formant_ratio", 1.0)

    def requested_hz(self, f0_hz: Float64) -> Float64:
        """The F0 that is asked for, frame by frame; 0 where unvoiced."""
        voiced = f0_hz > 0
        median = float(np.median(f0_hz[voiced]))
        base = self.parameters.get("f0_target_hz") or median * self.parameters.get("f0_ratio", 1.0)
        excursion = (np.where(voiced, f0_hz, median) / median) ** self.parameters.get("f0_range", 1.0)
        return np.where(voiced, base * excursion, 0.0)


def every_case() -> list[Case]:
    """Every preset that changes something, and every converter of the catalogue that no preset names."""
    presets = [
        Case(name, preset.converter, preset.parameters, _FOR.get(name, (*MEN, *WOMEN)))
        for name, preset in PRESETS.items()
        if name != "natural_delayed"
    ]
    fast = [
        Case(f"{name}, floor 110 Hz", "transform", {**PRESETS[name].parameters, "floor_hz": 110.0}, WOMEN)
        for name in ("lower", "pitch_raised")
    ]
    named = {case.converter for case in presets}
    return [*presets, *fast, *(Case(name, name) for name in CONVERTERS if name not in named)]
