"""One talker's stream through the whole chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from inference.contract.audio import Float32
from inference.contract.latency import transform_latency_samples
from inference.contract.parameters import resolve
from inference.voices.base import VoiceStream, playable
from inference.voices.psola.compiled import compiled, compiled_and_kept, fingerprint
from inference.voices.psola.grains import add_grains, take
from inference.voices.psola.level import follow, limit
from inference.voices.psola.marks import place_marks
from inference.voices.psola.pitch_tracker import track
from inference.voices.psola.state import (
    BLOCK_SAMPLES,
    HISTORY_SAMPLES,
    LONGEST_GRAIN_SAMPLES,
    Record,
    settings_of,
    state_after_open,
)


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
