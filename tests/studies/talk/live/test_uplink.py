"""From microphone frames to engine steps: overflow drops the oldest, back-fill is told from what is live."""

from __future__ import annotations

import asyncio

import pytest

from inference.contract.audio import FRAME_SAMPLES, UPLINK_SAMPLES
from inference.contract.errors import SlotLost
from inference.contract.wire import AUDIO_HEADER, Kind, encode_audio
from studies.talk.journal.arrival import BACKFILL_AT_MOST_US, ArrivalClock
from studies.talk.live.uplink import MAX_STEPS, REMEMBERED_STEPS, Uplink
from tests.studies.talk.pages import microphone_frame

SECOND_US = 1_000_000
FRAME_US = 20_000


def speak(uplink: Uplink, *steps: int) -> None:
    for sequence in (4 * step + place for step in steps for place in range(4)):
        frame = encode_audio(Kind.PARTICIPANT, sequence, sequence * UPLINK_SAMPLES, microphone_frame(sequence))
        uplink.frame(sequence, sequence * UPLINK_SAMPLES, frame)


class Slot:
    """Keeps what is sent to it, until it breaks."""

    def __init__(self, uplink: Uplink, breaks_at: int = -1) -> None:
        self.sent: list[bytes] = []
        self._breaks_at = breaks_at
        self._changed = asyncio.Condition()
        self.running = asyncio.create_task(uplink.run(self._send))

    @property
    def steps(self) -> list[int]:
        return [AUDIO_HEADER.unpack_from(data)[1] for data in self.sent]

    async def _send(self, data: bytes) -> None:
        if len(self.sent) == self._breaks_at:
            raise SlotLost("broken")
        async with self._changed:
            self.sent.append(data)
            self._changed.notify_all()

    async def until(self, steps: int) -> None:
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: len(self.sent) >= steps), 20)

    async def close(self) -> None:
        self.running.cancel()
        await asyncio.wait([self.running])


async def test_full_queue_drops_the_oldest_steps_and_reports_them_once_it_moves() -> None:
    dropped: list[int] = []
    uplink = Uplink(dropped.append)
    uplink.resume(0)
    speak(uplink, *range(MAX_STEPS + 3))
    slot = Slot(uplink)
    await slot.until(MAX_STEPS)
    await slot.close()
    places = [AUDIO_HEADER.unpack_from(data)[1:] for data in slot.sent]
    assert places == [(step, step * FRAME_SAMPLES) for step in range(3, MAX_STEPS + 3)]
    assert dropped == [3]
    assert slot.sent[0][AUDIO_HEADER.size :] == b"".join(microphone_frame(n) for n in range(12, 16))


async def test_nothing_is_sent_before_a_slot_says_from_where() -> None:
    uplink = Uplink(lambda _: None)
    slot = Slot(uplink)
    speak(uplink, 0, 1)
    await asyncio.sleep(0)
    assert slot.sent == []
    uplink.resume(0)
    await slot.until(2)
    assert slot.steps == [0, 1]
    await slot.close()


async def test_next_slot_gets_what_the_last_one_did_not_hear_and_no_step_twice() -> None:
    uplink = Uplink(lambda _: None)
    first = Slot(uplink, breaks_at=6)
    uplink.resume(0)
    speak(uplink, *range(7))
    with pytest.raises(SlotLost):
        await first.running
    uplink.pause()
    speak(uplink, 7, 8)
    second = Slot(uplink)
    uplink.resume(4)  # two of the six that were sent had not arrived
    speak(uplink, 9)
    await second.until(6)
    assert (first.steps, second.steps) == ([0, 1, 2, 3, 4, 5], [4, 5, 6, 7, 8, 9])
    assert second.sent[:2] == first.sent[4:]
    await second.close()


async def test_steps_wait_longer_while_there_is_no_slot() -> None:
    dropped: list[int] = []
    uplink = Uplink(dropped.append)
    kept = MAX_STEPS + REMEMBERED_STEPS
    speak(uplink, *range(kept + 1))
    slot = Slot(uplink)
    uplink.resume(0)
    await slot.until(kept)
    assert slot.steps == list(range(1, kept + 1))
    assert dropped == [1]
    await slot.close()


async def test_sent_steps_are_counted_between_two_that_came_back() -> None:
    uplink = Uplink(lambda _: None)
    slot = Slot(uplink)
    uplink.resume(0)
    speak(uplink, 0, 1, 2, 5, 6)
    await slot.until(5)
    assert [uplink.sent_between(0, 6), uplink.sent_between(2, 5), uplink.sent_between(-1, 1)] == [3, 0, 1]
    await slot.close()


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
