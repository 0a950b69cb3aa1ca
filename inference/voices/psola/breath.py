"""Adds breathiness: a share of a grain's upper spectrum gets a random phase, so that it no longer repeats."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ
from inference.voices.psola.compiled import compiled
from inference.voices.psola.state import LONGEST_GRAIN_SAMPLES

BREATH_FROM_HZ = 500.0
BREATH_FULL_HZ = 3_000.0
_TURNS = np.exp(-2j * np.pi * np.arange(LONGEST_GRAIN_SAMPLES // 2) / LONGEST_GRAIN_SAMPLES).astype(np.complex64)
_LEAST_ENERGY = np.float32(1e-12)


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
