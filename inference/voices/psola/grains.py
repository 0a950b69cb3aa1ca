"""Grains are two periods of the input around a mark, windowed, read faster or slower, and added up to the output."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ
from inference.voices.psola.state import (
    BLOCK_SAMPLES,
    HISTORY_SAMPLES,
    LONGEST_GRAIN_SAMPLES,
    MARKS_KEPT,
    PHASES,
    TAPS,
    compiled,
)

BREATH_FROM_HZ = 500.0
BREATH_FULL_HZ = 3_000.0
_TURNS = np.exp(-2j * np.pi * np.arange(LONGEST_GRAIN_SAMPLES // 2) / LONGEST_GRAIN_SAMPLES).astype(np.complex64)
_LEAST_ENERGY = np.float32(1e-12)
LEAST_WEIGHT = np.float32(0.6)  # With less, the output fades, as between the periods of a lowered voice.


@compiled
def breathe(breathiness: float, state: Any, grain: Any, window: Any) -> None:
    """Gives `grain` [n] a random phase for the breath's share of its energy, and keeps its magnitudes.

    The share is 0 below BREATH_FROM_HZ and `breathiness` above BREATH_FULL_HZ."""
    count = len(grain)
    size = 2
    while size < count:
        size *= 2
    spectrum, noise = np.zeros(size, np.complex64), np.zeros(size, np.complex64)
    for i in range(count):
        spectrum[i] = grain[i]
    transform(spectrum)
    for i in range(1, size // 2):
        angle = 2 * math.pi * random(state)
        noise[i] = np.complex64(complex(math.cos(angle), math.sin(angle))) * abs(spectrum[i])
        noise[size - i] = noise[i].conjugate()
    transform(noise)  # With random phases, the forward transform serves as the inverse.
    energy, noise_energy = _LEAST_ENERGY, _LEAST_ENERGY
    for i in range(count):
        noise[i] = noise[i].real * window[i]
        energy += grain[i] ** 2
        noise_energy += noise[i].real ** 2
    for i in range(count, size):
        noise[i] = 0
    transform(noise)
    level = math.sqrt(energy / noise_energy)
    for i in range(size // 2 + 1):
        rise = (i * SAMPLE_RATE_HZ / size - BREATH_FROM_HZ) / (BREATH_FULL_HZ - BREATH_FROM_HZ)
        share = breathiness * min(max(rise, 0.0), 1.0)
        mixed = spectrum[i] * math.sqrt(1 - share) + noise[i] * (level * math.sqrt(share))
        spectrum[i] = mixed.conjugate()  # The transform of the conjugate is the inverse.
        if 0 < i < size // 2:
            spectrum[size - i] = mixed
    transform(spectrum)
    for i in range(count):
        grain[i] = spectrum[i].real / size


@compiled
def transform(values: Any) -> None:
    """Computes the discrete Fourier transform of complex64 [n] in place; n is a power of two (Cooley & Tukey 1965)."""
    size = len(values)
    place = 0
    for i in range(1, size):
        bit = size >> 1
        while place & bit:
            place ^= bit
            bit >>= 1
        place |= bit
        if i < place:
            values[i], values[place] = values[place], values[i]
    span = 1
    while span < size:
        stride = LONGEST_GRAIN_SAMPLES // (2 * span)
        for start in range(0, size, 2 * span):
            for i in range(start, start + span):
                turned = values[i + span] * _TURNS[(i - start) * stride]
                values[i], values[i + span] = values[i] + turned, values[i] - turned
        span *= 2


@compiled
def random(state: Any) -> float:
    """Returns the stream's next random number from 0 to 1 (xorshift64*, Vigna 2016)."""
    x = np.uint64(state.random)
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state.random = x
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 2.0**53


@compiled
def add_grains(settings: Any, state: Any, grain: Any, other: Any, window: Any) -> None:
    """Adds every grain that the next block of the output needs, if its mark is known and its input has arrived.

    This happens as late as possible, so that the mark after the grain is usually known, too. The last three arguments,
    float32 [LONGEST_GRAIN_SAMPLES], are overwritten."""
    while True:
        centre = state.last_grain + step_from(state, state.last_mark)
        while state.before + 1 < state.placed and sample_of(state, state.before + 1) <= centre:
            state.before += 1
        if state.before >= state.placed:
            return
        nearest = state.before
        after = sample_of(state, nearest + 1) if nearest + 1 < state.placed else state.due
        if centre - sample_of(state, nearest) > after - centre:
            nearest += 1
            if nearest == state.placed:
                return
        if is_voiced(state, nearest) and not is_voiced(state, state.last_mark):
            centre = sample_of(state, nearest)  # A voice begins in step with its input.
        half = half_width(settings, state, nearest)
        if centre - half >= state.done + BLOCK_SAMPLES:
            return
        if last_sample_needed(settings, state, nearest, half) > state.received:
            return
        add_grain(settings, state, nearest, centre, half, grain, other, window)
        state.last_grain, state.last_mark = centre, nearest


