from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inference.contract.audio import Float32
from inference.contract.options.cascade_voice import VoiceOptions
from inference.engines.cascade.hearing.voice.frames import analyse
from inference.engines.cascade.hearing.voice.laughs import Sound, laughs
from tests.inference.engines.cascade.voice.sounds import VOWELS_HZ, breath, in_room, laugh, room, speech

EVEN = (0.2, 0.2, 0.2, 0.2, 0.2)


def found(sound: Float32, **options: Any) -> list[Sound]:
    return laughs(analyse(in_room(sound)), VoiceOptions.read(options))


def test_even_bursts_of_one_vowel_are_a_laugh() -> None:
    (laughed,) = found(laugh(EVEN))
    assert laughed == pytest.approx((0.54, 1.54), abs=0.05)


def test_laugh_that_slows_down_is_one() -> None:
    assert len(found(laugh((0.16, 0.18, 0.2, 0.23, 0.27)))) == 1


@pytest.mark.parametrize(
    "sound",
    [
        laugh(EVEN, vowels=VOWELS_HZ),
        laugh((0.2, 0.34, 0.2, 0.34, 0.2)),
        laugh((0.5, 0.5, 0.5, 0.5)),
        laugh((0.2,)),
        speech(),
        breath(1.5),
        room(2.0),
    ],
    ids=["other vowels", "uneven", "slow", "two bursts", "speech", "breath", "nothing"],
)
def test_everything_else_is_none(sound: Float32) -> None:
    assert found(sound) == []


def test_three_bursts_need_deep_dips_between_them() -> None:
    assert len(found(laugh((0.2, 0.2)))) == 1
    assert found(laugh((0.2, 0.2), between_peak=0.05)) == []


def test_knocks_without_a_voice_are_none() -> None:
    knocks = np.concatenate([np.concatenate([breath(0.08), np.zeros(1_920, np.float32)]) for _ in range(6)])
    assert found(knocks) == []


def test_threshold_is_an_option() -> None:
    six_bursts = laugh(EVEN, between_peak=0.05)
    assert len(found(six_bursts)) == 1
    assert found(six_bursts, laugh_bursts=7) == []
    assert found(six_bursts, laugh_dip_db=35.0) == []


def test_two_laughs_are_told_apart() -> None:
    both = np.concatenate([laugh(EVEN), room(1.0), laugh(EVEN)])
    assert len(found(both)) == 2
