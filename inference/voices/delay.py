"""Delays a stream by a number of samples."""

from __future__ import annotations

import numpy as np

from inference.contract.audio import Float32


class Delay:
    """Returns what it was given `samples` earlier; at first, that is silence."""

    def __init__(self, samples: int) -> None:
        self._held = np.zeros(samples, np.float32)

    def push(self, samples: Float32) -> Float32:
        """float32 [n] -> float32 [n]"""
        if not len(self._held):
            return samples
        joined = np.concatenate([self._held, samples])
        self._held = joined[len(samples) :]
        return joined[: len(samples)]
