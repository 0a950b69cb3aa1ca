"""Converts between the wire's 24 kHz and a network's rate and blocks, without losing or inventing a sample."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.resampling import Resampler


class Framing:
    """The framing of one talker: after the network's latency, output sample k is the converted input sample k."""

    def __init__(self, rate_hz: int, block_samples: int) -> None:
        self._down = Resampler(SAMPLE_RATE_HZ, rate_hz)
        self._up = Resampler(rate_hz, SAMPLE_RATE_HZ)
        self._block_samples = block_samples
        self._gathered = np.zeros(0, np.float32)

    def gather(self, samples: Float32) -> list[Float32]:
        """Takes float32 [n] at 24 kHz; returns the blocks that are full now, float32 [block_samples] each."""
        gathered = np.concatenate([self._gathered, self._down.push(samples)])
        full = len(gathered) // self._block_samples * self._block_samples
        self._gathered = gathered[full:]
        return list(gathered[:full].reshape(-1, self._block_samples))

    def release(self, block: Float32) -> Float32:
        """Takes float32 [block_samples]; returns what can be played of it at 24 kHz, float32 [m]."""
        return self._up.push(block)


@lru_cache
def hold_samples(rate_hz: int, block_samples: int, latency_samples: int) -> int:
    """Returns how far the input is ahead of the output at most, in samples at 24 kHz.

    That is the time to gather a block, the network's latency, and what the resamplers hold back, which is measured."""
    framing = Framing(rate_hz, block_samples)
    piece = SAMPLE_RATE_HZ // 1_000
    went_in = came_out = ahead = 0
    silence = np.zeros(piece, np.float32)
    while went_in < 4 * SAMPLE_RATE_HZ:
        went_in += piece
        ahead = max(ahead, went_in - came_out)
        came_out += sum(len(framing.release(block)) for block in framing.gather(silence))
    return ahead + -(-latency_samples * SAMPLE_RATE_HZ // rate_hz)
