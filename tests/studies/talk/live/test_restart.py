"""A web process was killed in mid-talk: the next one goes on from what the journal says."""

from __future__ import annotations

import os
import time

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from inference.contract.client import open_slot
from inference.contract.wire import Kind, Metadata, decode
from inference.worker.__main__ import Worker
from studies.models import Take
from studies.talk import takes
from studies.talk.journal.file import journal_path
from studies.talk.journal.records import MAGIC, now_us, pack, pack_event
from studies.talk.live.endings import CLOSE_OVER
from tests.studies.talk.conftest import Serving, open_page, reread
from tests.studies.talk.filing.test_filing import talk
from tests.studies.talk.live.test_relay import end, journalled, noted, sequences
from tests.studies.talk.pages import Page


def leave_journal(take: Take, address: str, *, ago_sec: float = 1.0, closed: bool = False) -> None:
    """Twelve frames on disk, and a record that was cut off."""
    messages = [pack_event("slot", {"address": address}), *(talk() if closed else talk()[:-1])]
    at_us = now_us() - round(ago_sec * 1_000_000)
    data = MAGIC + b"".join(pack(message, at_us) for message in messages)
    journal_path(take.pk).write_bytes(data + pack(b"torn", at_us)[:-1])
    at = time.time() - ago_sec
    os.utime(journal_path(take.pk), (at, at))


async def leave(take: Take, worker: Worker) -> None:
    """A take as a kill leaves it: live in its row, a journal, a slot that waits for somebody to come back."""
    request = (await sync_to_async(admission)(take)).request
    slot = await open_slot(worker.address, request, settings.WORKER_SECRET)
    while not (isinstance(message := decode(await slot.receive()), Metadata) and message.event == "live"):
        pass
    await slot.close(end=False)
    leave_journal(take, worker.address)


def admission(take: Take) -> takes.Admission:
    admitted = takes.redeem_ticket(take.pk, takes.issue_ticket(take))
    takes.mark_live(take.pk, {})
    return admitted


async def test_talk_goes_on_where_the_disk_says(take: Take, serving: Serving) -> None:
    async with serving() as worker:
        await leave(take, worker)
        page = await open_page(take)
        hello = await page.event("hello")
        assert (hello["next_sequence"], hello["resumed"]) == (12, True)
        assert (await page.event("live"))["resumed"]
        page.say(*range(400, 404))
        await page.until(lambda: len(page.agent_frames()) == 1)
        await end(page)
    assert sequences(take) == [*range(12), *range(400, 404)]
    assert [record.place[0] for record in journalled(take, Kind.HEARD)] == [0, 1, 2, 100]
    take = await reread(take)
    assert (take.outcome, take.end_reason) == ("completed", "participant")


async def test_slot_that_was_given_away_ends_the_talk(take: Take, serving: Serving) -> None:
    async with serving() as worker:
        await sync_to_async(admission)(take)
        leave_journal(take, worker.address)  # this worker knows nothing of the take
        page = await open_page(take)
        assert await page.until_closed() == 1000
        await page.gone()
        assert worker.takes.table.free_slots == worker.takes.table.slots
    assert page.events("ended")[0]["reason"] == "engine_lost"
    assert noted(take, "slot_lost") == [{"reason": "conversation forgotten", "worker": worker.name}]
    assert (await reread(take)).outcome == Take.Outcome.INTERRUPTED
    assert sequences(take) == list(range(12))


async def test_worker_that_is_gone_too_ends_the_talk(take: Take) -> None:
    await sync_to_async(admission)(take)
    leave_journal(take, "ws://127.0.0.1:9")
    page = await open_page(take)
    assert await page.until_closed() == 1000
    await page.gone()
    assert page.events("ended")[0]["reason"] == "engine_lost"
    assert sequences(take) == list(range(12))


@pytest.mark.parametrize(
    ("closed", "ago_sec", "expected"),
    [
        (False, settings.RECONNECT_GRACE_SEC + 60, ("ended", "abandoned", "abandoned")),
        (True, 1.0, ("ended", "completed", "participant")),
    ],
    ids=["left too long ago", "ended before the kill"],
)
async def test_talk_that_is_over_is_not_opened_again(
    take: Take, closed: bool, ago_sec: float, expected: tuple[str, str, str]
) -> None:
    await sync_to_async(admission)(take)
    leave_journal(take, "ws://127.0.0.1:9", ago_sec=ago_sec, closed=closed)
    page: Page = await open_page(take)
    assert await page.until_closed() == CLOSE_OVER
    await page.gone()
    assert page.errors() == ["take_over"]
    take = await reread(take)
    assert (take.state, take.outcome, take.end_reason) == expected
    assert sequences(take) == list(range(12))
