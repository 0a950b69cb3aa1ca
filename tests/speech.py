"""Spoken questions for tests and benchmarks, synthesised here so that no recording needs to be shipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from inference.contract.audio import SAMPLE_RATE_HZ, Float32

BROWSER_RATE_HZ = 48_000  # of Chromium's fake microphone


def speak(text: str) -> Float32:
    """One sentence, float32 [n] at 24 kHz, peak 0.5."""
    from hibari import Hibari

    if not hasattr(speak, "voice"):
        speak.voice = Hibari(threads=1)  # type: ignore[attr-defined]
    samples = np.asarray(speak.voice(text), dtype=np.float32)  # type: ignore[attr-defined]
    return (samples * np.float32(0.5 / np.abs(samples).max())).astype(np.float32)


def conversation(sentences: list[str], pause_sec: float, lead_sec: float = 1.0) -> Float32:
    """Sentences with room for the answers between, at 24 kHz, over a faint noise floor as rooms have."""
    silence = np.zeros(int(pause_sec * SAMPLE_RATE_HZ), np.float32)
    parts = [np.zeros(int(lead_sec * SAMPLE_RATE_HZ), np.float32)]
    for sentence in sentences:
        parts += [speak(sentence), silence]
    samples = np.concatenate(parts)
    noise = np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
    return samples + noise * np.float32(1e-4)


def write_microphone(path: Path, samples: Float32) -> Path:
    """A WAV that Chromium plays as its fake microphone: 48 kHz, 16 bit."""
    soundfile.write(path, soxr.resample(samples, SAMPLE_RATE_HZ, BROWSER_RATE_HZ), BROWSER_RATE_HZ, subtype="PCM_16")
    return path


def read_microphone(path: Path) -> Float32:
    """What `write_microphone` wrote, back at 24 kHz: the reference for what a recording may hold at best."""
    samples, _ = soundfile.read(path, dtype="float32")
    return np.asarray(soxr.resample(samples, BROWSER_RATE_HZ, SAMPLE_RATE_HZ), np.float32)
