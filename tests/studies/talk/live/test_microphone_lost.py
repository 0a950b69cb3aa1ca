"""A take whose microphone is lost ends for that, and its conversation can be had again."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from studies.models import Take, Trial
from studies.participant.talking.page import interruption
from studies.talk import takes
from studies.talk.filing.filing import file_take
from tests.studies.talk.conftest import Serving, open_page, reread

pytestmark = pytest.mark.django_db(transaction=True)
KEPT = "What has been said so far is saved, and you can have this conversation again."


async def test_page_that_lost_its_microphone_ends_the_take_for_that(take: Take, serving: Serving) -> None:
    async with serving():
        page = await open_page(take)
        await page.event("live")
        page.say(*range(20))
        page.tell("end", reason="microphone_lost")
        assert await page.until_closed() == 1000
        await page.gone()
    (ended,) = page.events("ended")
    assert ended["reason"] == "microphone_lost"
    assert KEPT in ended["message"]
    ended_take = await reread(take)
    assert (ended_take.state, ended_take.outcome, ended_take.end_reason) == ("ended", "interrupted", "microphone_lost")
    assert await sync_to_async(file_take)(take.pk)
    assert await sync_to_async(duration_of)(take) == 20 * 480
    trial: Trial = await sync_to_async(lambda: ended_take.trial)()
    assert await sync_to_async(lambda: trial.take)() is None  # so it is due again
    assert KEPT in await sync_to_async(interruption)(trial)
    again = await sync_to_async(takes.start_take)(trial)
    assert (again.number, again.state) == (2, "planned")


@pytest.mark.parametrize("reason", ["limit", "withdrawn", "", None, 7, {"a": 1}, ["microphone_lost"]])
async def test_any_other_reason_of_a_page_is_the_participant(take: Take, serving: Serving, reason: Any) -> None:
    async with serving():
        page = await open_page(take)
        await page.event("live")
        page.say(0, 1, 2, 3)
        page.tell("end", reason=reason)
        await page.until_closed()
        await page.gone()
    assert (await reread(take)).end_reason == "participant"


async def test_microphone_lost_before_the_engine_heard_anything_abandons_the_take(take: Take) -> None:
    page = await open_page(take)  # and no worker is there
    await page.event("hello")
    page.tell("end", reason="microphone_lost")
    await page.until_closed()
    await page.gone()
    ended = await reread(take)
    assert (ended.outcome, ended.end_reason) == ("abandoned", "microphone_lost")


def duration_of(take: Take) -> int:
    return int(take.tracks.get(kind="participant").duration_samples)
