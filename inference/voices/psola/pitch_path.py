"""The cheapest path through the F0 candidates of successive frames (Boersma 1993), decided with a fixed lag."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ
from inference.contract.latency import HOP_SAMPLES, LAG_FRAMES
from inference.voices.psola.compiled import compiled
from inference.voices.psola.state import FRAMES_KEPT

VOICING_THRESHOLD = 0.45
SILENCE_THRESHOLD = 0.03
_COST_SCALE = 0.01 / (HOP_SAMPLES / SAMPLE_RATE_HZ)  # Boersma's costs are for steps of 10 ms
OCTAVE_JUMP_COST = 0.35 * _COST_SCALE
VOICING_CHANGE_COST = 0.14 * _COST_SCALE
LOUDNESS_HALF_LIFE_SEC = 30.0  # stands in for the peak of the whole file
_PEAK_DECAY = 0.5 ** (HOP_SAMPLES / SAMPLE_RATE_HZ / LOUDNESS_HALF_LIFE_SEC)
LEAST_PEAK = 0.05  # the peak of quiet speech; what is faint relative to it is not a voice, even before any speech
_DECISIONS = LAG_FRAMES + 1


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
