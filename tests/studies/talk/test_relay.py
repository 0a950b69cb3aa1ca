"""Takes through the site's own application and a real inference worker, browser's side played by the test."""

from __future__ import annotations

import numpy as np
import soundfile
from asgiref.sync import sync_to_async

from inference.audio import FRAME_SAMPLES
from studies.models import Take
from studies.talk.filing import file_take
from studies.talk.journal import journal_path
from tests.studies.talk.conftest import Serving, open_page, reread
from tests.studies.talk.pages import Page, microphone_frame


async def end(page: Page) -> None:
    page.tell("end")
    assert await page.until_closed() == 1000
    await page.gone()


def said(*sequences: int) -> np.ndarray:
    return np.frombuffer(b"".join(microphone_frame(sequence) for sequence in sequences), "<i2")


async def filed_samples(take: Take, kind: str) -> np.ndarray:
    track = await take.tracks.aget(kind=kind)
    with track.file.open("rb") as file:
        samples, rate_hz = soundfile.read(file, dtype="int16")
    assert rate_hz == 24_000
    return samples


async def test_take_from_hello_to_filed_tracks(take: Take, serving: Serving) -> None:
    async with serving():
        page = await open_page(take)
        await page.event("live")
        page.say(*range(40))
        await page.until(lambda: len(page.agent_frames()) == 10)
        await end(page)
    assert page.events("hello") == [{"next_sequence": 0, "limit_ms": take.limit_ms, "resumed": False, "elapsed_ms": 0}]
    assert page.events("live") == [{"engine": "cascade", "latency_samples": 0, "resumed": False}]
    assert page.acknowledged() == 39
    assert page.events("ended")[0]["reason"] == "participant"
    take = await reread(take)
    assert (take.state, take.outcome, take.end_reason) == ("ended", "completed", "participant")
    assert await sync_to_async(file_take)(take.pk)
    assert not journal_path(take.pk).exists()
    take = await reread(take)
    assert take.state == Take.State.FINAL
    silence = np.zeros(FRAME_SAMPLES, "<i2")
    np.testing.assert_array_equal(await filed_samples(take, "participant"), said(*range(40)))
    np.testing.assert_array_equal(await filed_samples(take, "heard"), said(*range(40)))
    np.testing.assert_array_equal(await filed_samples(take, "agent"), [*silence, *said(*range(36))])
