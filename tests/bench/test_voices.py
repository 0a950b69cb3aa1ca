"""The voice benchmark's own arithmetic, on signals whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soxr

from inference.contract.audio import SAMPLE_RATE_HZ
from tests.bench.voices_cases import Case, every_case
from tests.bench.voices_judges import word_errors, words
from tests.bench.voices_measures import border_roughness, envelope_warp, lag_samples, pitch_change
from tests.bench.voices_rows import HEADINGS, Row, line_of
from tests.bench.voices_speech import NoSpeech, human_speech
from tests.signals import noise, silence, vowel


@pytest.mark.parametrize("factor", [0.81, 1.0, 1.17])
def test_envelope_warp_is_found_within_one_percent(factor: float) -> None:
    before = vowel(np.linspace(140.0, 90.0, 20), 2.0)
    after = np.asarray(soxr.resample(before, SAMPLE_RATE_HZ * factor, SAMPLE_RATE_HZ), np.float32)  # all of it is moved
    before_hz, after_hz = np.interp(np.arange(150), [0, 199], [140, 90]), np.zeros(150)
    after_hz[:] = np.interp(np.arange(150) * factor, [0, 199], [140, 90]) * factor
    assert envelope_warp(before, after, before_hz, after_hz, factor) == pytest.approx(factor, rel=0.01)
    assert envelope_warp(before, after, before_hz, after_hz, 1.05 * factor) == pytest.approx(factor, rel=0.02)


def test_lag_is_found_in_either_direction() -> None:
    spoken = np.concatenate([silence(0.3), vowel(150.0, 0.3), silence(0.2), noise(0.1), silence(0.5)])
    later = np.concatenate([np.zeros(1_440, np.float32), spoken])[: len(spoken)]
    assert lag_samples(spoken, later) == pytest.approx(1_440, abs=2)
    assert lag_samples(later, spoken) == pytest.approx(-1_440, abs=2)


def test_borders_that_click_are_heard() -> None:
    clicking = vowel(120.0, 2.0)
    assert border_roughness(clicking, 480) == pytest.approx(1, abs=0.3)
    clicking[480::480] += 0.1
    assert border_roughness(clicking, 480) > 2


def test_pitch_change_tells_median_gross_errors_and_voicing_apart() -> None:
    expected = np.array([100.0] * 8 + [0.0, 0.0])
    found = np.array([101.0] * 6 + [150.0, 0.0, 0.0, 90.0])
    change = pitch_change(expected, found)
    assert change.median_cents == pytest.approx(1_200 * np.log2(1.01))
    assert change.gross == pytest.approx(1 / 7)
    assert change.voicing == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("expected", "heard", "errors"),
    [
        ("go forward ten meters", "Go forward, 10 meters.", 0),
        ("you are about to", "You're about to", 0),
        ("an ill disposed man", "an ill-disposed man", 0),
        ("go somewhere and do something", "Go somewhere to something else", 3),
        ("a b", "", 2),
    ],
)
def test_word_errors(expected: str, heard: str, errors: int) -> None:
    assert word_errors(words(expected), words(heard)) == errors


def test_every_converter_and_preset_has_a_case() -> None:
    assert [case.name for case in every_case()][:3] == ["natural", "sham", "male_to_female"]
    assert {case.converter for case in every_case()} == {"none", "resynthesis", "transform", "remote_vc"}


def test_requested_f0_follows_the_parameters() -> None:
    heard = np.array([0.0, 100.0, 100.0, 200.0])
    requested = Case("lively", "transform", {"f0_target_hz": 150.0, "f0_range": 2.0}).requested_hz(heard)
    assert requested.tolist() == [0.0, 150.0, 150.0, 600.0]


def test_what_could_not_be_measured_is_left_empty() -> None:
    row = Row("sham", 60, 0, 0, 0.002, 1, 0, 0, 0, [1, 1, 1], 1, (None, None), (3.0, 2.9), None)
    cells = dict(zip(HEADINGS, line_of(row).strip("| ").replace("||", "| |").split(" | "), strict=False))
    assert (cells["streams a core"], cells["WER"], cells["DNSMOS"]) == ("500", "", "3.00 → 2.90")


def test_missing_tools_are_told_in_plain_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoSpeech, match=r"apt-get was not found. Run this on Debian or Ubuntu, or unpack"):
        human_speech(tmp_path)
