"""Takes through the site's own application and a real inference worker; the test plays the browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from inference.contract.audio import FRAME_SAMPLES, UPLINK_SAMPLES, Float32
from inference.contract.wire import DOWNLINK_WINDOW_FRAMES, Kind, Metadata
from inference.engines.base import StepOutput
from inference.engines.echo import EchoEngine
from studies.models import Session, Study, Take, Trial
from studies.talk import takes
from studies.talk.filing.erasure import erase_recordings
from studies.talk.filing.filing import file_take
from studies.talk.journal.file import journal_path, read_journal
from studies.talk.journal.records import Record, now_us
from studies.talk.journal.writer import writer
from studies.talk.live.endings import CLOSE_ANOTHER_TAB, CLOSE_OVER, CLOSE_TOO_SLOW
from studies.talk.registry import RUNNING
from tests.studies.factories import PROTOCOL, make_session, make_study
from tests.studies.talk.conftest import Serving, open_page, reread
from tests.studies.talk.pages import Page, microphone_frame
from tests.waiting import until


async def end(page: Page) -> None:
    page.tell("end")
    assert await page.until_closed() == 1000
    await page.gone()


async def live_page(take: Take, **options: Any) -> Page:
    page = await open_page(take, **options)
    await page.event("live")
    return page


def journalled(take: Take, kind: Kind) -> list[Record]:
    with read_journal(journal_path(take.pk)) as records:
        return [found for found in records if isinstance(found, Record) and found.kind == kind]


def sequences(take: Take) -> list[int]:
    return [record.place[0] for record in journalled(take, Kind.PARTICIPANT)]


def noted(take: Take, name: str) -> list[dict[str, Any]]:
    """The fields of all journalled events of that name."""
    events = [record.event() for record in journalled(take, Kind.METADATA)]
    return [
        {key: value for key, value in event.items() if key != "event"} for event in events if event["event"] == name
    ]


async def test_take_from_hello_to_ended(take: Take, serving: Serving) -> None:
    async with serving():
        page = await live_page(take)
        page.say(*range(40))
        await page.until(lambda: len(page.agent_frames()) == 10)
        await end(page)
    assert page.events("hello") == [{"next_sequence": 0, "limit_ms": take.limit_ms, "resumed": False, "elapsed_ms": 0}]
    assert page.events("live") == [{"engine": "cascade", "latency_samples": 0, "resumed": False}]
    assert page.acknowledged() == 39
    assert page.events("ended") == [{"reason": "participant", "message": "You ended the conversation."}]
    records = journalled(take, Kind.PARTICIPANT)
    assert [record.pcm for record in records] == [microphone_frame(sequence) for sequence in range(40)]
    heard = journalled(take, Kind.HEARD)
    assert b"".join(record.pcm for record in heard) == b"".join(record.pcm for record in records)
    assert [record.place for record in heard] == [(step, step * FRAME_SAMPLES) for step in range(10)]
    agent = journalled(take, Kind.AGENT)
    assert [record.pcm for record in agent] == [bytes(2 * FRAME_SAMPLES), *(record.pcm for record in heard[:-1])]
    assert [frame.pcm for frame in page.agent_frames()] == [record.pcm for record in agent]
    take = await reread(take)
    assert (take.state, take.outcome, take.end_reason, take.ticket) == ("ended", "completed", "participant", "")
    assert take.pk not in RUNNING


async def test_frames_before_live_are_counted_and_not_kept(session: Session, take: Take, serving: Serving) -> None:
    other = await sync_to_async(other_take)(session)
    async with serving(slots=1):
        first = await live_page(other)
        page = await open_page(take)
        await page.event("queue")
        page.say(0, 1)
        page.tell("mute", muted=True, sample=0)  # behind them on the same socket
        await until_journalled(take, Kind.METADATA, len(WAITING) + 1)
        await end(first)
        await page.event("live")
        await end(page)
    assert sequences(take) == []
    assert noted(take, "closed")[0]["early"] == 2


WAITING = ("connect", "slot", "queue")


async def test_duplicates_are_ignored_and_gaps_noted(take: Take, serving: Serving) -> None:
    async with serving():
        page = await live_page(take)
        page.say(0, 1, 2, 1, 2, 3, 8, 9, 10, 11)
        await page.until(lambda: len(page.agent_frames()) == 2)
        await end(page)
    assert sequences(take) == [0, 1, 2, 3, 8, 9, 10, 11]
    assert noted(take, "missing") == [{"first": 4, "frames": 4}]
    assert noted(take, "closed")[0]["duplicates"] == 2
    assert [frame.sequence for frame in page.agent_frames()] == [0, 2]


async def test_step_with_a_missing_frame_is_filled_with_silence_for_the_engine(take: Take, serving: Serving) -> None:
    async with serving():
        page = await live_page(take)
        page.say(0, 1, 3, 4, 5, 6, 7)
        await page.until(lambda: len(page.agent_frames()) == 2)
        await end(page)
    first = journalled(take, Kind.HEARD)[0]
    silence = bytes(len(microphone_frame(0)))
    assert first.pcm == microphone_frame(0) + microphone_frame(1) + silence + microphone_frame(3)


async def test_reconnect_goes_on_and_backfill_is_recorded_alone(
    take: Take, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving():
        first = await live_page(take)
        first.say(*range(20))
        await first.until(lambda: len(first.agent_frames()) == 5)
        first.drop()
        await first.gone()
        for module in ("journal.writer", "live.relay"):  # a second passes, so that what is sent late is late
            monkeypatch.setattr(f"studies.talk.{module}.now_us", lambda: now_us() + 1_000_000)
        second = await live_page(take)
        assert second.events("hello")[0]["next_sequence"] == 20
        assert (second.events("hello")[0]["resumed"], second.events("live")[0]["resumed"]) == (True, True)
        second.say(*range(20, 40))
        second.say(*range(400, 408))  # live again: the clock says so
        await second.until(lambda: len(second.agent_frames()) >= 2)
        await end(second)
    assert sequences(take) == [*range(40), *range(400, 408)]
    assert [record.place[0] for record in journalled(take, Kind.HEARD)] == [0, 1, 2, 3, 4, 100, 101]
    assert [event["resumed"] for event in noted(take, "connect")] == [False, True]
    assert (await reread(take)).outcome == Take.Outcome.COMPLETED
    await sync_to_async(file_take)(take.pk)
    marked = {track.kind: track.backfilled async for track in take.tracks.all()}
    assert marked == {"participant": [[20 * UPLINK_SAMPLES, 20 * UPLINK_SAMPLES]], "heard": [], "agent": []}


async def test_another_tab_takes_over(take: Take, serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "studies.talk.journal.arrival.BACKFILL_US", 60_000_000
    )  # a slow machine kept nothing: it is late
    async with serving():
        first = await live_page(take)
        first.say(*range(4))
        await first.until(lambda: len(first.agent_frames()) == 1)
        second = await live_page(take)
        assert await first.until_closed() == CLOSE_ANOTHER_TAB
        assert first.events("ended")[0]["reason"] == "another_tab"
        first.say(*range(4, 8))  # too late: it is the other one's talk now
        second.say(*range(4, 12))
        await second.until(lambda: len(second.agent_frames()) >= 2)
        await end(second)
    assert sequences(take) == list(range(12))
    assert noted(take, "closed")[0]["duplicates"] == 0


async def test_limit_ends_the_take(take: Take, serving: Serving) -> None:
    await Take.objects.filter(pk=take.pk).aupdate(limit_ms=300)
    async with serving():
        page = await live_page(take)
        page.say(*range(8))
        assert await page.until_closed() == 1000
        await page.gone()
    assert page.events("ended")[0]["reason"] == "limit"
    take = await reread(take)
    assert (take.outcome, take.end_reason) == ("completed", "limit")


async def test_lost_worker_ends_the_take_with_everything_kept(take: Take, serving: Serving) -> None:
    async with serving():
        page = await live_page(take)
        page.say(*range(8))
        await page.until(lambda: len(page.agent_frames()) == 2)
    assert await page.until_closed() == 1000
    await page.gone()
    assert page.events("ended")[0]["reason"] == "engine_lost"
    assert page.acknowledged() == 7
    assert sequences(take) == list(range(8))
    take = await reread(take)
    assert (take.state, take.outcome, take.end_reason) == ("ended", "interrupted", "engine_lost")


async def test_no_worker_is_told_after_a_wait(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studies.talk.live.engine_link.PATIENCE_SEC", 0.2)
    page = await open_page(take)
    assert await page.until_closed() == 1000
    await page.gone()
    assert page.events("ended")[0]["reason"] == "refused"
    assert noted(take, "slot_refused") == [{"code": "no_worker"}]
    assert (await reread(take)).outcome == Take.Outcome.ABANDONED  # the engine never heard it


async def test_nobody_comes_back_ends_the_take(take: Take, serving: Serving, settings: Settings) -> None:
    settings.RECONNECT_GRACE_SEC = 0.2
    async with serving():
        page = await live_page(take)
        page.say(*range(4))
        await page.until(lambda: len(page.agent_frames()) == 1)
        page.drop()
        await page.gone()
        await until(lambda: take.pk not in RUNNING)
        take = await reread(take)
        assert (take.state, take.outcome, take.end_reason) == ("ended", "abandoned", "abandoned")
        assert sequences(take) == list(range(4))
        late = await Page(take.pk, await sync_to_async(ticket_of_ended)(take)).open()
        assert await late.until_closed() == CLOSE_OVER
        assert late.errors() == ["take_over"]
        await late.gone()


def ticket_of_ended(take: Take) -> str:
    """As if it had been issued just before the take ended."""
    Take.objects.filter(pk=take.pk).update(state=Take.State.LIVE)
    take.refresh_from_db()
    text = takes.issue_ticket(take)
    Take.objects.filter(pk=take.pk).update(state=Take.State.ENDED)
    return text


async def test_queue_position_is_told_until_a_slot_is_free(session: Session, take: Take, serving: Serving) -> None:
    other = await sync_to_async(other_take)(session)
    async with serving(slots=1):
        first = await live_page(take)
        second = await open_page(other)
        assert await second.event("queue") == {"position": 1}
        assert second.events("live") == []
        await end(first)
        await second.event("live")
        await end(second)
    assert (await reread(other)).outcome == Take.Outcome.COMPLETED


def other_take(session: Session) -> Take:
    """A take of somebody else in the same study."""
    return takes.start_take(make_session(session.version, "P-002").trials.get(position=0))


async def test_slow_browser_misses_live_frames_which_are_recorded(take: Take, serving: Serving) -> None:
    steps = DOWNLINK_WINDOW_FRAMES + 5
    async with serving():
        page = await live_page(take)
        page.reports = False
        for step in range(steps):
            page.say(*range(4 * step, 4 * step + 4))
            await until_journalled(take, Kind.AGENT, step + 1)
        assert [frame.sequence for frame in page.agent_frames()] == list(range(DOWNLINK_WINDOW_FRAMES))
        page.reports = True
        page.report(DOWNLINK_WINDOW_FRAMES - 1, 0)
        page.say(*range(4 * steps, 4 * steps + 4))
        await page.event("gap")
        await page.until(lambda: len(page.agent_frames()) == DOWNLINK_WINDOW_FRAMES + 1)
        await end(page)
    assert page.events("gap") == [{"first": DOWNLINK_WINDOW_FRAMES, "frames": 5}]
    assert [record.place[0] for record in journalled(take, Kind.AGENT)] == list(range(steps + 1))


async def until_journalled(take: Take, kind: Kind, count: int) -> None:
    await until(lambda: len(journalled(take, kind)) >= count)


async def test_stalled_browser_is_closed(take: Take, serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studies.talk.live.downlink.STALL_SEC", 0.0)
    async with serving():
        page = await live_page(take)
        page.reports = False
        for step in range(DOWNLINK_WINDOW_FRAMES + 1):
            page.say(*range(4 * step, 4 * step + 4))
            await until_journalled(take, Kind.AGENT, step + 1)
        assert await page.until_closed() == CLOSE_TOO_SLOW
        assert page.errors() == ["too_slow"]
        await page.gone()
        await end(await live_page(take))  # it can come back
    assert len(noted(take, "stalled")) == 1


async def test_disk_full_ends_the_take_and_the_process_goes_on(
    trial: Trial, take: Take, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving():
        page = await live_page(take)
        page.say(*range(4))
        await page.until(lambda: page.acknowledged() == 3)
        with monkeypatch.context() as full:
            full.setattr(writer(), "min_free_bytes", 2**62)
            page.say(*range(4, 8))
            assert await page.until_closed() == 1000
            await page.gone()
            assert page.events("ended")[0]["reason"] == "disk_full"
            take = await reread(take)
            assert (take.outcome, take.end_reason) == ("interrupted", "disk_full")
            refused = await open_page(await sync_to_async(takes.start_take)(trial))
            await refused.until_closed()
            assert refused.errors() == ["disk_full"]
            await refused.gone()
        again = await live_page(await sync_to_async(takes.start_take)(trial))
        await end(again)
    assert sequences(take)[: page.acknowledged() + 1] == list(range(page.acknowledged() + 1))


async def test_withdrawal_ends_a_running_take_and_leaves_nothing(
    session: Session, take: Take, serving: Serving
) -> None:
    async with serving():
        page = await live_page(take)
        page.say(*range(8))
        await page.until(lambda: page.acknowledged() == 7)
        await sync_to_async(erase_recordings)(session)
        assert await page.until_closed() == 1000
        await page.gone()
    assert page.events("ended")[0]["reason"] == "withdrawn"
    assert not journal_path(take.pk).exists()
    take = await reread(take)
    assert (take.state, take.outcome, take.end_reason) == ("final", "interrupted", "withdrawn")


async def test_consent_withdrawn_while_waiting_stops_before_anything_is_heard(
    session: Session, take: Take, serving: Serving
) -> None:
    other = await sync_to_async(other_take)(session)
    async with serving(slots=1):
        first = await live_page(other)
        second = await open_page(take)
        await second.event("queue")
        await session.consents.acreate(purpose="record", granted=False, document_sha256="0" * 64)
        await end(first)
        await second.until_closed()
        await second.gone()
    assert second.events("ended")[0]["reason"] == "withdrawn"
    assert second.events("live") == []
    assert sequences(take) == []


async def test_study_closed_while_waiting_says_so_before_anything_is_heard(
    session: Session, take: Take, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.talk.live.watch.LOOK_EVERY_SEC", 60.0)  # recording asks by itself
    other = await sync_to_async(other_take)(session)
    async with serving(slots=1):
        first = await live_page(other)
        second = await open_page(take)
        await second.event("queue")
        await Study.objects.aupdate(state=Study.State.CLOSED)
        await end(first)
        await second.until_closed()
        await second.gone()
    assert second.events("ended")[0]["reason"] == "study_closed"
    assert second.events("live") == []
    assert sequences(take) == []


async def test_next_take_of_a_session_ends_the_one_that_runs(trial: Trial, take: Take, serving: Serving) -> None:
    async with serving(slots=1):
        page = await live_page(take)
        following = await sync_to_async(takes.start_take)(trial)
        assert await page.until_closed() == 1000
        await page.gone()
        assert page.events("ended")[0]["reason"] == "another_tab"
        await end(await live_page(following))  # in the slot the first one gave back


class LosingEngine(EchoEngine):
    """Echoes until it fails its first row in step 3."""

    def step(self, frames: Any) -> Any:
        outputs = super().step(frames)
        for row in frames:
            if self._rows[row].step == 3:
                self.failed[row] = RuntimeError("failed")
        return outputs


async def test_failed_slot_ends_its_take(take: Take, serving: Serving) -> None:
    async with serving(LosingEngine) as worker:
        page = await live_page(take)
        page.say(*range(20))
        assert await page.until_closed() == 1000
        await page.gone()
    assert page.events("ended")[0]["reason"] == "engine_lost"
    assert noted(take, "slot_lost") == [{"reason": "engine_failed", "worker": worker.name}]


class NoticingEngine(EchoEngine):
    """Echoes, and tells in each step what it noticed."""

    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        noticed = Metadata("noticed", {"turn": 1, "sounded": "laughing"})
        return {slot: StepOutput(said.pcm, (*said.events, noticed)) for slot, said in super().step(frames).items()}


def take_beside(other_engine: str) -> Take:
    """Of a planned study whose other condition has that engine."""
    before, after = PROTOCOL.rsplit("engine: cascade", 1)
    study = make_study(protocol=f"{before}engine: {other_engine}{after}")
    return takes.start_take(make_session(study).trials.get(position=0))


@pytest.mark.parametrize("other_engine", ["cascade", "moshi"])
async def test_what_is_noticed_of_the_voice_is_told_unless_it_reveals_the_machine(
    transactional_db: None, serving: Serving, other_engine: str
) -> None:
    take = await sync_to_async(take_beside)(other_engine)
    async with serving(NoticingEngine):
        page = await live_page(take)
        page.say(*range(4))
        await page.until(lambda: len(page.agent_frames()) == 1)
        await end(page)
    noticed = [{"turn": 1, "sounded": "laughing"}]
    assert page.events("noticed") == (noticed if other_engine == "cascade" else [])
    assert noted(take, "noticed") == noticed
