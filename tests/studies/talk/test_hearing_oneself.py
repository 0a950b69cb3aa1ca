"""Takes of a study that matches delays and lets participants hear themselves as the engine does."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from inference.contract.audio import FRAME_SAMPLES
from inference.contract.latency import latency_samples
from inference.contract.wire import Kind
from studies.models import Take
from studies.talk import takes
from tests.studies.factories import PROTOCOL, make_session, make_study
from tests.studies.talk.conftest import Serving
from tests.studies.talk.live.test_relay import end, journalled, live_page, noted
from tests.studies.talk.pages import Page

LATENCY_SAMPLES = latency_samples("transform", {}) or 0  # of the study's slower voice


def planned_take(hear_yourself: str) -> Take:
    """In the natural voice."""
    protocol = PROTOCOL.replace("match_delay: false", f"match_delay: true\nhear_yourself: {hear_yourself}")
    return takes.start_take(make_session(make_study(protocol=protocol)).trials.get(position=0))


async def a_take(hear_yourself: str) -> Take:
    return await sync_to_async(planned_take)(hear_yourself)


def heard_by_page(page: Page) -> list[tuple[int, bytes]]:
    return [(frame.sequence, frame.pcm) for frame in page.agent_frames() if frame.kind == Kind.HEARD]


async def test_natural_voice_is_heard_as_late_as_the_others(transactional_db: None, serving: Serving) -> None:
    take = await a_take("off")
    async with serving():
        page = await live_page(take)
        page.say(*range(40))
        await page.until(lambda: len(page.agent_frames()) == 10)
        await end(page)
    assert page.events("live") == [{"engine": "cascade", "latency_samples": LATENCY_SAMPLES, "resumed": False}]
    said = b"".join(record.pcm for record in journalled(take, Kind.PARTICIPANT))
    heard = b"".join(record.pcm for record in journalled(take, Kind.HEARD))
    assert heard == bytes(2 * LATENCY_SAMPLES) + said[: -2 * LATENCY_SAMPLES]


async def test_participant_hears_what_the_engine_hears_while_asked_for(
    transactional_db: None, serving: Serving
) -> None:
    take = await a_take("live")
    async with serving():
        page = await live_page(take)
        page.say(*range(8))
        await page.until(lambda: len(page.agent_frames()) == 2)
        page.tell("monitor", level=0.5)
        page.say(*range(8, 16))
        await page.until(lambda: len(page.agent_frames()) == 6)
        page.tell("monitor", level=0)
        page.say(*range(16, 24))
        await page.until(lambda: len(page.agent_frames()) == 8)
        await end(page)
    by_engine = [(record.place[0], record.pcm) for record in journalled(take, Kind.HEARD)]
    assert heard_by_page(page) == by_engine[2:4]
    assert noted(take, "monitor") == [{"level": 0.5}, {"level": 0}]


@pytest.mark.parametrize("allowed", ["off", "preview"])
async def test_study_that_does_not_let_them_sends_nothing(
    transactional_db: None, serving: Serving, allowed: str
) -> None:
    take = await a_take(allowed)
    async with serving():
        page = await live_page(take)
        page.tell("monitor", level=1)
        page.say(*range(16))
        await page.until(lambda: len(page.agent_frames()) == 4)
        await end(page)
    assert heard_by_page(page) == []
    assert len(journalled(take, Kind.HEARD)) == 4


async def test_browser_that_is_behind_goes_without(transactional_db: None, serving: Serving) -> None:
    take = await a_take("live")
    async with serving():
        page = await live_page(take)
        page.reports = False
        page.tell("monitor", level=1)
        for step in range(20):
            page.say(*range(4 * step, 4 * step + 4))
            await page.until(
                lambda: sum(frame.kind == Kind.AGENT for frame in page.agent_frames()) == step + 1  # noqa: B023
            )
        await end(page)
    assert [step for step, _ in heard_by_page(page)] == list(range(12))
    assert [record.place for record in journalled(take, Kind.HEARD)] == [
        (step, step * FRAME_SAMPLES) for step in range(20)
    ]
