"""Laughs, sighs and speech made from known parts, float32 [n] at 16 kHz, in a quiet room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import soxr
from scipy.signal import butter, sosfilt

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.engines.cascade.hearing.vad import RATE_HZ
from tests.signals import VOWEL_A_HZ, vowel

VOWELS_HZ = (VOWEL_A_HZ, (270.0, 2_290.0, 3_010.0, 3_500.0), (300.0, 870.0, 2_240.0, 3_300.0))  # a, i, u
BURST_SEC = 0.08
ROOM_PEAK = 3e-4


def room(duration_sec: float, seed: int = 0) -> Float32:
    drawn = np.random.default_rng(seed).uniform(-ROOM_PEAK, ROOM_PEAK, round(duration_sec * RATE_HZ))
    return drawn.astype(np.float32)


def in_room(sound: Float32) -> Float32:
    """The sound with half a second of the room before and after it."""
    edge = np.zeros(RATE_HZ // 2, np.float32)
    whole = np.concatenate([edge, sound, edge])
    return whole + room(len(whole) / RATE_HZ)[: len(whole)]


def voiced(
    duration_sec: float,
    f0_hz: float | Sequence[float] = 120.0,
    formants_hz: Sequence[float] = VOWEL_A_HZ,
    peak: float = 0.3,
) -> Float32:
    made = vowel(np.asarray(f0_hz, np.float64), duration_sec, formants_hz, peak)
    resampled = np.asarray(soxr.resample(made, SAMPLE_RATE_HZ, RATE_HZ), np.float32)[: round(duration_sec * RATE_HZ)]
    return resampled * _edges(len(resampled))


def laugh(
    intervals_sec: Sequence[float] = (0.2, 0.2, 0.2, 0.2, 0.2),
    vowels: Sequence[Sequence[float]] = (VOWEL_A_HZ,),
    between_peak: float = 0.0,
) -> Float32:
    """One burst more than there are intervals; the pitch falls, and the vowels come in turn."""
    starts = np.concatenate([[0.0], np.cumsum(intervals_sec)])
    sound = np.zeros(round((starts[-1] + BURST_SEC) * RATE_HZ) + 1, np.float32)
    for number, start_sec in enumerate(starts):
        burst = voiced(BURST_SEC, 300.0 - 15 * number, vowels[number % len(vowels)])
        place = round(start_sec * RATE_HZ)
        sound[place : place + len(burst)] += burst
    return sound + np.random.default_rng(1).uniform(-between_peak, between_peak, len(sound)).astype(np.float32)


def breath(duration_sec: float, low_hz: float = 400.0, high_hz: float = 2_500.0, peak: float = 0.05) -> Float32:
    """Noise between two frequencies."""
    white = np.random.default_rng(2).standard_normal(round(duration_sec * RATE_HZ))
    shaped = sosfilt(butter(4, [low_hz, high_hz], "bandpass", fs=RATE_HZ, output="sos"), white)
    scaled: Float32 = (peak * shaped / np.abs(shaped).max()).astype(np.float32)
    return scaled * _edges(len(scaled))


def speech(syllables: int = 8, f0_hz: float = 120.0, peak: float = 0.3, per_sec: float = 4.0) -> Float32:
    """Syllables of changing vowels whose pitch moves by a few semitones, with shallow dips between them."""
    parts = []
    for number in range(syllables):
        hz = f0_hz * 2 ** (np.array([3.0, -3.0] if number % 2 else [-3.0, 3.0]) / 12)
        syllable = voiced(1 / per_sec, hz.tolist(), VOWELS_HZ[number % 3], peak)
        parts.append(
            syllable * (0.35 + 0.65 * np.sin(np.pi * np.arange(len(syllable)) / len(syllable))).astype(np.float32)
        )
    return np.concatenate(parts)


def _edges(samples: int) -> Float32:
    """Fades of 10 ms, so that nothing clicks."""
    ramp = np.minimum(np.arange(samples), np.arange(samples)[::-1]) / (RATE_HZ / 100)
    return np.minimum(ramp, 1.0).astype(np.float32)
