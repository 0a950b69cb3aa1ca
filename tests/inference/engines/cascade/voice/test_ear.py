from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from inference.contract.audio import Float32
from inference.contract.options.cascade_voice import VoiceOptions
from inference.engines.cascade.hearing.vad import VAD_FRAME_SAMPLES
from inference.engines.cascade.hearing.voice.ear import Ear
from tests.inference.engines.cascade.voice.sounds import in_room, laugh, room, speech


def vad_frames(sound: Float32) -> Iterator[Float32]:
    for start in range(0, len(sound) - VAD_FRAME_SAMPLES + 1, VAD_FRAME_SAMPLES):
        yield sound[start : start + VAD_FRAME_SAMPLES]


def ear_that_heard(sound: Float32, **options: float) -> Ear:
    ear = Ear(VoiceOptions.read(options))
    for frame in vad_frames(sound):
        ear.pass_by(frame)
    return ear


def test_laugh_before_the_turn_is_noticed() -> None:
    assert ear_that_heard(in_room(laugh())).listen_to(in_room(speech()))().words == ("laughing",)


def test_laugh_too_long_before_the_turn_is_not() -> None:
    long_ago = np.concatenate([laugh(), room(5.0)])
    assert ear_that_heard(long_ago).listen_to(in_room(speech()))().words == ()
    assert ear_that_heard(in_room(laugh()), before_sec=0.0).listen_to(in_room(speech()))().words == ()


def test_what_the_agent_may_have_said_is_forgotten() -> None:
    ear = ear_that_heard(in_room(laugh()))
    ear.forget_before()
    assert ear.listen_to(in_room(speech()))().words == ()


def test_answered_turns_are_what_the_next_ones_are_compared_with() -> None:
    ear = Ear(VoiceOptions())
    ear.remember(ear.listen_to(in_room(speech()))())
    assert ear.listen_to(in_room(speech(peak=0.8)))().words == ("loud",)


def test_turn_without_speech_is_no_reference() -> None:
    ear = Ear(VoiceOptions())
    ear.remember(ear.listen_to(room(1.0))())
    assert ear.listen_to(in_room(speech()))().compared_with == 0


def test_turn_is_judged_by_what_was_known_when_it_ended() -> None:
    ear = Ear(VoiceOptions())
    listening = ear.listen_to(in_room(speech(peak=0.8)))
    ear.remember(ear.listen_to(in_room(speech()))())
    assert listening().compared_with == 0
