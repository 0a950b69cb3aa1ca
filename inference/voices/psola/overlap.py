"""Overlap-add of grains into the output."""

from __future__ import annotations

import numpy as np

from inference.voices.psola.grains import Grain
from inference.voices.psola.signal import Float64

LEAST_WEIGHT = 0.6  # below it the output fades, as between the periods of a lowered voice


class Overlap:
    """The output from sample `done` on, as far as grains have reached."""

    def __init__(self, first: int, capacity_samples: int) -> None:
        self.done = first
        self._sum = np.zeros(capacity_samples)
        self._weight = np.zeros(capacity_samples)

    def add(self, grain: Grain) -> None:
        """The grain may not begin before `done`."""
        place = slice(grain.first - self.done, grain.first - self.done + len(grain.samples))
        self._sum[place] += grain.samples
        self._weight[place] += grain.window

    def take(self, samples: int) -> Float64:
        """The next samples of the output, weighted."""
        taken: Float64 = self._sum[:samples] / np.maximum(self._weight[:samples], LEAST_WEIGHT)
        for buffer in (self._sum, self._weight):
            buffer[:-samples] = buffer[samples:]
            buffer[-samples:] = 0.0
        self.done += samples
        return taken
