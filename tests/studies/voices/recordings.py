"""Recordings for tests of the library of voices, as the bytes of files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache

import numpy as np
import soundfile

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from tests.signals import vowel

VOWELS_HZ = (
    (730.0, 1_090.0, 2_440.0, 3_400.0),
    (300.0, 870.0, 2_240.0, 3_300.0),
    (530.0, 1_840.0, 2_480.0, 3_500.0),
    (390.0, 1_990.0, 2_550.0, 3_600.0),
)
"""Formants of /a u e i/ (Peterson & Barney 1952)."""


def encoded(samples: Float32, container: str = "FLAC", codec: str = "PCM_16", rate_hz: int = SAMPLE_RATE_HZ) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=container, subtype=codec)
    return file.getvalue()


@cache
def babble(sec: float, f0_hz: float = 120.0, tract: float = 1.0, seed: int = 0) -> Float32:
    """Nonsense syllables of one speaker: fricatives and vowels with a falling pitch, a pause after every sixth, and
    a little room noise. Not words, but all that tells speech from other sound. `tract` scales the formants."""
    rng = np.random.default_rng(seed)
    parts: list[Float32] = []
    syllable = length = 0
    while length < sec * SAMPLE_RATE_HZ:
        pause_sec = rng.uniform(0.35, 0.5) if syllable % 6 == 5 else rng.uniform(0.02, 0.05)
        parts += [_syllable(rng, f0_hz, tract, syllable % 6), np.zeros(int(pause_sec * SAMPLE_RATE_HZ), np.float32)]
        length += len(parts[-2]) + len(parts[-1])
        syllable += 1
    samples = np.concatenate(parts)[: int(sec * SAMPLE_RATE_HZ)]
    noise = 5e-4 * rng.standard_normal(len(samples)).astype(np.float32)
    return np.asarray(0.5 * samples / np.abs(samples).max() + noise, np.float32)


def _syllable(rng: np.random.Generator, f0_hz: float, tract: float, place: int) -> Float32:
    start = f0_hz * 2 ** ((3 - place + rng.normal(0, 0.7)) / 12)
    formants = [tract * formant for formant in VOWELS_HZ[rng.integers(len(VOWELS_HZ))]]
    voiced = vowel(np.array([start, start * 1.06, start * 0.94]), rng.uniform(0.12, 0.22), formants)
    voiced = voiced * np.hanning(len(voiced)).astype(np.float32) ** 0.5
    hiss = rng.standard_normal(int(rng.uniform(0.04, 0.09) * SAMPLE_RATE_HZ)).astype(np.float32)
    hiss = 0.05 * np.diff(hiss, prepend=np.float32(0)) * np.hanning(len(hiss)).astype(np.float32)
    return np.asarray(np.concatenate([hiss, rng.uniform(0.6, 1.0) * voiced]), np.float32)


def melody(sec: float, notes_hz: Sequence[float] = (262, 330, 392, 523, 440, 349), note_sec: float = 0.4) -> Float32:
    """Plucked notes over a held chord."""
    note = np.arange(int(note_sec * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    plucked = [
        sum(np.sin(2 * np.pi * hz * harmonic * note) / harmonic for harmonic in range(1, 7)) * np.exp(-3 * note)
        for hz in notes_hz
    ]
    tune = np.concatenate([plucked[n % len(plucked)] for n in range(int(sec / note_sec) + 1)])[
        : int(sec * SAMPLE_RATE_HZ)
    ]
    time = np.arange(len(tune)) / SAMPLE_RATE_HZ
    chord = sum(np.sin(2 * np.pi * hz * time) for hz in (131.0, 165.0, 196.0))
    return np.asarray(0.2 * tune + 0.05 * chord, np.float32)


def long_silence(sec: int, rate_hz: int = 48_000, channels: int = 2) -> bytes:
    """A FLAC file whose content is nothing, and its size next to it."""
    file = io.BytesIO()
    block = np.zeros((rate_hz * 10, channels), np.int16)
    with soundfile.SoundFile(file, "w", rate_hz, channels, "PCM_16", format="FLAC") as flac:
        for _ in range(sec // 10):
            flac.write(block)
    return file.getvalue()


def claiming(flac: bytes, samples: int) -> bytes:
    """The same file with another number of samples in its header; 0 is what encoders that stream leave there."""
    header = bytearray(flac)
    header[21] = header[21] & 0xF0 | samples >> 32  # the 36-bit number in STREAMINFO, which begins at byte 8
    header[22:26] = (samples & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(header)
