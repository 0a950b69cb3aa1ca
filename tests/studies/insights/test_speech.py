from __future__ import annotations

import numpy as np
import pytest

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from studies.errors import Unmeasurable
from studies.insights.pitch import pitch_contour
from studies.insights.speech import (
    LEAST_PAUSE_SAMPLES,
    Stretch,
    audible_stretches,
    rate_per_sec,
    seconds,
    speech_stretches,
    syllable_nuclei,
)
from tests.signals import noise, silence, vowel

NEAR = 480  # samples: two frames


def syllables(rate_hz: float, duration_sec: float, voice: Float32 | None = None) -> Float32:
    """A vowel that opens and closes `rate_hz` times a second."""
    voice = vowel(140.0, duration_sec) if voice is None else voice
    opening = 0.5 - 0.5 * np.cos(2 * np.pi * rate_hz * np.arange(len(voice)) / SAMPLE_RATE_HZ)
    return (voice * (0.05 + 0.95 * opening)).astype(np.float32)


def assert_near(found: list[Stretch], expected: list[tuple[float, float]]) -> None:
    assert len(found) == len(expected)
    for stretch, (start_sec, end_sec) in zip(found, expected, strict=True):
        assert stretch.start == pytest.approx(start_sec * SAMPLE_RATE_HZ, abs=NEAR)
        assert stretch.end == pytest.approx(end_sec * SAMPLE_RATE_HZ, abs=NEAR)


@pytest.mark.parametrize("hiss", [0.0, 0.003, 0.02])
def test_stretches_are_where_the_speech_is(hiss: float) -> None:
    spoken = np.concatenate([silence(1.0), vowel(120.0, 2.0), silence(0.5), vowel(150.0, 1.0), silence(1.5)])
    assert_near(speech_stretches(spoken + noise(6.0, hiss)), [(1.0, 3.0), (3.5, 4.5)])


def test_short_gap_is_no_pause() -> None:
    gap_sec = LEAST_PAUSE_SAMPLES / SAMPLE_RATE_HZ - 0.04
    spoken = np.concatenate([silence(1.0), vowel(120.0, 1.0), silence(gap_sec), vowel(150.0, 1.0), silence(1.0)])
    assert_near(speech_stretches(spoken), [(1.0, 3.0 + gap_sec)])


def test_click_is_no_speech() -> None:
    spoken = np.concatenate([silence(1.0), vowel(120.0, 1.0), silence(1.0)])
    spoken[2_400:2_640] = 0.5
    assert_near(speech_stretches(spoken), [(1.0, 2.0)])


def test_level_of_the_track_does_not_matter() -> None:
    spoken = np.concatenate([silence(1.0), vowel(120.0, 1.0), silence(1.0)])
    assert speech_stretches((spoken / 20).astype(np.float32)) == speech_stretches(spoken)


@pytest.mark.parametrize(
    "samples", [silence(2.0), noise(2.0, 0.1), noise(2.0, 1e-4), silence(0.0), np.zeros(7, np.float32)]
)
def test_silence_and_steady_noise_are_no_speech(samples: Float32) -> None:
    assert speech_stretches(samples) == []


def test_seconds_add_up() -> None:
    assert seconds([Stretch(0, 24_000), Stretch(48_000, 60_000)]) == 1.5


@pytest.mark.parametrize("rate_hz", [2.0, 3.0, 4.0, 6.0])
def test_every_syllable_has_one_nucleus(rate_hz: float) -> None:
    spoken = np.concatenate([silence(0.5), syllables(rate_hz, 3.0), silence(0.5)])
    assert len(syllable_nuclei(spoken, pitch_contour(spoken))) == round(3 * rate_hz)


def test_steady_vowel_is_one_syllable() -> None:
    spoken = np.concatenate([silence(0.5), vowel(140.0, 1.0), silence(0.5)])
    assert len(syllable_nuclei(spoken, pitch_contour(spoken))) == 1


def test_shallow_dips_make_no_syllables() -> None:
    voice = vowel(140.0, 2.0)
    shallow = voice * (0.95 + 0.05 * np.cos(2 * np.pi * 4 * np.arange(len(voice)) / SAMPLE_RATE_HZ))
    spoken = np.concatenate([silence(0.5), shallow.astype(np.float32), silence(0.5)])
    assert len(syllable_nuclei(spoken, pitch_contour(spoken))) == 1


def test_unvoiced_peaks_are_no_syllables() -> None:
    spoken = np.concatenate([silence(0.5), syllables(4.0, 2.0, noise(2.0, 0.3)), silence(0.5)])
    assert len(syllable_nuclei(spoken, pitch_contour(spoken))) == 0


def test_nothing_has_no_syllables() -> None:
    assert len(syllable_nuclei(silence(0.0), pitch_contour(silence(0.0)))) == 0


def test_rate_over_too_little_speech_cannot_be_measured() -> None:
    assert rate_per_sec(6, 1.5) == 4.0
    with pytest.raises(Unmeasurable, match=r"less than 0\.5 s of speech"):
        rate_per_sec(6, 0.49)


def test_what_is_audible_is_the_speech() -> None:
    spoken = np.concatenate([silence(20.0), vowel(120.0, 2.0), silence(3.0), vowel(150.0, 1.0), silence(9.0)])
    assert_near(audible_stretches(spoken), [(20.0, 22.0), (25.0, 26.0)])


def test_sound_that_never_pauses_is_audible_from_its_first_to_its_last_frame() -> None:
    assert_near(audible_stretches(vowel(120.0, 3.0)), [(0.0, 3.0)])
    tone = np.concatenate([silence(0.05), noise(4.0, 0.1), silence(0.05)])
    assert_near(audible_stretches(tone), [(0.05, 4.05)])


@pytest.mark.parametrize("quiet", [silence(3.0), noise(3.0, 0.0005), silence(0.0)])
def test_nothing_is_audible_in_silence(quiet: Float32) -> None:
    assert audible_stretches(quiet) == []
