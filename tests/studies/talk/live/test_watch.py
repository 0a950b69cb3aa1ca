"""What the database says reaches what is live, though nobody in this process was told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.urls import reverse

from inference.contract.audio import Float32
from inference.engines.base import StepOutput
from inference.engines.echo import EchoEngine
from studies.models import Session, Study, Take, Trial
from studies.talk.journal.file import journal_path
from studies.talk.live import engine_link, watch
from studies.talk.registry import RUNNING
from studies.withdrawal import take_back
from tests.studies.talk.conftest import Serving, open_page, reread
from tests.studies.talk.pages import Page
from tests.waiting import until


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_EVERY_SEC", 0.05)


async def live_page(take: Take) -> Page:
    page = await open_page(take)
    await page.event("live")
    page.say(*range(8))
    await page.until(lambda: page.acknowledged() == 7)
    return page


async def over(take: Take) -> None:
    """All is on disk and in the row."""
    await until(lambda: take.pk not in RUNNING)


async def test_withdrawal_in_another_process_closes_the_socket(take: Take, serving: Serving) -> None:
    async with serving():
        page = await live_page(take)
        await Session.objects.aupdate(state=Session.State.WITHDRAWN)
        assert await page.until_closed() == 1000
        await page.gone()
    assert page.events("ended")[0]["reason"] == "withdrawn"


async def test_nothing_is_journalled_once_somebody_said_stop(take: Take, serving: Serving) -> None:
    async with serving():
        page = await live_page(take)
        relay = RUNNING[take.pk]
        await Session.objects.aupdate(state=Session.State.WITHDRAWN)
        relay.end("withdrawn")
        page.say(*range(8, 400))
        await page.gone()
        await over(take)
    assert journal_path(take.pk).stat().st_size < 40_000  # eight frames each way


async def test_socket_closes_before_a_slot_that_does_not_answer(
    take: Take, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = asyncio.Event()
    close = engine_link._close

    async def hang(slot: object, *, end: bool) -> None:
        await let_go.wait()
        await close(slot, end=end)  # type: ignore[arg-type]

    async with serving(EchoEngine):
        page = await live_page(take)
        monkeypatch.setattr(engine_link, "_close", hang)
        await Session.objects.aupdate(state=Session.State.WITHDRAWN)
        assert await page.until_closed() == 1000
        assert take.pk in RUNNING
        let_go.set()
        await page.gone()
        await over(take)


async def test_closed_study_ends_its_talks_and_a_paused_one_does_not(
    take: Take, trial: Trial, serving: Serving
) -> None:
    async with serving():
        page = await live_page(take)
        await Study.objects.aupdate(state=Study.State.PAUSED)
        page.say(*range(8, 80))
        await page.until(lambda: page.acknowledged() == 79)
        begin = reverse("create_take", args=[trial.session.token, trial.position])
        refused = await sync_to_async(Client().post)(begin)
        assert (refused.status_code, refused.json()["code"]) == (409, "study_paused")
        await Study.objects.aupdate(state=Study.State.CLOSED)
        await page.until_closed()
        await page.gone()
        await over(take)
    assert page.events("ended")[0]["reason"] == "study_closed"
    take = await reread(take)
    assert (take.outcome, take.end_reason) == ("interrupted", "study_closed")


async def test_newer_tab_ends_the_talk(take: Take, serving: Serving) -> None:
    async with serving():
        page = await live_page(take)
        await Session.objects.aupdate(epoch=1)
        await page.until_closed()
        await page.gone()
    assert page.events("ended")[0]["reason"] == "another_tab"


class Abroad(EchoEngine):
    """An engine that sends what it hears to somebody else's server, as its snapshot says."""

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        super().__init__(slots, settings)
        ABROAD.append(self)
        self.heard = 0

    def snapshot(self) -> dict[str, Any]:
        return {**super().snapshot(), "third_party": True}

    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        self.heard += len(frames)
        return super().step(frames)


ABROAD: list[Abroad] = []


@pytest.mark.parametrize("told", [True, False], ids=["in this process", "in another process"])
async def test_third_party_hears_nothing_more_once_that_is_taken_back(
    take: Take, session: Session, serving: Serving, told: bool
) -> None:
    purpose = "third_party"
    async with serving(Abroad):
        page = await live_page(take)
        await page.until(lambda: len(page.agent_frames()) == 2)
        assert ABROAD[-1].heard == 2
        await sync_to_async(take_back)(session, purpose)
        if told:
            await sync_to_async(watch.look_now)()
        assert await page.until_closed() == 1000
        page.say(*range(8, 80))
        await page.gone()
        await over(take)
        assert ABROAD[-1].heard == 2
    assert page.events("ended")[0]["reason"] == "withdrawn"
    take = await reread(take)
    assert (take.outcome, take.end_reason) == ("interrupted", "withdrawn")


async def test_database_that_is_away_for_a_moment_ends_nothing(
    take: Take, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def away(_live: object) -> None:
        loop.call_soon_threadsafe(asked.set)
        raise OSError("away")

    async with serving():
        page = await live_page(take)
        with monkeypatch.context() as patch:
            patch.setattr(watch, "ended_takes", away)
            await asyncio.wait_for(asked.wait(), 20)
        assert page.closed is None
        await Session.objects.aupdate(state=Session.State.WITHDRAWN)
        await page.until_closed()
        await page.gone()
