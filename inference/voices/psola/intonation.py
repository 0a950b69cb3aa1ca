"""Determines the F0 of the output from the F0 of the input."""

from __future__ import annotations

import math
from typing import Any

from inference.voices.psola.compiled import compiled
from inference.voices.psola.state import BIN_CENTS, BINS, LOWEST_BIN_HZ

LOWEST_OUTPUT_HZ = 40.0
HIGHEST_OUTPUT_HZ = 700.0
STEERING_CENTS_PER_SEC = 100.0
MOST_STEERING_CENTS = 200.0


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
