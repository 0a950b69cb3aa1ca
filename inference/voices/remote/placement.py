"""Puts converted samples, whenever they arrive, at their place: a fixed delay after the participant's own."""

from __future__ import annotations

import threading
from typing import Final

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, Float32

KEPT_SAMPLES: Final = 30 * SAMPLE_RATE_HZ  # A server that is so far ahead is not converting.


class Placement:
    """The network's thread calls `arrive`, and the step thread calls `take`.

    A sample that has not arrived at its time is replaced with silence. If it arrives later, it is skipped, so that the
    delay never grows."""

    def __init__(self, first_sample: int, latency_samples: int) -> None:
        """The first sample to arrive belongs to the participant's sample `first_sample`. What is taken at the
        participant's sample p belongs to sample p - `latency_samples`."""
        self.first_sample = first_sample
        self.missed_samples = 0
        self._next_arriving = first_sample
        self._next_taken = -latency_samples
        self._held = np.zeros(0, np.float32)  # what has arrived and not been taken; ends at `_next_arriving`
        self._over = False
        self._changed = threading.Condition()

    def arrive(self, samples: Float32) -> None:
        """Adds float32 [n], the next samples of the converted stream."""
        with self._changed:
            self._next_arriving += len(samples)
            joined = np.concatenate([self._held, samples])
            self._held = joined[max(0, len(joined) - max(0, self._next_arriving - self._next_taken)) :][-KEPT_SAMPLES:]
            self._changed.notify_all()

    def finish(self) -> None:
        """Says that nothing more will arrive, so that nobody waits."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def take(self, count: int, patience_sec: float = 0.0) -> Float32:
        """Returns the next float32 [count], silent before the first possible sample. Waits `patience_sec` at most."""
        with self._changed:
            start, end = self._next_taken, self._next_taken + count
            if patience_sec and end > self.first_sample:
                self._changed.wait_for(lambda: self._over or self._next_arriving >= end, patience_sec)
            taken = np.zeros(count, np.float32)
            held_from = self._next_arriving - len(self._held)
            first, last = max(start, held_from), min(end, self._next_arriving)
            if last > first:
                taken[first - start : last - start] = self._held[first - held_from : last - held_from]
            self.missed_samples += max(0, end - max(self._next_arriving, start))
            self._next_taken = end
            self._held = self._held[max(0, min(end, self._next_arriving) - held_from) :]
            return taken
