"""Cuts a talker's stream into the windows that the steps see, and joins their results to one stream again.

As in the package's real-time interface, all lengths are in units of 20 ms, the content encoder's frame:

    |<------------- history ------------->|<- block ->|<- fade ->|<- search ->|<- right ->|  end of the window
                                          what is used of the vocoder's sound             never used
"""

from __future__ import annotations

from typing import Final

import numpy as np

from inference.contract.audio import Float32
from inference.contract.resampling import Resampler
from inference.converter_server.seed_vc.speaker import CONTENT_HZ

UNITS_PER_SEC: Final = 50
BLOCK: Final = 15  # 300 ms
HISTORY: Final = 125  # 2.5 s for the content encoder
CONTEXT: Final = 25  # of that, 0.5 s for the diffusion transformer
FADE: Final = 2
SEARCH: Final = 1
RIGHT: Final = 1
BEHIND: Final = 3  # The window ends so far before the newest sample, because the resampler to 16 kHz holds that back.
WINDOW: Final = HISTORY + BLOCK + FADE + SEARCH + RIGHT
LATENCY: Final = FADE + SEARCH + RIGHT + BEHIND
CONTENT_UNIT_SAMPLES: Final = CONTENT_HZ // UNITS_PER_SEC


class History:
    """The newest speech of a talker, at the content encoder's rate."""

    def __init__(self, rate_hz: int) -> None:
        self._resampler = Resampler(rate_hz, CONTENT_HZ)
        self._kept = np.zeros((WINDOW + BEHIND + 1) * CONTENT_UNIT_SAMPLES, np.float32)
        self._samples = 0  # heard so far, at CONTENT_HZ
        self._resampled = 0

    def window(self, block: Float32) -> Float32:
        """float32 [one block] -> float32 [WINDOW units at CONTENT_HZ], which ends BEHIND units before the block."""
        self._samples += BLOCK * CONTENT_UNIT_SAMPLES
        new = self._resampler.push(block)
        self._resampled += len(new)
        self._kept = np.concatenate([self._kept, new])[-(WINDOW + BEHIND + 1) * CONTENT_UNIT_SAMPLES :]
        surplus = self._resampled - (self._samples - BEHIND * CONTENT_UNIT_SAMPLES)
        if surplus < 0:
            raise RuntimeError("the resampler keeps back more than the window allows for")
        end = len(self._kept) - surplus
        return self._kept[end - WINDOW * CONTENT_UNIT_SAMPLES : end].copy()


class Joint:
    """Synchronised overlap-add: shifts each new stretch, by at most SEARCH, to where it best continues the last one."""

    def __init__(self, unit_samples: int) -> None:
        self._block = BLOCK * unit_samples
        self._fade = FADE * unit_samples
        self._search = SEARCH * unit_samples
        self._tail = np.zeros(self._fade, np.float32)
        self._rise = (np.sin(0.5 * np.pi * np.linspace(0, 1, self._fade)) ** 2).astype(np.float32)

    def join(self, stretch: Float32) -> Float32:
        """float32 [BLOCK + FADE + SEARCH units] -> float32 [one block]"""
        shift = self._best_shift(stretch[: self._fade + self._search])
        joined = stretch[shift : shift + self._block + self._fade].copy()
        joined[: self._fade] = joined[: self._fade] * self._rise + self._tail * (1 - self._rise)
        self._tail = joined[self._block :]
        return joined[: self._block]

    def _best_shift(self, head: Float32) -> int:
        """Returns the shift with the highest normalised correlation with what was to follow; 0 if nothing was."""
        if not self._tail.any():
            return 0
        product = np.correlate(head, self._tail, "valid")
        energy = np.convolve(head**2, np.ones(self._fade, np.float32), "valid")
        return int(np.argmax(product / np.sqrt(energy + 1e-8)))
