"""A take whose inference worker stops, breaks off or dies goes on there or at a twin, or says that it ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from inference.contract.audio import FRAME_SAMPLES
from inference.contract.wire import Kind
from inference.engines.echo import EchoEngine
from inference.worker.__main__ import Worker
from studies.models import InferenceWorker, Session, Take
from studies.talk.filing.filing import file_take
from tests.studies.talk.cable import Cable, laid_cable
from tests.studies.talk.conftest import Serving, announce, open_page, reread
from tests.studies.talk.live.test_relay import end, journalled, live_page, noted, other_take, sequences
from tests.studies.talk.pages import Page
from tests.waiting import until

STEP_FRAMES = 4


def say_steps(page: Page, *steps: int) -> None:
    page.say(*(STEP_FRAMES * step + place for step in steps for place in range(STEP_FRAMES)))


async def answered(page: Page, steps: int) -> None:
    """So many agent frames have come."""
    await page.until(lambda: len(page.agent_frames()) == steps)


def assert_gapless(take: Take, steps: int) -> None:
    """Each step was heard and answered once, in order, and the echo never lost its thread."""
    heard, agent = journalled(take, Kind.HEARD), journalled(take, Kind.AGENT)
    said = journalled(take, Kind.PARTICIPANT)
    assert [record.place for record in heard] == [(step, step * FRAME_SAMPLES) for step in range(steps)]
    assert [record.place for record in agent] == [record.place for record in heard]
    assert b"".join(record.pcm for record in heard) == b"".join(record.pcm for record in said)
    assert [record.pcm for record in agent[1:]] == [record.pcm for record in heard[:-1]]


async def stop(worker: Worker) -> None:
    """As SIGTERM does."""
    leaving = asyncio.create_task(worker.drain())
    await announce(worker)
    await leaving


class StubbornEngine(EchoEngine):
    """An echo that cannot move."""

    movable = False


class OtherEngine(EchoEngine):
    """An echo of other weights."""

    def snapshot(self) -> dict[str, Any]:
        return {**super().snapshot(), "fingerprint": "another"}


async def test_talk_moves_to_a_twin_when_its_worker_stops(take: Take, serving: Serving) -> None:
    async with serving() as first:
        page = await live_page(take)
        say_steps(page, *range(5))
        await answered(page, 5)
        async with serving() as second:
            say_steps(page, 5)
            stopping = asyncio.create_task(stop(first))
            await page.event("away")
            say_steps(page, *range(6, 10))  # nobody hears them yet
            await answered(page, 10)
            await stopping
            say_steps(page, 10, 11)
            await answered(page, 12)
            assert [len(first.takes.conversations), len(second.takes.conversations)] == [0, 1]
            await end(page)
    assert_gapless(take, 12)
    assert [event["away"] for event in page.events("away")] == [True, False]
    assert noted(take, "moved") == [{"from": first.name, "to": second.name}]
    assert [event["worker"] for event in noted(take, "slot")] == [first.name, second.name]
    take = await reread(take)
    assert (take.outcome, take.end_reason, take.number) == ("completed", "participant", 1)
    await sync_to_async(file_take)(take.pk)
    take = await reread(take)
    assert (take.counts["engine_moves"], take.counts["engine_reconnects"]) == (1, 0)
    assert {track.lost_samples async for track in take.tracks.all()} == {0}


async def test_talk_that_nobody_can_take_over_ends(
    take: Take, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.talk.live.engine_link.MOVE_WITHIN_SEC", 0.2)
    async with serving() as first, serving(OtherEngine):
        page = await live_talk_at(take, first)
        await asyncio.wait([asyncio.create_task(stop(first)), asyncio.create_task(page.until_closed())], timeout=20)
        await page.gone()
        await first.stop()
    assert page.events("ended")[0]["reason"] == "engine_lost"
    assert noted(take, "slot_lost")[-1] == {
        "reason": "moving, and no other inference worker can take it over",
        "worker": first.name,
    }
    assert sequences(take) == list(range(8))


async def live_talk_at(take: Take, worker: Worker) -> Page:
    """A talk of two steps in this worker, whichever others there are."""
    others = InferenceWorker.objects.exclude(address=worker.address)
    free = {other.pk: other.free_slots async for other in others}
    await others.aupdate(free_slots=0)
    page = await live_page(take)
    for name, slots in free.items():
        await InferenceWorker.objects.filter(pk=name).aupdate(free_slots=slots)
    assert len(worker.takes.conversations) == 1
    say_steps(page, 0, 1)
    await answered(page, 2)
    return page


async def test_twin_that_refuses_is_passed_over(take: Take, serving: Serving) -> None:
    async with serving() as first, serving() as second:
        page = await live_talk_at(take, first)
        dead = await InferenceWorker.objects.aget(address=second.address)
        dead.name, dead.address, dead.free_slots = "dead", "ws://127.0.0.1:9", 99
        await dead.asave(force_insert=True)
        await stop(first)
        say_steps(page, 2)
        await answered(page, 3)
        await end(page)
    assert_gapless(take, 3)
    assert [refused["worker"] for refused in noted(take, "move_refused")] == ["dead"]
    assert noted(take, "moved") == [{"from": first.name, "to": second.name}]


async def test_talk_of_an_engine_that_cannot_move_ends_when_its_worker_stops(take: Take, serving: Serving) -> None:
    async with serving(StubbornEngine) as first, serving(StubbornEngine):
        page = await live_talk_at(take, first)
        await stop(first)
        assert await page.until_closed() == 1000
        await page.gone()
    assert page.events("ended")[0]["reason"] == "engine_lost"
    assert "in a new conversation" in page.events("ended")[0]["message"]


async def test_one_who_waits_is_let_in_elsewhere_when_the_worker_stops(
    session: Session, take: Take, serving: Serving
) -> None:
    other = await sync_to_async(other_take)(session)
    async with serving(slots=1) as first:
        talking = await live_page(other)
        waiting = await open_page(take)
        await waiting.event("queue")
        async with serving() as second:
            await stop(first)
            await waiting.event("live")
            assert len(second.takes.conversations) == 2
            await end(waiting)
            await end(talking)
    assert [event["worker"] for event in noted(take, "slot")] == [first.name, second.name]


@pytest.fixture
async def cable(serving: Serving) -> AsyncIterator[tuple[Worker, Cable]]:
    """A worker that the web reaches over a cable."""
    async with serving() as worker, laid_cable(int(worker.address.rpartition(":")[2])) as cable:
        worker.address = worker._tokens.address = f"ws://127.0.0.1:{cable.port}"
        await InferenceWorker.objects.aupdate(address=worker.address)
        yield worker, cable


async def test_broken_connection_is_resumed_and_nothing_is_doubled_or_lost(
    take: Take, cable: tuple[Worker, Cable]
) -> None:
    worker, line = cable
    page = await live_page(take)
    say_steps(page, *range(5))
    await answered(page, 5)
    line.swallows_up = True  # the next steps leave here and never arrive
    say_steps(page, 5, 6)
    await until(lambda: line.swallowed_bytes >= 2 * 2 * FRAME_SAMPLES)
    line.cut()
    await page.event("away")
    say_steps(page, 7)
    line.mend()
    await answered(page, 8)
    say_steps(page, 8)
    await answered(page, 9)
    await end(page)
    assert_gapless(take, 9)
    assert [event["away"] for event in page.events("away")] == [True, False]
    assert noted(take, "returned") == [{"worker": worker.name}]
    assert [event["worker"] for event in noted(take, "slot")] == [worker.name] * 2
    assert worker.takes.table.free_slots == worker.takes.table.slots


async def test_frames_that_a_broken_connection_swallowed_are_told(take: Take, cable: tuple[Worker, Cable]) -> None:
    _, line = cable
    page = await live_page(take)
    say_steps(page, *range(5))
    await answered(page, 5)
    line.swallows_down = True
    say_steps(page, 5, 6)
    await until(lambda: line.swallowed_bytes >= 2 * 2 * 2 * FRAME_SAMPLES)  # heard and agent of both
    line.cut()
    line.mend()
    await page.event("away")
    say_steps(page, 7)
    await page.until(lambda: [frame.sequence for frame in page.agent_frames()] == [0, 1, 2, 3, 4, 7])
    await end(page)
    assert noted(take, "overflow") == [{"direction": "downlink", "frames": 2}]
    await sync_to_async(file_take)(take.pk)
    gaps = {track.kind: track.gaps async for track in take.tracks.all()}
    missing = [[5 * FRAME_SAMPLES, 2 * FRAME_SAMPLES]]
    assert gaps == {"participant": [], "heard": missing, "agent": missing}


async def test_worker_that_died_ends_the_talk_at_once(take: Take, cable: tuple[Worker, Cable]) -> None:
    _, line = cable
    page = await live_page(take)
    say_steps(page, 0, 1)
    await answered(page, 2)
    await line.tear_out()
    assert await page.until_closed() == 1000
    await page.gone()
    assert page.events("ended")[0]["reason"] == "engine_lost"
    assert sequences(take) == list(range(8))
    assert (await reread(take)).outcome == Take.Outcome.INTERRUPTED


async def test_worker_that_stays_away_is_given_up_after_the_grace(
    take: Take, cable: tuple[Worker, Cable], settings: Settings
) -> None:
    _, line = cable
    page = await live_page(take)
    say_steps(page, 0)
    await answered(page, 1)
    settings.RECONNECT_GRACE_SEC = 0.3
    line.cut()
    assert await page.until_closed() == 1000
    await page.gone()
    assert page.events("ended")[0]["reason"] == "engine_lost"
