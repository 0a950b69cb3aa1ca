"""One talker's stream through the whole chain."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from inference.contract.audio import PCM16_SCALE, SAMPLE_RATE_HZ, Float32
from inference.contract.latency import LOOKAHEAD_SAMPLES, transform_latency_samples
from inference.contract.parameters import resolve
from inference.voices.base import VoiceStream, playable
from inference.voices.psola.grains import add_grains, take
from inference.voices.psola.marks import place_marks
from inference.voices.psola.pitch import track
from inference.voices.psola.state import (
    BLOCK_SAMPLES,
    HISTORY_SAMPLES,
    LONGEST_GRAIN_SAMPLES,
    Record,
    compiled,
    compiled_and_kept,
    fingerprint,
    settings_of,
    state_after_open,
)

FOLLOW_SAMPLES = 120
FOLLOW_SEC = 0.06
_KEEP = math.exp(-FOLLOW_SAMPLES / SAMPLE_RATE_HZ / FOLLOW_SEC)
LEAST_GAIN, MOST_GAIN = 0.5, 2.0
_ENERGY_FLOOR = 1e-6

CEILING = np.float32(1.0 - 1.0 / PCM16_SCALE)
RELEASE_SEC = 0.05
_RELEASE = np.float32(1 - math.exp(-1 / SAMPLE_RATE_HZ / RELEASE_SEC))
_OPEN = np.float32(1.0 - 1e-4)


@compiled
def follow(state: Any, samples: Any) -> None:
    """Gives the block just taken the short-time energy of the input, within limits of the gain.

    The gain changes linearly over every FOLLOW_SAMPLES."""
    first = state.done - BLOCK_SAMPLES + HISTORY_SAMPLES - state.received
    for start in range(0, BLOCK_SAMPLES, FOLLOW_SAMPLES):
        before, after = np.float32(0.0), np.float32(0.0)
        for i in range(start, start + FOLLOW_SAMPLES):
            before += state.signal[first + i] ** 2
            after += samples[i] ** 2
        state.energy_in = _KEEP * state.energy_in + (1 - _KEEP) * before
        state.energy_out = _KEEP * state.energy_out + (1 - _KEEP) * after
        wanted = math.sqrt((state.energy_in + _ENERGY_FLOOR) / (state.energy_out + _ENERGY_FLOOR))
        wanted = min(max(wanted, LEAST_GAIN), MOST_GAIN)
        for i in range(FOLLOW_SAMPLES):
            samples[start + i] *= state.gain + (wanted - state.gain) * (i + 1) / FOLLOW_SAMPLES
        state.gain = wanted


@compiled
def limit(state: Any, samples: Any, limited: Any) -> None:
    """Keeps every sample within CEILING, LOOKAHEAD_SAMPLES later. Samples that need no limiting do not change.

    The gain is the smallest one that is needed within the look-ahead, released slowly and averaged over the look-ahead.
    It therefore changes without steps and is never above what any sample needs."""
    recent = np.empty(LOOKAHEAD_SAMPLES + BLOCK_SAMPLES, np.float32)
    held = np.empty(LOOKAHEAD_SAMPLES + BLOCK_SAMPLES, np.float32)
    loudest, least = np.float32(0.0), np.float32(1.0)
    for i in range(LOOKAHEAD_SAMPLES):
        recent[i], held[i] = state.unlimited[i], state.held[i]
        least = min(least, held[i])
    for i in range(BLOCK_SAMPLES):
        recent[LOOKAHEAD_SAMPLES + i] = samples[i]
    for i in range(len(recent)):
        loudest = max(loudest, abs(recent[i]))
    for i in range(BLOCK_SAMPLES):
        limited[i] = recent[i]
        held[LOOKAHEAD_SAMPLES + i] = np.float32(1.0)
    if loudest > CEILING or least < 1:
        hold(recent, held)
        for i in range(BLOCK_SAMPLES):
            gain = np.float32(0.0)
            for j in range(i, i + LOOKAHEAD_SAMPLES + 1):
                gain += held[j]
            limited[i] *= gain / np.float32(LOOKAHEAD_SAMPLES + 1)
            limited[i] = min(max(limited[i], -CEILING), CEILING)  # The mean may be rounded.
    for i in range(LOOKAHEAD_SAMPLES):
        state.unlimited[i], state.held[i] = recent[BLOCK_SAMPLES + i], held[BLOCK_SAMPLES + i]


@compiled
def hold(recent: Any, held: Any) -> None:
    """Writes the highest gain that all of the last LOOKAHEAD_SAMPLES samples allow, released slowly."""
    for i in range(LOOKAHEAD_SAMPLES, len(recent)):
        loudest = CEILING
        for j in range(i - LOOKAHEAD_SAMPLES, i + 1):
            loudest = max(loudest, abs(recent[j]))
        let_go = held[i - 1] + (np.float32(1.0) - held[i - 1]) * _RELEASE
        if let_go > _OPEN:
            let_go = np.float32(1.0)
        held[i] = min(let_go, CEILING / loudest)


@compiled
def receive(state: Any, block: Any) -> None:
    for i in range(HISTORY_SAMPLES - BLOCK_SAMPLES):
        state.signal[i] = state.signal[i + BLOCK_SAMPLES]
    for i in range(BLOCK_SAMPLES):
        state.signal[HISTORY_SAMPLES - BLOCK_SAMPLES + i] = block[i]
    state.received += BLOCK_SAMPLES


def _chain(version: str) -> Callable[[Record, Record, Float32, Float32], str]:
    def convert(settings: Any, state: Any, samples: Any, changed: Any) -> str:
        settings, state = settings[0], state[0]
        grain, other = np.empty(LONGEST_GRAIN_SAMPLES, np.float32), np.empty(LONGEST_GRAIN_SAMPLES, np.float32)
        window = np.empty(LONGEST_GRAIN_SAMPLES, np.float32)
        block = np.empty(BLOCK_SAMPLES, np.float32)
        for start in range(0, len(samples), BLOCK_SAMPLES):
            receive(state, samples[start : start + BLOCK_SAMPLES])
            track(settings, state, grain)
            place_marks(settings, state)
            add_grains(settings, state, grain, other, window)
            take(state, block)
            follow(state, block)
            limit(state, block, changed[start : start + BLOCK_SAMPLES])
        return version

    return compiled_and_kept(convert)


_convert = _chain(fingerprint())


class PsolaStream(VoiceStream):
    """Changes the voice by `parameters` of the "transform" converter, all optional; raises OptionError."""

    def __init__(self, parameters: Mapping[str, Any], seed: int = 0) -> None:
        in_force = resolve("transform", parameters)
        self.latency_samples = transform_latency_samples(in_force["floor_hz"] or 0.0)
        self._settings = settings_of(in_force)
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        self._state = state_after_open(self._settings, self._seed)

    def push(self, samples: Float32) -> Float32:
        if len(samples) % BLOCK_SAMPLES:
            raise ValueError(f"{len(samples)} samples are no multiple of {BLOCK_SAMPLES}")
        changed = np.empty(len(samples), np.float32)
        _convert(self._settings, self._state, playable(samples), changed)
        return changed
