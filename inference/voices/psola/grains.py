"""Grains: two periods of the input around a mark, windowed, read faster or slower, made breathy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import fft

from inference.audio import SAMPLE_RATE_HZ
from inference.voices.psola.compiled import compiled
from inference.voices.psola.marks import Mark
from inference.voices.psola.signal import Float64, Signal

TAPS = 16  # of the windowed sinc
PHASES = 1_024
_BEFORE = TAPS // 2 - 1  # taps before the sample that is read
BREATH_FROM_HZ = 500.0
BREATH_FULL_HZ = 3_000.0


@dataclass(frozen=True, slots=True)
class Grain:
    """`samples` (windowed) and `window`, [n] each, from sample `first` of the output on."""

    first: int
    samples: Float64
    window: Float64


class GrainReader:
    """Cuts grains out of the signal. `formant_ratio` is how much faster than time they are read."""

    def __init__(self, formant_ratio: float, breathiness: float, longest_period_samples: float, seed: int) -> None:
        self._speed = formant_ratio
        self._kernels = _sinc_kernels(min(1.0, 1 / formant_ratio))
        self.longest_half_samples = longest_period_samples * max(1.0, 1 / formant_ratio)
        self._breathiness = breathiness
        self._random = np.random.Generator(np.random.PCG64(seed))

    def half_width(self, mark: Mark) -> float:
        """In samples of the output. Two periods of the input at least, so that lowered grains keep their formants."""
        if not mark.voiced:
            return mark.period_samples
        is_raised = mark.step_samples <= mark.period_samples
        return mark.period_samples / (min(self._speed, 1.0) if is_raised else self._speed)

    def last_sample_needed(self, mark: Mark) -> float:
        return mark.sample + self.half_width(mark) * self._speed + TAPS // 2 + 1

    def read(self, signal: Signal, mark: Mark, centre: float, earliest: int) -> Grain:
        """The grain at `mark`, put at `centre` of the output.

        It is narrowed where it would reach back before `earliest`: that happens when F0 is near the floor."""
        half = max(min(self.half_width(mark), centre - earliest), 1.0)
        first, last = math.ceil(centre - half), math.floor(centre + half)
        begin = math.floor(mark.sample + (first - centre) * self._speed) - TAPS
        end = math.ceil(mark.sample + (last - centre) * self._speed) + TAPS
        samples, window = read_grain(
            signal.span(begin, end),
            mark.sample - begin,
            first - centre,
            last - first + 1,
            half,
            self._speed,
            self._kernels,
        )
        if mark.voiced and self._breathiness > 0:
            samples = self._breathe(samples, window)
        return Grain(first, samples, window)

    def _breathe(self, samples: Float64, window: Float64) -> Float64:
        """The same magnitudes, with random phase for the breath's share of the energy."""
        size = 1 << math.ceil(math.log2(len(samples)))
        share = self._breathiness * _breath_rise(size)
        spectrum = fft.rfft(samples, size)
        phases = np.exp(2j * np.pi * self._random.random(len(spectrum)))
        noise = np.roll(fft.irfft(np.abs(spectrum) * phases, size), len(samples) // 2)[: len(samples)] * window
        noise *= np.sqrt(np.dot(samples, samples) / (np.dot(noise, noise) + 1e-12))
        mixed = spectrum * np.sqrt(1 - share) + fft.rfft(noise, size) * np.sqrt(share)
        breathy: Float64 = fft.irfft(mixed, size)[: len(samples)]
        return breathy


@cache
def _breath_rise(size: int) -> Float64:
    """[size / 2 + 1]: 0 below BREATH_FROM_HZ, 1 above BREATH_FULL_HZ, by frequency."""
    frequency = np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    return np.clip((frequency - BREATH_FROM_HZ) / (BREATH_FULL_HZ - BREATH_FROM_HZ), 0.0, 1.0)


@compiled
def read_grain(
    signal: Float64, centre: float, start: float, count: int, half: float, speed: float, kernels: Float64
) -> tuple[Float64, Float64]:
    """`count` windowed samples and their window, one for each sample of the output from `start` (relative to the
    grain's middle) on; `signal` is read around `centre` at `speed`."""
    samples, window = np.empty(count), np.empty(count)
    for i in range(count):
        time = start + i
        phases = round((centre + time * speed) * PHASES)
        whole, phase = phases // PHASES, phases % PHASES
        total = 0.0
        for tap in range(TAPS):
            total += kernels[phase, tap] * signal[whole - _BEFORE + tap]
        window[i] = 0.5 + 0.5 * math.cos(math.pi / half * time)
        samples[i] = total * window[i]
    return samples, window


def _sinc_kernels(cutoff: float) -> Float64:
    """[PHASES, TAPS]: row p reads a sample p / PHASES after tap _BEFORE; `cutoff` is relative to Nyquist."""
    taps = np.arange(-_BEFORE, TAPS - _BEFORE)
    distance = np.arange(PHASES)[:, None] / PHASES - taps[None]
    kernels: Float64 = cutoff * np.sinc(cutoff * distance)
    kernels *= 0.5 + 0.5 * np.cos(np.pi * np.clip(2 * distance / TAPS, -1, 1))
    return kernels
