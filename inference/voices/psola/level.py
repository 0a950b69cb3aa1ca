"""Loudness after overlap-add: as loud as the input, and never above full scale."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from inference.audio import PCM16_SCALE, SAMPLE_RATE_HZ
from inference.latency import LOOKAHEAD_SAMPLES
from inference.voices.psola.compiled import compiled
from inference.voices.psola.signal import Float64

FOLLOW_SAMPLES = 120
FOLLOW_SEC = 0.06
_KEEP = float(np.exp(-FOLLOW_SAMPLES / SAMPLE_RATE_HZ / FOLLOW_SEC))
LEAST_GAIN, MOST_GAIN = 0.5, 2.0
_ENERGY_FLOOR = 1e-6

CEILING = 1.0 - 1.0 / PCM16_SCALE


class LevelFollower:
    """Gives the output the short-time energy of the input, within a factor."""

    def __init__(self) -> None:
        self._gain = 1.0
        self._energy_in = self._energy_out = _ENERGY_FLOOR

    def push(self, reference: Float64, samples: Float64) -> Float64:
        """`reference` is the input of the same samples; [n] each, n a multiple of FOLLOW_SAMPLES."""
        followed, self._gain, self._energy_in, self._energy_out = follow(
            reference, samples, self._gain, self._energy_in, self._energy_out
        )
        return followed


@compiled
def follow(
    reference: Float64, samples: Float64, gain: float, energy_in: float, energy_out: float
) -> tuple[Float64, float, float, float]:
    """The samples with their gain, which moves in a straight line over every FOLLOW_SAMPLES, and the state after."""
    followed = np.empty(len(samples))
    for start in range(0, len(samples), FOLLOW_SAMPLES):
        before, after = reference[start : start + FOLLOW_SAMPLES], samples[start : start + FOLLOW_SAMPLES]
        energy_in = _KEEP * energy_in + (1 - _KEEP) * np.dot(before, before)
        energy_out = _KEEP * energy_out + (1 - _KEEP) * np.dot(after, after)
        wanted = math.sqrt((energy_in + _ENERGY_FLOOR) / (energy_out + _ENERGY_FLOOR))
        wanted = min(max(wanted, LEAST_GAIN), MOST_GAIN)
        for i in range(FOLLOW_SAMPLES):
            followed[start + i] = after[i] * (gain + (wanted - gain) * (i + 1) / FOLLOW_SAMPLES)
        gain = wanted
    return followed, gain, energy_in, energy_out


class Limiter:
    """Keeps every sample within CEILING, LOOKAHEAD_SAMPLES later; what needs no limiting is not touched.

    The gain is the smallest one needed within the look-ahead, averaged over it, so it moves without steps and is
    never above what any sample needs."""

    def __init__(self) -> None:
        self._past: Float64 = np.zeros(2 * LOOKAHEAD_SAMPLES)

    def push(self, samples: Float64) -> Float64:
        """[n] -> [n], delayed."""
        recent = np.concatenate([self._past, samples])
        self._past = recent[-2 * LOOKAHEAD_SAMPLES :]
        delayed = recent[LOOKAHEAD_SAMPLES : LOOKAHEAD_SAMPLES + len(samples)]
        needed = CEILING / np.maximum(np.abs(recent), CEILING)
        if needed.min() == 1.0:
            return delayed
        least = sliding_window_view(needed, LOOKAHEAD_SAMPLES + 1).min(1)
        gain = sliding_window_view(least, LOOKAHEAD_SAMPLES + 1).mean(1)
        limited: Float64 = np.clip(delayed * gain, -CEILING, CEILING)  # rounding of the mean
        return limited
