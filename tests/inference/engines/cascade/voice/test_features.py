from __future__ import annotations

import numpy as np
import pytest

from inference.engines.cascade.hearing.voice.features import FEATURES, Features, features, reference
from inference.engines.cascade.hearing.voice.frames import analyse
from tests.inference.engines.cascade.voice.sounds import breath, in_room, room, speech, voiced


def measured(**given: float) -> Features:
    return features(analyse(in_room(speech(**given))))  # type: ignore[arg-type]


def test_pitch_is_the_median_and_its_range_that_of_the_movement() -> None:
    found = measured(f0_hz=120.0)
    assert found["pitch_hz"] == pytest.approx(120, rel=0.03)
    assert found["pitch_range_semitones"] == pytest.approx(0.8 * 6, abs=1.0)


def test_monotone_has_hardly_a_range() -> None:
    found = features(analyse(in_room(voiced(1.5, 150.0))))
    assert found["pitch_range_semitones"] == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize("per_sec", [3.0, 4.0, 5.0])
def test_rate_counts_syllables_over_speaking_time(per_sec: float) -> None:
    assert measured(per_sec=per_sec)["rate_per_sec"] == pytest.approx(per_sec, rel=0.15)


def test_twice_the_amplitude_is_6_db_louder() -> None:
    soft, loud = measured(peak=0.2)["level_db"], measured(peak=0.4)["level_db"]
    assert soft is not None
    assert loud is not None
    assert loud - soft == pytest.approx(6.02, abs=0.1)


def test_pauses_change_neither_level_nor_rate() -> None:
    words = speech()
    together = features(analyse(in_room(words)))
    apart = features(analyse(in_room(np.concatenate([words, room(2.0), words]))))
    assert apart["level_db"] == pytest.approx(together["level_db"], abs=0.2)
    assert apart["rate_per_sec"] == pytest.approx(together["rate_per_sec"], rel=0.1)


@pytest.mark.parametrize("sound", [room(2.0), breath(2.0), voiced(0.2)], ids=["nothing", "breath", "too short"])
def test_too_little_voice_measures_nothing(sound: np.typing.NDArray[np.float32]) -> None:
    assert features(analyse(in_room(sound))) == dict.fromkeys(FEATURES)


def test_reference_is_the_median_of_what_was_measured() -> None:
    empty = dict.fromkeys(FEATURES)
    turns = [{**empty, "level_db": level} for level in (-30.0, -20.0, -28.0)]
    assert reference([*turns, empty]) == {**empty, "level_db": -28.0}
