"""A slot is found at the first worker that answers, and waited for while a dead one comes back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from inference.contract.client import Slot
from inference.contract.errors import NoWorker, OptionError
from inference.contract.tokens import SlotRequest, VoiceSegment
from studies.models import InferenceWorker
from studies.talk.live.engine_link import find_slot
from studies.talk.workers import reports
from studies.talk.workers.needs import Needs
from tests.ports import free_port
from tests.studies.talk.conftest import Serving
from tests.waiting import WITHIN_SEC

REQUEST = SlotRequest(take="a-take", engine="cascade", voices=(VoiceSegment("none"),))


def needs() -> Needs:
    return Needs("cascade", frozenset({"none"}), third_party=False, test_models=False)


async def add_dead_worker() -> InferenceWorker:
    """One that reported just now, with more room than any other, and does not answer."""
    return await InferenceWorker.objects.acreate(
        name="dead",
        address=f"ws://127.0.0.1:{free_port()}",
        engines={"cascade": {}},
        converters=["none"],
        slots=99,
        free_slots=99,
        seen_at=timezone.now(),
    )


async def test_worker_that_does_not_answer_is_passed_over_until_it_reports(serving: Serving) -> None:
    dead = await add_dead_worker()
    async with serving():
        found, slot = await find_slot(REQUEST, needs)
        await slot.close(end=True)
        assert found.address != dead.address
    await dead.arefresh_from_db()
    assert dead.seen_at < timezone.now() - timedelta(seconds=9)


async def test_worker_that_comes_back_is_waited_for(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = await add_dead_worker()
    passed_over = asyncio.Event()

    def mark_gone(address: str) -> None:
        reports.mark_gone(address)
        assert address == dead.address
        loop.call_soon_threadsafe(passed_over.set)

    loop = asyncio.get_running_loop()
    instead = SimpleNamespace(pick=reports.pick, mark_gone=mark_gone)
    monkeypatch.setattr("studies.talk.live.engine_link.reports", instead)
    searching = asyncio.create_task(find_slot(REQUEST, needs))
    await asyncio.wait_for(passed_over.wait(), WITHIN_SEC)
    assert not searching.done()
    async with serving():
        _, slot = await searching
        assert isinstance(slot, Slot)
        await slot.close(end=True)


@pytest.mark.usefixtures("transactional_db")
async def test_search_without_any_worker_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studies.talk.live.engine_link.PATIENCE_SEC", 0.1)
    with pytest.raises(NoWorker):
        await find_slot(REQUEST, needs)


async def test_request_that_a_worker_refuses_is_not_tried_again(serving: Serving) -> None:
    async with serving():
        with pytest.raises(OptionError):
            await find_slot(SlotRequest(take="a-take", engine="cascade", options={"unknown": 1}), needs)
