from __future__ import annotations

import numpy as np
import pytest

from inference.engines.cascade.hearing.vad import RATE_HZ
from inference.engines.cascade.hearing.voice.frames import HOP_SAMPLES, SILENT_DB, analyse
from tests.inference.engines.cascade.voice.sounds import breath, room, voiced


def test_frame_stands_for_10_ms() -> None:
    frames = analyse(room(1.0))
    assert HOP_SAMPLES / RATE_HZ == 0.01
    assert [len(part) for part in (frames.level_db, frames.bands_db, frames.pitch_hz, frames.voiced)] == [100] * 4


def test_level_of_a_tone_is_its_rms() -> None:
    tone = (0.5 * np.sin(2 * np.pi * 1_000 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)
    assert np.median(analyse(tone).level_db) == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.2)


@pytest.mark.parametrize("f0_hz", [80.0, 120.0, 210.0, 400.0])
def test_pitch_of_a_vowel_is_found(f0_hz: float) -> None:
    frames = analyse(voiced(1.0, f0_hz))
    assert frames.voiced[10:90].all()
    assert frames.pitch_hz[10:90] == pytest.approx(f0_hz, rel=0.03)


def test_noise_is_not_voiced() -> None:
    assert np.count_nonzero(analyse(breath(1.0)).voiced) <= 5


def test_centroid_lies_in_the_band_of_the_noise() -> None:
    middle = analyse(breath(1.0, 4_000, 6_000)).centroid_hz[10:90]
    assert (middle > 4_000).all()
    assert (middle < 6_000).all()


def test_more_above_1_khz_is_brighter() -> None:
    dark, bright = (np.median(analyse(breath(1.0, low, low * 2)).bright_db) for low in (300, 1_500))
    assert bright - dark > 20


def test_silence_has_no_level_and_no_voice() -> None:
    frames = analyse(np.zeros(RATE_HZ, np.float32))
    assert (frames.level_db == SILENT_DB).all()
    assert not frames.voiced.any()
    assert np.isfinite(frames.pitch_hz).all()


def test_last_frames_are_the_end() -> None:
    frames = analyse(np.concatenate([room(0.5), voiced(0.5)]))
    assert frames.last(50).voiced.sum() == frames.voiced.sum()
