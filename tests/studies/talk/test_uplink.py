"""From microphone frames to engine steps: overflow drops the oldest, back-fill is told from what is live."""

from __future__ import annotations

import asyncio

from inference.audio import FRAME_SAMPLES, UPLINK_SAMPLES
from inference.wire import AUDIO_HEADER, Kind, encode_audio
from studies.talk.arrival import BACKFILL_AT_MOST_US, ArrivalClock
from studies.talk.uplink import MAX_STEPS, Uplink
from tests.studies.talk.pages import microphone_frame

SECOND_US = 1_000_000
FRAME_US = 20_000


async def test_full_queue_drops_the_oldest_steps_and_reports_them_once_it_moves() -> None:
    dropped: list[int] = []
    sent: list[bytes] = []
    arrived = asyncio.Event()
    uplink = Uplink(dropped.append)
    for sequence in range(4 * (MAX_STEPS + 3)):
        frame = encode_audio(Kind.PARTICIPANT, sequence, sequence * UPLINK_SAMPLES, microphone_frame(sequence))
        uplink.frame(sequence, sequence * UPLINK_SAMPLES, frame)

    async def send(data: bytes) -> None:
        sent.append(data)
        if len(sent) == MAX_STEPS:
            arrived.set()

    running = asyncio.create_task(uplink.run(send))
    await arrived.wait()
    running.cancel()
    places = [AUDIO_HEADER.unpack_from(data)[1:] for data in sent]
    assert places == [(step, step * FRAME_SAMPLES) for step in range(3, MAX_STEPS + 3)]
    assert dropped == [3]
    assert sent[0][AUDIO_HEADER.size :] == b"".join(microphone_frame(n) for n in range(12, 16))


def arrive(clock: ArrivalClock, sequence: int, time_us: int) -> bool:
    return clock.is_backfill(sequence * UPLINK_SAMPLES, time_us)


def test_nothing_is_backfill_before_a_reconnect() -> None:
    clock = ArrivalClock()
    clock.reconnected(0)
    assert [arrive(clock, n, n * FRAME_US) for n in range(3)] == [False] * 3
    assert not arrive(clock, 3, 5 * SECOND_US)  # a slow network, not a reconnect


def test_frames_kept_while_away_are_backfill_until_the_first_prompt_one() -> None:
    clock = ArrivalClock()
    arrive(clock, 0, 0)
    back_us = 3 * SECOND_US
    clock.reconnected(back_us)
    assert arrive(clock, 1, back_us)
    assert arrive(clock, 100, back_us + 100)
    assert not arrive(clock, 149, back_us + 200)
    assert not arrive(clock, 101, back_us + 300)  # in order: what comes now is live


def test_backfill_does_not_last_for_ever() -> None:
    clock = ArrivalClock()
    arrive(clock, 0, 0)
    clock.reconnected(3 * SECOND_US)
    assert not arrive(clock, 1, 3 * SECOND_US + BACKFILL_AT_MOST_US)
