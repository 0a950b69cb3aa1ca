"""Words after a laugh and after a sigh, for tests of a machine that is told how one sounds."""

from __future__ import annotations

import numpy as np
import soxr

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.engines.cascade.hearing.vad import RATE_HZ
from tests.inference.engines.cascade.voice.sounds import breath, laugh
from tests.speech import conversation

SILENT_SEC = 0.3  # between the sound and the words


def after_a_laugh(words: str, lead_sec: float = 1.0, pause_sec: float = 1.0) -> Float32:
    """float32 [n] at 24 kHz, with so much silence before the laugh and after the words."""
    return _before(laugh(), words, lead_sec, pause_sec)


def after_a_sigh(words: str, lead_sec: float = 1.0, pause_sec: float = 1.0) -> Float32:
    """The same after a sigh that lasts as long as the laugh."""
    return _before(breath(len(laugh()) / RATE_HZ), words, lead_sec, pause_sec)


def _before(sound: Float32, words: str, lead_sec: float, pause_sec: float) -> Float32:
    resampled = np.asarray(soxr.resample(sound, RATE_HZ, SAMPLE_RATE_HZ), np.float32)
    sound_sec = len(resampled) / SAMPLE_RATE_HZ
    spoken = conversation([words], pause_sec=pause_sec, lead_sec=lead_sec + sound_sec + SILENT_SEC)
    start = round(lead_sec * SAMPLE_RATE_HZ)
    spoken[start : start + len(resampled)] += resampled
    return spoken
