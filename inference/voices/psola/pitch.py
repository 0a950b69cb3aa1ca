"""Tracks F0: candidates by autocorrelation, and the cheapest path through those of successive frames (Boersma 1993).

The path is decided with a fixed lag.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ
from inference.contract.latency import HOP_SAMPLES, LAG_FRAMES
from inference.voices.psola.state import CANDIDATES, FRAMES_KEPT, HISTORY_SAMPLES, compiled

VOICING_THRESHOLD = 0.45
SILENCE_THRESHOLD = 0.03
_COST_SCALE = 0.01 / (HOP_SAMPLES / SAMPLE_RATE_HZ)  # Boersma's costs are for steps of 10 ms
OCTAVE_JUMP_COST = 0.35 * _COST_SCALE
VOICING_CHANGE_COST = 0.14 * _COST_SCALE
LOUDNESS_HALF_LIFE_SEC = 30.0  # stands in for the peak of the whole file
_PEAK_DECAY = 0.5 ** (HOP_SAMPLES / SAMPLE_RATE_HZ / LOUDNESS_HALF_LIFE_SEC)
LEAST_PEAK = 0.05  # the peak of quiet speech; what is faint relative to it is not a voice, even before any speech
_DECISIONS = LAG_FRAMES + 1
CEILING_HZ = 500.0
OCTAVE_COST = 0.01
LEAST_STRENGTH = 0.5 * VOICING_THRESHOLD
SCREENED = CANDIDATES + 2  # at half the rate, where noise above 6 kHz is absent
_LEAST_ENERGY = np.float32(1e-12)
_REACH = 3  # The peak at the full rate is within this many lags of the one at half the rate.
_SHORTEST_LAG = int(SAMPLE_RATE_HZ / CEILING_HZ)


@compiled
def extend(state: Any, frequencies: Any, strengths: Any, count: int, loudness: float) -> None:
    """Adds the candidates of frame `state.analysed`, with the unvoiced one at index 0.

    Decides the F0 of the frame LAG_FRAMES earlier, in Hz, or 0 for unvoiced. `loudness` is the frame's largest
    magnitude."""
    state.loudest = max(loudness, state.loudest * _PEAK_DECAY, LEAST_PEAK)
    quiet = 2 - loudness / state.loudest * (1 + VOICING_THRESHOLD) / SILENCE_THRESHOLD
    frequencies[0], strengths[0] = 0.0, VOICING_THRESHOLD + max(0.0, quiet)

    now, before = state.analysed % _DECISIONS, (state.analysed - 1) % _DECISIONS
    scores = np.empty(count)
    for i in range(count):
        best = -np.inf
        for j in range(state.states[before]):
            score = state.scores[j] - change_cost(state.frequencies[before, j], frequencies[i])
            if score > best:
                best = score
                state.origins[now, i] = j
        scores[i] = strengths[i] + best
    path = 0
    for i in range(count):
        if scores[i] > scores[path]:
            path = i
    state.states[now] = count
    for i in range(count):
        state.frequencies[now, i] = frequencies[i]
        state.scores[i] = scores[i] - scores[path]

    for ago in range(LAG_FRAMES):
        path = state.origins[(state.analysed - ago) % _DECISIONS, path]
    decided = state.analysed - LAG_FRAMES
    if decided >= 0:
        state.f0_hz[decided % FRAMES_KEPT] = state.frequencies[decided % _DECISIONS, path]


@compiled
def change_cost(before_hz: float, now_hz: float) -> float:
    if before_hz > 0 and now_hz > 0:
        return OCTAVE_JUMP_COST * abs(math.log2(now_hz / before_hz))
    return VOICING_CHANGE_COST if before_hz > 0 or now_hz > 0 else 0.0


@compiled
def known_until(settings: Any, state: Any) -> int:
    """Returns the first sample whose F0 is not known yet: the middle of the last frame that was decided."""
    return int((state.analysed - 1 - LAG_FRAMES) * HOP_SAMPLES - settings.half_window)


@compiled
def f0_at(settings: Any, state: Any, sample: float) -> float:
    """Returns F0 in Hz at a sample, interpolated between voiced frames; 0 where unvoiced."""
    position = (sample + settings.half_window) / HOP_SAMPLES
    frame = int(position)
    before, after = state.f0_hz[frame % FRAMES_KEPT], state.f0_hz[(frame + 1) % FRAMES_KEPT]
    if before > 0 and after > 0:
        return float(before + (after - before) * (position - frame))
    return float(before if position - frame < 0.5 else after)


@compiled
def track(settings: Any, state: Any, frame: Any) -> None:
    """Analyses every frame whose window is complete.

    Frame i is analysed once sample i * HOP_SAMPLES has arrived; its middle is half a window before that sample.
    `frame`, float32 [longest window], is overwritten."""
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
    """Writes `signal` [n] into `frame`, without its mean and weighted.

    Returns the largest magnitude within half a period of the middle."""
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
    """Keeps every other sample after a gentle low-pass. Aliases do no harm, since peaks are read at the full rate."""
    halved[0] = (np.float32(4.0) * frame[0] + np.float32(3.0) * frame[1] + frame[2]) / np.float32(8.0)
    for i in range(1, length // 2 - 1):
        halved[i] = (frame[2 * i - 1] + np.float32(3.0) * (frame[2 * i] + frame[2 * i + 1]) + frame[2 * i + 2]) / (
            np.float32(8.0)
        )
    halved[length // 2 - 1] = np.float32(0.0)


@compiled
def product(frame: Any, length: int, lag: int) -> float:
    """Returns the sum of the products of samples that are `lag` apart."""
    later = frame[lag:length]
    total = np.float32(0.0)
    for i in range(length - lag):
        total += frame[i] * later[i]
    return float(total)


@compiled
def find_candidates(frame: Any, length: int, settings: Any, frequencies: Any, strengths: Any) -> int:
    """Writes the frequencies in Hz and the strengths of the strongest peaks in range, strongest first, from index 1 on.

    Returns the number of candidates, including index 0, the unvoiced one."""
    halved = np.empty(length // 2, np.float32)
    halve(frame, length, halved)
    lags, around = np.empty(SCREENED, np.int64), np.empty(2 * _REACH + 1)
    found = screen(halved, length // 2, settings, lags)
    energy = product(frame, length, 0) + _LEAST_ENERGY
    count = 1
    for i in range(found):
        first = 2 * lags[i] - _REACH
        best = 1
        for j in range(len(around)):
            around[j] = product(frame, length, first + j) / (energy * settings.window_correlation[first + j])
            if around[j] > around[best]:
                best = j
        if best == 0 or best == len(around) - 1 or around[best] <= LEAST_STRENGTH:
            continue
        left, mid, right = around[best - 1], around[best], around[best + 1]
        offset = 0.5 * (left - right) / (left - 2 * mid + right)  # the vertex of a parabola, within ±0.5
        frequency = SAMPLE_RATE_HZ / (first + best + offset)
        if frequency < settings.floor_hz or frequency > CEILING_HZ:
            continue
        strength = mid - 0.25 * (left - right) * offset
        strength = min(strength, 1 / strength)  # It is above 1 where a voice begins.
        strength -= OCTAVE_COST * math.log2(settings.floor_hz / frequency)
        count = insert(frequencies, strengths, count, frequency, strength)
    return count


@compiled
def screen(halved: Any, length: int, settings: Any, lags: Any) -> int:
    """Writes the lags of the SCREENED highest peaks at half the rate, and returns how many there are."""
    first, last = _SHORTEST_LAG // 2 - 2, int(SAMPLE_RATE_HZ / settings.floor_hz / 2) + 2
    heights, like = np.empty(SCREENED), np.empty(last + 1)
    for lag in range(first, last + 1):
        like[lag] = product(halved, length, lag) / settings.window_correlation[2 * lag]
    least = LEAST_STRENGTH * (product(halved, length, 0) + _LEAST_ENERGY)
    count = 0
    for lag in range(first + 1, last):
        if like[lag] > like[lag - 1] and like[lag] >= like[lag + 1] and like[lag] > least:
            place = count
            while place > 0 and heights[place - 1] < like[lag]:
                place -= 1
            if place < SCREENED:
                count = min(count + 1, SCREENED)
                for i in range(count - 1, place, -1):
                    lags[i], heights[i] = lags[i - 1], heights[i - 1]
                lags[place], heights[place] = lag, like[lag]
    return count


@compiled
def insert(frequencies: Any, strengths: Any, count: int, frequency: float, strength: float) -> int:
    """Inserts a candidate by its strength, and drops the weakest one. Returns the new count."""
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
