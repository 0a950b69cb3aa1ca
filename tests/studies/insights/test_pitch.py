from __future__ import annotations

import numpy as np
import pytest

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from studies.errors import Unmeasurable
from studies.insights.acoustic import f0_median_hz, f0_sd_semitones, harmonicity_db, level_dbfs
from studies.insights.pitch import HOP_SAMPLES, pitch_contour
from studies.insights.speech import Stretch
from tests.signals import cents, noise, silence, tone, vowel


@pytest.mark.parametrize("f0_hz", [75.0, 118.0, 190.0, 262.0, 420.0])
def test_f0_median_of_a_steady_vowel_is_its_f0(f0_hz: float) -> None:
    assert abs(cents(f0_median_hz(pitch_contour(vowel(f0_hz, 1.0))), f0_hz)) < 5


def test_contour_follows_a_glide() -> None:
    contour = pitch_contour(vowel(np.linspace(100.0, 200.0, 1_000), 2.0))
    assert contour.f0_hz[10:-10] == pytest.approx(np.linspace(100.0, 200.0, len(contour.f0_hz))[10:-10], rel=0.02)


def test_f0_spread_of_two_notes_an_octave_apart_is_six_semitones() -> None:
    contour = pitch_contour(np.concatenate([vowel(110.0, 1.0), vowel(220.0, 1.0)]))
    assert f0_sd_semitones(contour) == pytest.approx(6.0, abs=0.1)


def test_f0_spread_of_a_monotone_is_nothing() -> None:
    assert f0_sd_semitones(pitch_contour(vowel(140.0, 1.0))) == pytest.approx(0.0, abs=0.1)


def test_f0_does_not_depend_on_the_level() -> None:
    spoken = vowel(150.0, 1.0)
    assert f0_median_hz(pitch_contour((spoken / 100).astype(np.float32))) == pytest.approx(
        f0_median_hz(pitch_contour(spoken)), rel=1e-4
    )


def test_contour_has_a_frame_every_hop() -> None:
    samples = vowel(150.0, 1.0)[: 90 * HOP_SAMPLES + 1]
    assert len(pitch_contour(samples).f0_hz) == 91


def test_contour_is_voiced_where_the_voice_is() -> None:
    contour = pitch_contour(np.concatenate([silence(1.0), vowel(150.0, 1.0), silence(1.0)]))
    voiced = np.flatnonzero(contour.voiced) * HOP_SAMPLES / SAMPLE_RATE_HZ
    assert (voiced[0], voiced[-1]) == (pytest.approx(1.0, abs=0.03), pytest.approx(2.0, abs=0.03))
    assert len(voiced) == pytest.approx(100, abs=5)


@pytest.mark.parametrize("samples", [silence(1.0), noise(1.0), silence(0.0), vowel(150.0, 0.2)])
def test_f0_without_voiced_speech_cannot_be_measured(samples: Float32) -> None:
    contour = pitch_contour(samples)
    for value in (f0_median_hz, f0_sd_semitones, harmonicity_db):
        with pytest.raises(Unmeasurable, match=r"less than 0\.3 s of voiced speech"):
            value(contour)


@pytest.mark.parametrize("hnr_db", [5.0, 10.0, 20.0])
def test_harmonicity_is_the_ratio_of_voice_to_noise(hnr_db: float) -> None:
    voice, hiss = tone(200.0, 2.0), noise(2.0, 1.0)
    hiss *= np.float32(np.std(voice) / np.std(hiss) / 10 ** (hnr_db / 20))
    assert harmonicity_db(pitch_contour(voice + hiss)) == pytest.approx(hnr_db, abs=1.0)


def test_level_of_a_full_scale_tone_is_three_below_full_scale() -> None:
    samples = np.concatenate([silence(1.0), tone(200.0, 1.0, peak=1.0)])
    assert level_dbfs(samples, [Stretch(24_000, 48_000)]) == pytest.approx(-3.01, abs=0.01)


def test_level_without_speech_cannot_be_measured() -> None:
    with pytest.raises(Unmeasurable, match="no speech"):
        level_dbfs(silence(1.0), [])