@compiled
def sample_of(state: Any, mark: int) -> float:
    return float(state.mark_sample[mark % MARKS_KEPT])


@compiled
def is_voiced(state: Any, mark: int) -> bool:
    return bool(0 <= mark < state.placed and state.mark_voiced[mark % MARKS_KEPT] == 1)


@compiled
def step_from(state: Any, mark: int) -> float:
    """Returns the distance to the next grain of the output, and 0 before the first.

    It is proportional to the distance between the marks where that is known, which keeps the small irregularities of a
    voice."""
    if mark < 0:
        return 0.0
    step = state.mark_step[mark % MARKS_KEPT]
    if is_voiced(state, mark) and is_voiced(state, mark + 1):
        step *= (sample_of(state, mark + 1) - sample_of(state, mark)) / state.mark_period[mark % MARKS_KEPT]
    return float(step)


@compiled
def half_width(settings: Any, state: Any, mark: int) -> float:
    """Returns half the width of a grain in output samples: one period of the input, or up to the next grain."""
    period = state.mark_period[mark % MARKS_KEPT]
    if not is_voiced(state, mark):
        return float(period)
    speed = settings.formant_ratio
    return float(min(period / speed, state.mark_step[mark % MARKS_KEPT] / min(speed, 1.0)))


@compiled
def last_sample_needed(settings: Any, state: Any, mark: int, half: float) -> float:
    return float(sample_of(state, mark) + half * settings.formant_ratio + TAPS // 2 + 1)


@compiled
def add_grain(
    settings: Any, state: Any, mark: int, centre: float, half: float, grain: Any, other: Any, window: Any
) -> None:
    """Adds the grain at a mark at `centre` of the output.

    Between two marks of a voice it is a mixture of both grains, so that no period is heard twice.

    The grain is narrowed where it would reach into finished output, which happens when F0 is near the floor."""
    half = max(min(half, centre - state.done), 1.0)
    first = max(math.ceil(centre - half), state.done)
    count = math.floor(centre + half) - first + 1
    read_at(settings, state, mark, first - centre, grain[:count])
    neighbour = mark + 1 if centre > sample_of(state, mark) else mark - 1
    if is_voiced(state, mark) and is_voiced(state, neighbour):
        share = (centre - sample_of(state, mark)) / (sample_of(state, neighbour) - sample_of(state, mark))
        if 0 < share < 1 and last_sample_needed(settings, state, neighbour, half) <= state.received:
            read_at(settings, state, neighbour, first - centre, other[:count])
            for i in range(count):
                grain[i] += share * (other[i] - grain[i])
    weigh(first - centre, half, window[:count])
    for i in range(count):
        grain[i] *= window[i]
    if settings.breathiness > 0 and is_voiced(state, mark):
        breathe(settings.breathiness, state, grain[:count], window)
    offset = first - state.done
    sums, weights = state.grains[offset : offset + count], state.weight[offset : offset + count]
    for i in range(count):
        sums[i] += grain[i]
        weights[i] += window[i]


@compiled
def read_at(settings: Any, state: Any, mark: int, start: float, samples: Any) -> None:
    """Reads the signal from `start` output samples after a mark on."""
    centre = sample_of(state, mark) + HISTORY_SAMPLES - state.received
    read(state.signal, settings.kernels, centre + start * settings.formant_ratio, settings.formant_ratio, samples)


@compiled
def read(signal: Any, kernels: Any, start: float, speed: float, samples: Any) -> None:
    """Reads the signal from `start` on at `speed`, through the windowed sinc of the nearest phase."""
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
    """Applies a Hann window that reaches `half` to either side of 0, at `start`, `start` + 1 and so on.

    It is computed by recurrence, because one cosine per sample would cost more than the grain."""
    angle = math.pi / half
    earlier, now, twice = math.cos(angle * (start - 1)), math.cos(angle * start), 2 * math.cos(angle)
    for i in range(len(window)):
        window[i] = 0.5 + 0.5 * now
        earlier, now = now, twice * now - earlier


@compiled
def take(state: Any, samples: Any) -> None:
    """Takes the next block of the output, divided by its weights."""
    for i in range(BLOCK_SAMPLES):
        samples[i] = state.grains[i] / max(state.weight[i], LEAST_WEIGHT)
    for i in range(HISTORY_SAMPLES - BLOCK_SAMPLES):
        state.grains[i] = state.grains[i + BLOCK_SAMPLES]
        state.weight[i] = state.weight[i + BLOCK_SAMPLES]
    for i in range(HISTORY_SAMPLES - BLOCK_SAMPLES, HISTORY_SAMPLES):
        state.grains[i] = state.weight[i] = np.float32(0.0)
    state.done += BLOCK_SAMPLES
