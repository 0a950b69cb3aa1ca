from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inference.contract.audio import Float32
from inference.contract.options.cascade_voice import VoiceOptions
from inference.engines.cascade.hearing.voice.frames import analyse
from inference.engines.cascade.hearing.voice.laughs import Sound
from inference.engines.cascade.hearing.voice.sighs import sighs
from tests.inference.engines.cascade.voice.sounds import breath, in_room, laugh, room, speech, voiced


def found(sound: Float32, **options: Any) -> list[Sound]:
    return sighs(analyse(in_room(sound)), VoiceOptions.read(options))


def test_long_breath_is_a_sigh() -> None:
    (sighed,) = found(breath(0.9))
    assert sighed == pytest.approx((0.5, 1.4), abs=0.06)


@pytest.mark.parametrize(
    "sound",
    [
        breath(0.3),
        breath(0.9, 5_000, 7_500),
        breath(0.9, peak=0.001),
        voiced(1.0),
        speech(),
        laugh(),
        room(2.0),
    ],
    ids=["short", "hiss", "faint", "vowel", "speech", "laugh", "nothing"],
)
def test_everything_else_is_none(sound: Float32) -> None:
    assert found(sound) == []


def test_steady_noise_is_background() -> None:
    assert sighs(analyse(breath(4.0)), VoiceOptions()) == []


def test_breath_far_below_the_speech_is_an_ordinary_one() -> None:
    loud_words = speech(peak=0.9)
    assert found(np.concatenate([breath(0.9, peak=0.01), loud_words])) == []
    assert len(found(np.concatenate([breath(0.9, peak=0.2), loud_words]))) == 1


def test_threshold_is_an_option() -> None:
    assert found(breath(0.9), sigh_ms=1_200) == []
    assert len(found(breath(0.3), sigh_ms=200)) == 1
    assert found(breath(0.9), sigh_centroid_hz=600) == []
