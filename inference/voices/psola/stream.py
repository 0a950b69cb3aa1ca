"""One talker's stream through the whole chain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.audio import SAMPLE_RATE_HZ, UPLINK_SAMPLES, Float32
from inference.latency import HOP_SAMPLES, LOOKAHEAD_SAMPLES, transform_latency_samples
from inference.parameters import resolve
from inference.voices.base import VoiceStream
from inference.voices.psola.grains import TAPS, GrainReader
from inference.voices.psola.intonation import Intonation
from inference.voices.psola.level import LevelFollower, Limiter
from inference.voices.psola.marks import Mark, MarkFinder
from inference.voices.psola.overlap import Overlap
from inference.voices.psola.pitch_tracker import PitchTracker
from inference.voices.psola.signal import Float64, Signal

BLOCK_SAMPLES = UPLINK_SAMPLES


class PsolaStream(VoiceStream):
    """Changes the voice by `parameters` of the "transform" converter, all optional; raises OptionError."""

    def __init__(self, parameters: Mapping[str, Any], seed: int = 0) -> None:
        in_force = resolve("transform", parameters)
        self._seed = seed
        self._target_hz, self._reference_hz = in_force["f0_target_hz"], in_force["f0_ref_hz"]
        numbers = {name: value for name, value in in_force.items() if value is not None}
        self._f0_ratio, self._f0_range = numbers["f0_ratio"], numbers["f0_range"]
        self._formant_ratio, self._breathiness = numbers["formant_ratio"], numbers["breathiness"]
        self._floor_hz = numbers["floor_hz"]
        self.latency_samples = transform_latency_samples(self._floor_hz)
        self.reset()

    def reset(self) -> None:
        longest_period = SAMPLE_RATE_HZ / self._floor_hz
        intonation = Intonation(
            ratio=self._f0_ratio,
            target_hz=self._target_hz,
            excursion=self._f0_range,
            reference_hz=self._reference_hz,
        )
        self._pitch = PitchTracker(self._floor_hz)
        self._mark_finder = MarkFinder(intonation)
        self._grains = GrainReader(self._formant_ratio, self._breathiness, longest_period, self._seed)
        delay = self.latency_samples - LOOKAHEAD_SAMPLES
        self._overlap = Overlap(-delay, delay + 2 * BLOCK_SAMPLES + 2 * math.ceil(self._grains.longest_half_samples))
        self._level = LevelFollower()
        self._limiter = Limiter()
        # a grain and a period before it
        self._reach = math.ceil(3 * longest_period * max(1.0, self._formant_ratio)) + 2 * TAPS
        self._signal = Signal(delay + self._reach + 2 * self._pitch.half_window)
        self._marks: list[Mark] = []
        self._next_grain = 0.0  # its place in the output

    def push(self, samples: Float32) -> Float32:
        if len(samples) % BLOCK_SAMPLES:
            raise ValueError(f"{len(samples)} samples are no multiple of {BLOCK_SAMPLES}")
        changed = np.empty(len(samples), np.float32)
        for start in range(0, len(samples), BLOCK_SAMPLES):
            block = slice(start, start + BLOCK_SAMPLES)
            changed[block] = self._push_block(np.clip(samples[block], -1.0, 1.0).astype(np.float64))
        return changed

    def _push_block(self, block: Float64) -> Float64:
        self._signal.append(block)
        self._pitch.update(self._signal)
        self._marks += self._mark_finder.find(self._signal, self._pitch)
        self._add_grains()
        first = self._overlap.done
        samples = self._overlap.take(BLOCK_SAMPLES)
        levelled = self._level.push(self._signal.span(first, first + BLOCK_SAMPLES), samples)
        self._forget()
        return self._limiter.push(levelled)

    def _add_grains(self) -> None:
        """Every grain of the output whose mark is known and whose input is there."""
        while True:
            while len(self._marks) > 1 and self._marks[1].sample <= self._next_grain:
                del self._marks[0]
            if len(self._marks) < 2:
                return
            before, after = self._marks[:2]
            is_nearer = self._next_grain - before.sample <= after.sample - self._next_grain
            mark = before if is_nearer else after
            if self._grains.last_sample_needed(mark) > self._signal.stop:
                return
            self._overlap.add(self._grains.read(self._signal, mark, self._next_grain, self._overlap.done))
            self._next_grain += mark.step_samples

    def _forget(self) -> None:
        first_mark = self._marks[0].sample if self._marks else 0.0
        in_use = min(first_mark, self._mark_finder.due)
        self._pitch.forget_before(in_use - 8 * HOP_SAMPLES)
        first_window = self._signal.stop - 2 * self._pitch.half_window - HOP_SAMPLES
        self._signal.forget_before(min(int(in_use) - self._reach, self._overlap.done, first_window))
