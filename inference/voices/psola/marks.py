"""Places pitch marks, the centres of grains: one in every period of a voiced stretch, and a regular grid elsewhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ
from inference.voices.psola.pitch import f0_at, known_until
from inference.voices.psola.state import BIN_CENTS, BINS, HISTORY_SAMPLES, LOWEST_BIN_HZ, MARKS_KEPT, compiled

LOWEST_OUTPUT_HZ = 40.0
HIGHEST_OUTPUT_HZ = 700.0
STEERING_CENTS_PER_SEC = 100.0
MOST_STEERING_CENTS = 200.0
UNVOICED_STEP_SAMPLES = 120.0
SEARCH_SHARE = 0.2  # of a period, to either side of where the next mark is due
OFF_CENTRE_COST = 0.05
_ENERGY_FLOOR = 1e-9


@compiled
def hear(state: Any, f0_hz: float, duration_sec: float) -> None:
    """Adds one voiced period to the talker's median."""
    place = int(1_200 * math.log2(f0_hz / LOWEST_BIN_HZ) / BIN_CENTS)
    state.heard_sec[min(max(place, 0), BINS - 1)] += duration_sec
    state.heard_in_all_sec += duration_sec


@compiled
def median_hz(state: Any) -> float:
    """Returns the median of the voiced speech so far, weighted by time."""
    wanted, below = 0.5 * state.heard_in_all_sec, 0.0
    for place in range(BINS):
        inside = state.heard_sec[place]
        if below + inside >= wanted and inside > 0:
            cents = BIN_CENTS * (place + (wanted - below) / inside)
            return float(LOWEST_BIN_HZ * 2 ** (cents / 1_200))
        below += inside
    return LOWEST_BIN_HZ


@compiled
def output_hz(settings: Any, state: Any, f0_hz: float) -> float:
    """Returns f_out = base * (f_in / reference) ** range.

    The base is the target or reference * ratio. The reference is `f0_ref_hz` or, without it, the talker's median so
    far."""
    output = f0_hz * settings.f0_ratio
    if settings.f0_target_hz > 0 or settings.f0_range != 1:
        reference = settings.f0_ref_hz if settings.f0_ref_hz > 0 else median_hz(state)
        base = reference * settings.f0_ratio
        if settings.f0_target_hz > 0:
            base = settings.f0_target_hz
            if settings.f0_ref_hz == 0:
                base *= steering(state)
        output = base * (f0_hz / reference) ** settings.f0_range
        state.above_sec += math.copysign(1 / f0_hz, output - settings.f0_target_hz)
    return float(min(max(output, LOWEST_OUTPUT_HZ), HIGHEST_OUTPUT_HZ))


@compiled
def steering(state: Any) -> float:
    """Returns the factor on an F0 target while the talker's median is still being learnt.

    It compensates for output that was too high or too low so far, so that the median of the output becomes the target.
    """
    cents = -STEERING_CENTS_PER_SEC * state.above_sec
    return float(2 ** (min(max(cents, -MOST_STEERING_CENTS), MOST_STEERING_CENTS) / 1_200))


@compiled
def place_marks(settings: Any, state: Any) -> None:
    """Places every mark whose F0 is known; from there the input reaches 1.5 of the longest periods further."""
    known = known_until(settings, state)
    while state.due < known:
        f0_hz = f0_at(settings, state, state.due)
        sample, period, step = state.due, UNVOICED_STEP_SAMPLES, UNVOICED_STEP_SAMPLES
        if f0_hz > 0:
            period = SAMPLE_RATE_HZ / f0_hz
            sample = voiced_mark(state, period)
            hear(state, f0_hz, period / SAMPLE_RATE_HZ)
            step = SAMPLE_RATE_HZ / output_hz(settings, state, f0_hz)
        place = state.placed % MARKS_KEPT
        state.mark_sample[place], state.mark_period[place], state.mark_step[place] = sample, period, step
        state.mark_voiced[place] = 1 if f0_hz > 0 else 0
        state.placed += 1
        state.due = sample + period


@compiled
def voiced_mark(state: Any, period: float) -> float:
    """Returns the position of a mark in voiced speech.

    At the beginning of a voiced stretch it is the largest peak. After that it is where the previous period repeats: at
    the largest normalised correlation, with a slight preference for where the mark is due."""
    now = HISTORY_SAMPLES - state.received  # index of sample 0
    last = (state.placed - 1) % MARKS_KEPT
    if state.placed == 0 or state.mark_voiced[last] == 0:
        first = int(state.due)
        largest = first
        for sample in range(first, first + int(period) + 1):
            if abs(state.signal[sample + now]) > abs(state.signal[largest + now]):
                largest = sample
        return float(largest)
    half, reach = int(period / 2), max(1, int(SEARCH_SHARE * period))
    last_sample = state.mark_sample[last]
    previous = round(last_sample)
    centre = round(last_sample + period)
    template = state.signal[previous + now - half : previous + now + half + 1]
    searched = state.signal[centre + now - reach - half : centre + now + reach + half + 1]
    found = centre - reach + best_match(template, searched, OFF_CENTRE_COST / period)
    return float(found + last_sample - previous)


@compiled
def best_match(template: Any, searched: Any, cost_per_sample: float) -> float:
    """Returns the offset [0, len(searched) - len(template)] with the largest normalised correlation, minus a cost for
    the distance from the middle. A parabola gives positions between samples."""
    length, offsets = len(template), len(searched) - len(template) + 1
    template_energy, energy = 0.0, 0.0
    for i in range(length):
        template_energy += template[i] * template[i]
        energy += searched[i] * searched[i]
    best, similarities = 0, np.empty(offsets)
    for offset in range(offsets):
        if offset > 0:
            energy += searched[offset + length - 1] ** 2 - searched[offset - 1] ** 2
        place = searched[offset : offset + length]
        product = np.float32(0.0)
        for i in range(length):
            product += template[i] * place[i]
        similarity = product / math.sqrt(max(energy, 0.0) * template_energy + _ENERGY_FLOOR)
        similarity -= cost_per_sample * abs(offset - offsets // 2)
        similarities[offset] = similarity
        if similarity > similarities[best]:
            best = offset
    if best == 0 or best == offsets - 1:
        return float(best)
    left, mid, right = similarities[best - 1], similarities[best], similarities[best + 1]
    return float(best + 0.5 * (left - right) / (left - 2 * mid + right - _ENERGY_FLOOR))
