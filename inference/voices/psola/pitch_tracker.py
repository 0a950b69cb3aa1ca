"""How like itself the voice is one period later: the autocorrelation of a window over that of the window function
itself, every 5 ms (Boersma 1993).

Peaks are looked for at half the rate, where that costs a quarter, and read off at the full rate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from inference.audio import SAMPLE_RATE_HZ
from inference.latency import HOP_SAMPLES
from inference.voices.psola.compiled import compiled
from inference.voices.psola.pitch_path import VOICING_THRESHOLD, extend
from inference.voices.psola.state import CANDIDATES, HISTORY_SAMPLES

CEILING_HZ = 500.0
OCTAVE_COST = 0.01
LEAST_STRENGTH = 0.5 * VOICING_THRESHOLD
SCREENED = CANDIDATES + 2  # at half the rate, where noise above 6 kHz is not seen
_LEAST_ENERGY = np.float32(1e-12)
_SHORTEST_LAG = int(SAMPLE_RATE_HZ / CEILING_HZ)


@compiled
def track(settings: Any, state: Any, frame: Any) -> None:
    """Analyses every frame whose window is complete: frame i once sample i * HOP_SAMPLES has come, so that its middle
    is half a window before that. `frame`, float32 [longest window], is written over."""
    length = 2 * settings.half_window
    frequencies, strengths = np.empty(CANDIDATES + 1), np.empty(CANDIDATES + 1)
    while state.analysed * HOP_SAMPLES <= state.received:
        end = HISTORY_SAMPLES - (state.received - state.analysed * HOP_SAMPLES)
        loudness = cut(state.signal[end - length : end], settings.window, SAMPLE_RATE_HZ / settings.floor_hz, frame)
        count = find_candidates(frame, length, settings, frequencies, strengths)
        extend(state, frequencies, strengths, count, loudness)
        state.analysed += 1


@compiled
def cut(signal: Any, window: Any, longest_period: float, frame: Any) -> float:
    """`signal` [n] less its mean, weighted, in `frame`. Returns the largest
    magnitude within half a period of the middle."""
    length = len(signal)
    mean = np.float32(0.0)
    for i in range(length):
        mean += signal[i]
    mean /= np.float32(length)
    for i in range(length):
        frame[i] = (signal[i] - mean) * window[i]
    loudest = np.float32(0.0)
    for i in range(int((length - longest_period) / 2), int((length + longest_period) / 2)):
        loudest = max(loudest, abs(signal[i] - mean))
    return float(loudest)


@compiled
def halve(frame: Any, length: int, halved: Any) -> None:
    """Every other sample, after a gentle low-pass: what aliases is read off at the full rate anyway."""
    halved[0] = (np.float32(4.0) * frame[0] + np.float32(3.0) * frame[1] + frame[2]) / np.float32(8.0)
    for i in range(1, length // 2 - 1):
        halved[i] = (frame[2 * i - 1] + np.float32(3.0) * (frame[2 * i] + frame[2 * i + 1]) + frame[2 * i + 2]) / (
            np.float32(8.0)
        )
    halved[length // 2 - 1] = np.float32(0.0)


@compiled
def product(frame: Any, length: int, lag: int) -> float:
    """Sum of what is `lag` samples apart, multiplied."""
    later = frame[lag:length]
    total = np.float32(0.0)
    for i in range(length - lag):
        total += frame[i] * later[i]
    return float(total)


@compiled
def find_candidates(frame: Any, length: int, settings: Any, frequencies: Any, strengths: Any) -> int:
    """Writes the frequencies in Hz and strengths of the strongest peaks in range, strongest first, from index 1 on;
    returns how many candidates that makes with index 0, the unvoiced one."""
    halved = np.empty(length // 2, np.float32)
    halve(frame, length, halved)
    lags = np.empty(SCREENED, np.int64)
    found = screen(halved, length // 2, settings, lags)
    energy = product(frame, length, 0) + _LEAST_ENERGY
    count = 1
    for i in range(found):
        lag = 2 * lags[i]
        left = product(frame, length, lag - 1) / settings.window_correlation[lag - 1]
        mid = product(frame, length, lag) / settings.window_correlation[lag]
        right = product(frame, length, lag + 1) / settings.window_correlation[lag + 1]
        while right > mid and lag < 2 * lags[i] + 2:
            lag, left, mid = lag + 1, mid, right
            right = product(frame, length, lag + 1) / settings.window_correlation[lag + 1]
        while left > mid and lag > 2 * lags[i] - 2:
            lag, right, mid = lag - 1, mid, left
            left = product(frame, length, lag - 1) / settings.window_correlation[lag - 1]
        if left > mid or right > mid or mid <= LEAST_STRENGTH * energy:
            continue
        offset = 0.5 * (left - right) / (left - 2 * mid + right)  # of a parabola through the peak: within ±0.5
        frequency = SAMPLE_RATE_HZ / (lag + offset)
        if frequency < settings.floor_hz or frequency > CEILING_HZ:
            continue
        strength = (mid - 0.25 * (left - right) * offset) / energy
        strength = min(strength, 1 / strength)  # above 1 where a voice sets in
        strength -= OCTAVE_COST * math.log2(settings.floor_hz / frequency)
        count = insert(frequencies, strengths, count, frequency, strength)
    return count


@compiled
def screen(halved: Any, length: int, settings: Any, lags: Any) -> int:
    """Writes the lags of the SCREENED highest peaks at half the rate, returns how many there are."""
    first, last = _SHORTEST_LAG // 2 - 1, int(SAMPLE_RATE_HZ / settings.floor_hz / 2) + 2
    heights = np.empty(SCREENED, np.float64)
    least = LEAST_STRENGTH * (product(halved, length, 0) + _LEAST_ENERGY)
    count = 0
    left = product(halved, length, first - 1) / settings.window_correlation[2 * first - 2]
    mid = product(halved, length, first) / settings.window_correlation[2 * first]
    for lag in range(first, last):
        right = product(halved, length, lag + 1) / settings.window_correlation[2 * lag + 2]
        if mid > left and mid >= right and mid > least:
            place = count
            while place > 0 and heights[place - 1] < mid:
                place -= 1
            if place < SCREENED:
                count = min(count + 1, SCREENED)
                for i in range(count - 1, place, -1):
                    lags[i], heights[i] = lags[i - 1], heights[i - 1]
                lags[place], heights[place] = lag, mid
        left, mid = mid, right
    return count


@compiled
def insert(frequencies: Any, strengths: Any, count: int, frequency: float, strength: float) -> int:
    """Puts a candidate in its place by strength, the weakest falling out; returns the new count."""
    place = count
    while place > 1 and strengths[place - 1] < strength:
        place -= 1
    if place > CANDIDATES:
        return count
    count = min(count + 1, CANDIDATES + 1)
    for i in range(count - 1, place, -1):
        frequencies[i], strengths[i] = frequencies[i - 1], strengths[i - 1]
    frequencies[place], strengths[place] = frequency, strength
    return count
