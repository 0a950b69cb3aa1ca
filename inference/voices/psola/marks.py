"""Pitch marks: one place in every period of a voiced stretch, and a steady raster elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from inference.audio import SAMPLE_RATE_HZ
from inference.voices.psola.compiled import compiled
from inference.voices.psola.intonation import Intonation
from inference.voices.psola.pitch_tracker import PitchTracker
from inference.voices.psola.signal import Float64, Signal

UNVOICED_STEP_SAMPLES = 120.0
SEARCH_SHARE = 0.2  # of a period, either side of where the next mark is due
OFF_CENTRE_COST = 0.05
_ENERGY_FLOOR = 1e-9


@dataclass(frozen=True, slots=True)
class Mark:
    """Centre of a grain. `step_samples` is the distance to the next grain of the output."""

    sample: float
    period_samples: float
    step_samples: float
    voiced: bool


class MarkFinder:
    """Places marks in step with the input."""

    def __init__(self, intonation: Intonation) -> None:
        self._intonation = intonation
        self._previous: Mark | None = None
        self.due = 0.0  # sample of the next mark, more or less

    def find(self, signal: Signal, pitch: PitchTracker) -> list[Mark]:
        """The marks that can be placed now, in order."""
        found = []
        while self.due < pitch.known_until:  # there the input reaches 1.5 periods further
            f0_hz = pitch.at(self.due)
            self._previous = self._voiced(signal, f0_hz) if f0_hz > 0 else self._unvoiced()
            self.due = self._previous.sample + self._previous.period_samples
            found.append(self._previous)
        return found

    def _unvoiced(self) -> Mark:
        return Mark(self.due, UNVOICED_STEP_SAMPLES, UNVOICED_STEP_SAMPLES, voiced=False)

    def _voiced(self, signal: Signal, f0_hz: float) -> Mark:
        period = SAMPLE_RATE_HZ / f0_hz
        if self._previous is None or not self._previous.voiced:
            sample = self._largest_peak(signal, period)
        else:
            sample = self._next_period(signal, self._previous.sample, period)
        self._intonation.hear(f0_hz, period / SAMPLE_RATE_HZ)
        return Mark(float(sample), period, SAMPLE_RATE_HZ / self._intonation.output_hz(f0_hz), voiced=True)

    def _largest_peak(self, signal: Signal, period: float) -> int:
        first = int(self.due)
        return first + int(np.abs(signal.span(first, first + int(period) + 1)).argmax())

    def _next_period(self, signal: Signal, previous: float, period: float) -> int:
        """Where the last period comes again: the largest normalised correlation, with a slight pull to the centre."""
        half, reach = int(period / 2), max(1, int(SEARCH_SHARE * period))
        last, centre = int(previous), round(previous + period)
        template = signal.span(last - half, last + half + 1)
        searched = signal.span(centre - reach - half, centre + reach + half + 1)
        return centre - reach + best_match(template, searched, OFF_CENTRE_COST / period)


@compiled
def best_match(template: Float64, searched: Float64, cost_per_sample: float) -> int:
    """Offset [0, len(searched) - len(template)] with the largest normalised correlation, less a cost of being away
    from the middle."""
    length, offsets = len(template), len(searched) - len(template) + 1
    template_energy = np.dot(template, template)
    energy = np.dot(searched[:length], searched[:length])
    best, best_offset = -np.inf, 0
    for offset in range(offsets):
        if offset > 0:
            energy += searched[offset + length - 1] ** 2 - searched[offset - 1] ** 2
        product = 0.0
        for i in range(length):
            product += template[i] * searched[offset + i]
        similarity = product / math.sqrt(max(energy, 0.0) * template_energy + _ENERGY_FLOOR)
        similarity -= cost_per_sample * abs(offset - offsets // 2)
        if similarity > best:
            best, best_offset = similarity, offset
    return best_offset
