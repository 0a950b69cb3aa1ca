from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from inference.contract.audio import Float32
from inference.contract.options.cascade_voice import VoiceOptions
from inference.engines.cascade.hearing.voice.features import FEATURES
from inference.engines.cascade.hearing.voice.noticing import FIRST_TURN, TOO_LITTLE, WORDS, Noticed, notice
from inference.engines.cascade.telling import TOLD
from tests.inference.engines.cascade.voice.sounds import breath, in_room, laugh, room, speech, voiced

NOTHING = np.zeros(0, np.float32)


def noticed(turn: Float32, before: Float32 = NOTHING, earlier: tuple[Float32, ...] = (), **options: Any) -> Noticed:
    read = VoiceOptions.read(options)
    measured = tuple(notice(NOTHING, in_room(each), (), read).features for each in earlier)
    return notice(before, in_room(turn), measured, read)


def test_plain_speech_is_nothing_special_and_compared_with_nothing() -> None:
    found = noticed(speech())
    assert (found.words, found.compared_with, found.why_not_compared) == ((), 0, FIRST_TURN)
    assert found.differences == dict.fromkeys(FEATURES)


def test_laugh_and_sigh_are_noticed_within_and_before_the_turn() -> None:
    for sound, word in ((laugh(), "laughing"), (breath(0.9), "sighing")):
        assert noticed(np.concatenate([sound, room(0.3), speech()])).words == (word,)
        assert noticed(speech(), before=in_room(sound)).words == (word,)


def test_what_came_before_is_not_measured_as_the_turn() -> None:
    after_a_laugh = noticed(speech(), before=in_room(laugh()))
    assert after_a_laugh.features["pitch_hz"] == pytest.approx(noticed(speech()).features["pitch_hz"], rel=0.01)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"peak": 0.8}, {"loud"}),
        ({"peak": 0.1}, {"soft"}),
        ({"f0_hz": 180.0}, {"high"}),
        ({"f0_hz": 85.0}, {"low"}),
        ({"per_sec": 6.0}, {"fast"}),
        ({"per_sec": 2.4}, {"slow"}),
        ({"peak": 0.8, "f0_hz": 180.0}, {"tense", "loud", "high"}),
        ({"peak": 0.1, "per_sec": 2.4}, {"calm", "soft", "slow"}),
        ({"peak": 0.8, "per_sec": 2.4}, {"loud", "slow"}),
        ({}, set()),
    ],
)
def test_turn_is_compared_with_the_speakers_earlier_ones(changed: dict[str, Any], words: set[str]) -> None:
    found = noticed(speech(**changed), earlier=(speech(), speech()))
    assert set(found.words) == words
    assert (found.compared_with, found.why_not_compared) == (2, "")


def test_comparison_waits_for_as_many_turns_as_the_option_says() -> None:
    found = noticed(speech(peak=0.8), earlier=(speech(),), reference_turns=2)
    assert (found.words, found.why_not_compared) == ((), "There are fewer than 2 earlier turns.")


def test_range_of_pitch_needs_no_comparison() -> None:
    assert noticed(voiced(1.5, 150.0)).words == ("flat",)
    assert noticed(voiced(2.0, [90.0, 300.0])).words == ("lively",)


def test_register_is_told_only_where_the_option_says_so() -> None:
    assert noticed(speech(f0_hz=230.0)).words == ()
    assert noticed(speech(f0_hz=230.0), tell_register=True).words == ("high voice",)
    assert noticed(speech(f0_hz=100.0), tell_register=True).words == ("deep voice",)
    assert noticed(speech(f0_hz=165.0), tell_register=True).words == ()


def test_of_a_long_turn_only_the_end_is_measured() -> None:
    end = np.concatenate([room(1.0), speech(syllables=56, f0_hz=200.0)])
    found = noticed(np.concatenate([laugh(), room(0.5), speech(f0_hz=100.0), end]), before=in_room(laugh()))
    assert found.laughs == 0
    assert found.features["pitch_hz"] == pytest.approx(200, rel=0.03)


@pytest.mark.parametrize("turn", [room(1.0), np.zeros(0, np.float32)], ids=["room", "nothing"])
def test_turn_without_speech_is_no_comparison(turn: Float32) -> None:
    found = notice(NOTHING, turn, (), VoiceOptions())
    assert (found.words, found.why_not_compared) == ((), TOO_LITTLE)


def test_record_is_json_with_every_feature() -> None:
    record = noticed(speech(peak=0.8), before=in_room(laugh()), earlier=(speech(),)).record()
    assert json.loads(json.dumps(record)) == record
    assert record["sounded"] == "laughing, loud"
    assert (record["laughs"], record["sighs"], record["compared_with_turns"]) == (1, 0, 1)
    assert set(record["features"]) == set(record["differences"]) == set(FEATURES)


def test_model_can_be_told_of_everything_that_can_be_noticed() -> None:
    assert set(TOLD) == set(WORDS)
