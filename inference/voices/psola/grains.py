"""Grains: two periods of the input around a mark, windowed, read faster or slower, added up to the output."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from inference.voices.psola.breath import breathe
from inference.voices.psola.compiled import compiled
from inference.voices.psola.state import (
    BLOCK_SAMPLES,
    HISTORY_SAMPLES,
    MARKS_KEPT,
    PHASES,
    TAPS,
)

LEAST_WEIGHT = np.float32(0.6)  # below it the output fades, as between the periods of a lowered voice


@compiled
def add_grains(settings: Any, state: Any, grain: Any, window: Any) -> None:
    """Every grain that the next block of the output needs, if its mark is known and its input is there: as late as can
    be, so that the mark after it is mostly known too. `grain` and `window`, float32
    [LONGEST_GRAIN_SAMPLES], are written over."""
    while True:
        while state.before + 1 < state.placed and sample_of(state, state.before + 1) <= state.next_grain:
            state.before += 1
        if state.before >= state.placed:
            return
        nearest = state.before
        after = sample_of(state, nearest + 1) if nearest + 1 < state.placed else state.due
        if state.next_grain - sample_of(state, nearest) > after - state.next_grain:
            nearest += 1
            if nearest == state.placed:
                return
        place = nearest % MARKS_KEPT
        half = half_width(settings, state, place)
        if state.next_grain - half >= state.done + BLOCK_SAMPLES:
            return
        if state.mark_sample[place] + half * settings.formant_ratio + TAPS // 2 + 1 > state.received:
            return
        add_grain(settings, state, place, half, grain, window)
        state.next_grain += step_from(state, nearest)


@compiled
def sample_of(state: Any, mark: int) -> float:
    return float(state.mark_sample[mark % MARKS_KEPT])


@compiled
def step_from(state: Any, mark: int) -> float:
    """To the next grain of the output. In proportion to the distance of the marks where that is known, so that the
    small irregularities of a voice are kept."""
    place, after = mark % MARKS_KEPT, (mark + 1) % MARKS_KEPT
    step = state.mark_step[place]
    if mark + 1 < state.placed and state.mark_voiced[place] == 1 and state.mark_voiced[after] == 1:
        step *= (state.mark_sample[after] - state.mark_sample[place]) / state.mark_period[place]
    return float(step)


@compiled
def half_width(settings: Any, state: Any, place: int) -> float:
    """In samples of the output: a period of the input either side."""
    period = state.mark_period[place]
    return float(period / settings.formant_ratio if state.mark_voiced[place] == 1 else period)


@compiled
def add_grain(settings: Any, state: Any, place: int, half: float, grain: Any, window: Any) -> None:
    """The grain at a mark, put at `next_grain` of the output.

    It is narrowed where it would reach back before what is done: that happens when F0 is near the floor."""
    half = max(min(half, state.next_grain - state.done), 1.0)
    first = max(math.ceil(state.next_grain - half), state.done)
    count = math.floor(state.next_grain + half) - first + 1
    start, speed = first - state.next_grain, settings.formant_ratio
    centre = state.mark_sample[place] + HISTORY_SAMPLES - state.received
    read(state.signal, settings.kernels, centre + start * speed, speed, grain[:count])
    weigh(start, half, window[:count])
    for i in range(count):
        grain[i] *= window[i]
    if settings.breathiness > 0 and state.mark_voiced[place] == 1:
        breathe(settings.breathiness, state, grain[:count], window)
    offset = first - state.done
    sums, weights = state.grains[offset : offset + count], state.weight[offset : offset + count]
    for i in range(count):
        sums[i] += grain[i]
        weights[i] += window[i]


@compiled
def read(signal: Any, kernels: Any, start: float, speed: float, samples: Any) -> None:
    """The signal from `start` on at `speed`, through the windowed sinc of the nearest phase."""
    for i in range(len(samples)):
        phases = int((start + i * speed) * PHASES + 0.5)
        kernel = kernels[phases % PHASES]
        first = phases // PHASES - (TAPS // 2 - 1)
        total = np.float32(0.0)
        for tap in range(TAPS):
            total += kernel[tap] * signal[first + tap]
        samples[i] = total


@compiled
def weigh(start: float, half: float, window: Any) -> None:
    """A Hann window of `half` either side of 0, at `start`, `start` + 1 and so on; by recurrence, since a cosine
    each would cost more than the grain."""
    angle = math.pi / half
    earlier, now, twice = math.cos(angle * (start - 1)), math.cos(angle * start), 2 * math.cos(angle)
    for i in range(len(window)):
        window[i] = 0.5 + 0.5 * now
        earlier, now = now, twice * now - earlier


@compiled
def take(state: Any, samples: Any) -> None:
    """The next block of the output, weighted."""
    for i in range(BLOCK_SAMPLES):
        samples[i] = state.grains[i] / max(state.weight[i], LEAST_WEIGHT)
    for i in range(HISTORY_SAMPLES - BLOCK_SAMPLES):
        state.grains[i] = state.grains[i + BLOCK_SAMPLES]
        state.weight[i] = state.weight[i + BLOCK_SAMPLES]
    for i in range(HISTORY_SAMPLES - BLOCK_SAMPLES, HISTORY_SAMPLES):
        state.grains[i] = state.weight[i] = np.float32(0.0)
    state.done += BLOCK_SAMPLES
