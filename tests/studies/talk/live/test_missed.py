from __future__ import annotations

import numpy as np

from inference.contract.audio import UPLINK_SAMPLES, float32_to_pcm16
from inference.contract.wire import AUDIO_HEADER, Kind
from studies.talk.live.missed import MissedSpeech


def frame(level: float) -> bytes:
    tone = level * np.sin(np.arange(UPLINK_SAMPLES) / 5, dtype=np.float32)
    return AUDIO_HEADER.pack(Kind.PARTICIPANT, 0, 0) + float32_to_pcm16(tone.astype(np.float32))


def missed_ms(*levels: float) -> int | None:
    missed = MissedSpeech()
    for level in levels:
        missed.late(frame(level))
    return missed.take()


def test_speech_that_was_kept_is_counted() -> None:
    assert missed_ms(*[0.1] * 50, *[0.001] * 50) == 1_000


def test_quiet_room_and_a_short_sound_are_nothing_to_repeat() -> None:
    assert missed_ms(*[0.001] * 200) is None
    assert missed_ms(*[0.1] * 10, *[0.001] * 200) is None


def test_what_was_told_is_not_told_again() -> None:
    missed = MissedSpeech()
    for _ in range(50):
        missed.late(frame(0.1))
    assert [missed.take(), missed.take()] == [1_000, None]
