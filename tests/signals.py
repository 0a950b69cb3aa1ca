"""Signals with known properties, at 24 kHz, and independent ways to measure them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from inference.contract.audio import SAMPLE_RATE_HZ, UPLINK_SAMPLES, Float32

Float64 = npt.NDArray[np.float64]
VOWEL_A_HZ = (730.0, 1_090.0, 2_440.0, 3_400.0)


def silence(duration_sec: float) -> Float32:
    return np.zeros(_whole_frames(duration_sec), np.float32)


def noise(duration_sec: float, peak: float = 0.5, seed: int = 0) -> Float32:
    return np.random.default_rng(seed).uniform(-peak, peak, _whole_frames(duration_sec)).astype(np.float32)


def tone(frequency_hz: float, duration_sec: float, peak: float = 0.5) -> Float32:
    time_sec = np.arange(_whole_frames(duration_sec)) / SAMPLE_RATE_HZ
    return (peak * np.sin(2 * np.pi * frequency_hz * time_sec)).astype(np.float32)


def vowel(
    f0_hz: float | Float64,
    duration_sec: float,
    formants_hz: Sequence[float] = VOWEL_A_HZ,
    peak: float = 0.5,
) -> Float32:
    """A glottal source (band-limited: a harmonic for every multiple of F0 below 10 kHz, −12 dB an octave) through
    resonances. `f0_hz` may be a contour, resampled to the duration."""
    samples = _whole_frames(duration_sec)
    contour = np.interp(np.linspace(0, 1, samples), np.linspace(0, 1, np.size(f0_hz)), np.atleast_1d(f0_hz))
    phase = 2 * np.pi * np.cumsum(contour) / SAMPLE_RATE_HZ
    source = np.zeros(samples)
    for harmonic in range(1, int(10_000 / contour.max()) + 1):
        source += np.sin(harmonic * phase) / harmonic
    for formant_hz in formants_hz:
        radius = np.exp(-np.pi * (50 + 0.04 * formant_hz) / SAMPLE_RATE_HZ)
        feedback = [1.0, -2 * radius * np.cos(2 * np.pi * formant_hz / SAMPLE_RATE_HZ), radius**2]
        source = lfilter([sum(feedback)], feedback, source)
    spoken: Float32 = (peak * source / np.abs(source).max()).astype(np.float32)
    return spoken


def measured_f0_hz(samples: Float32) -> float:
    """F0 of a steady voice: the first strong peak of its autocorrelation, refined over ten periods."""
    signal = np.asarray(samples, np.float64) - np.mean(samples)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(signal, 2 * len(signal))) ** 2)[: len(signal)]
    correlation /= correlation[0] * (1 - np.arange(len(signal)) / len(signal))
    lags = np.arange(SAMPLE_RATE_HZ // 700, SAMPLE_RATE_HZ // 50)
    strength = correlation[lags]
    first = int(lags[np.flatnonzero(strength > 0.95 * strength.max())[0]])
    period = _peak_near(correlation, first, 6)
    for multiple in (2, 5, 10):
        period = _peak_near(correlation, round(multiple * period), round(0.1 * period) + 2) / multiple
    return SAMPLE_RATE_HZ / period


def measured_formants_hz(samples: Float32, order: int = 26) -> list[float]:
    """Resonances below 5 kHz by linear prediction, lowest first."""
    signal = lfilter([1.0, -0.97], [1.0], np.asarray(samples, np.float64)) * np.hanning(len(samples))
    correlation = np.fft.irfft(np.abs(np.fft.rfft(signal, 2 * len(signal))) ** 2)[: order + 1]
    prediction = solve_toeplitz(correlation[:-1], correlation[1:])
    roots = np.roots(np.concatenate([[1.0], -prediction]))
    frequency = np.angle(roots) * SAMPLE_RATE_HZ / (2 * np.pi)
    bandwidth = -np.log(np.abs(roots)) * SAMPLE_RATE_HZ / np.pi
    return sorted(frequency[(frequency > 200) & (frequency < 5_000) & (bandwidth < 500)].tolist())


def cents(frequency_hz: float, reference_hz: float) -> float:
    return float(1_200 * np.log2(frequency_hz / reference_hz))


def _peak_near(correlation: Float64, lag: int, reach: int) -> float:
    best = lag - reach + int(correlation[lag - reach : lag + reach + 1].argmax())
    left, mid, right = correlation[best - 1 : best + 2]
    return float(best + 0.5 * (left - right) / (left - 2 * mid + right))


def _whole_frames(duration_sec: float) -> int:
    return round(duration_sec * SAMPLE_RATE_HZ / UPLINK_SAMPLES) * UPLINK_SAMPLES
