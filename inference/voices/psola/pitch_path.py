"""The cheapest path through the F0 candidates of successive frames (Boersma 1993), decided with a fixed lag."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import numpy.typing as npt

from inference.audio import SAMPLE_RATE_HZ
from inference.latency import HOP_SAMPLES, LAG_FRAMES
from inference.voices.psola.compiled import compiled
from inference.voices.psola.signal import Float64

CEILING_HZ = 500.0
CANDIDATES = 6
VOICING_THRESHOLD = 0.45
SILENCE_THRESHOLD = 0.03
OCTAVE_COST = 0.01
_COST_SCALE = 0.01 / (HOP_SAMPLES / SAMPLE_RATE_HZ)  # Boersma's costs are for steps of 10 ms
OCTAVE_JUMP_COST = 0.35 * _COST_SCALE
VOICING_CHANGE_COST = 0.14 * _COST_SCALE
LOUDNESS_HALF_LIFE_SEC = 3.0  # stands in for the peak of the whole file
_PEAK_DECAY = 0.5 ** (HOP_SAMPLES / SAMPLE_RATE_HZ / LOUDNESS_HALF_LIFE_SEC)
_LEAST_PEAK = 1e-3

Indices = npt.NDArray[np.int64]


class PitchPath:
    """Takes one frame after the other, returns the F0 of the one LAG_FRAMES before."""

    def __init__(self, floor_hz: float) -> None:
        self._floor_hz = floor_hz
        self._loudest = _LEAST_PEAK
        self._frequencies: Float64 = np.zeros(1)
        self._costs: Float64 = np.zeros(1)
        self._undecided: deque[tuple[Float64, Indices]] = deque()

    def extend(self, correlation: Float64, peak: float) -> float | None:
        """`correlation` [lags from 0] is normalised, `peak` the largest magnitude of the frame.

        Returns the F0 in Hz that is now decided, 0 for unvoiced; None while there is none."""
        self._loudest = max(peak, self._loudest * _PEAK_DECAY)
        loudness = peak / self._loudest
        unvoiced = VOICING_THRESHOLD + max(0.0, 2 - loudness * (1 + VOICING_THRESHOLD) / SILENCE_THRESHOLD)
        frequencies, strengths = find_candidates(correlation, self._floor_hz, unvoiced)
        self._costs, origin = extend_paths(self._frequencies, self._costs, frequencies, strengths)
        self._frequencies = frequencies
        self._undecided.append((frequencies, origin))
        if len(self._undecided) <= LAG_FRAMES:
            return None
        state = int(self._costs.argmax())
        for _, origin in list(self._undecided)[:0:-1]:
            state = int(origin[state])
        return float(self._undecided.popleft()[0][state])


@compiled
def find_candidates(correlation: Float64, floor_hz: float, unvoiced: float) -> tuple[Float64, Float64]:
    """Frequencies in Hz and strengths of the unvoiced candidate, whose frequency is 0, and of the CANDIDATES
    strongest peaks in range, strongest first."""
    frequencies, strengths = np.zeros(CANDIDATES + 1), np.zeros(CANDIDATES + 1)
    strengths[0] = unvoiced
    count = 1
    for lag in range(int(SAMPLE_RATE_HZ / CEILING_HZ), len(correlation) - 1):
        left, mid, right = correlation[lag - 1], correlation[lag], correlation[lag + 1]
        if mid <= left or mid < right or mid <= 0.5 * VOICING_THRESHOLD:
            continue
        offset = 0.5 * (left - right) / (left - 2 * mid + right)  # of a parabola through the peak: within ±0.5
        frequency = SAMPLE_RATE_HZ / (lag + offset)
        if not floor_hz <= frequency <= CEILING_HZ:
            continue
        strength = min(mid - 0.25 * (left - right) * offset, 1.0) - OCTAVE_COST * math.log2(floor_hz / frequency)
        place = count
        while place > 1 and strengths[place - 1] < strength:
            place -= 1
        if place > CANDIDATES:
            continue
        count = min(count + 1, CANDIDATES + 1)
        for i in range(count - 1, place, -1):
            frequencies[i], strengths[i] = frequencies[i - 1], strengths[i - 1]
        frequencies[place], strengths[place] = frequency, strength
    return frequencies[:count].copy(), strengths[:count].copy()


@compiled
def extend_paths(before: Float64, costs_before: Float64, now: Float64, strengths: Float64) -> tuple[Float64, Indices]:
    """The score of the best path to each candidate, the best being 0, and where it comes from."""
    scores, origin = np.empty(len(now)), np.zeros(len(now), np.int64)
    for i in range(len(now)):
        best = -np.inf
        for j in range(len(before)):
            score = costs_before[j]
            if now[i] > 0 and before[j] > 0:
                score -= OCTAVE_JUMP_COST * abs(math.log2(now[i] / before[j]))
            elif now[i] > 0 or before[j] > 0:
                score -= VOICING_CHANGE_COST
            if score > best:
                best = score
                origin[i] = j
        scores[i] = strengths[i] + best
    return scores - scores.max(), origin
