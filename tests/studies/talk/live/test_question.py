"""A recorded question goes through relay, worker and journal as a spoken one does; the browser sends no microphone."""

from __future__ import annotations

import numpy as np
import pytest
from asgiref.sync import sync_to_async

from inference.contract.audio import SAMPLE_RATE_HZ, UPLINK_SAMPLES
from inference.contract.wire import Kind
from studies.errors import TakeRefused
from studies.models import ConsentEvent, Session, Take, Track, Trial
from studies.talk import takes
from studies.talk.filing.filing import file_take
from studies.talk.integrity import samples_of
from studies.talk.live import question
from studies.talk.live.endings import CLOSE_MALFORMED
from studies.talk.live.question import FRAME_BYTES, Question
from studies.talk.recorded_question import recorded_question
from studies.withdrawal import take_back
from tests.studies.factories import make_take
from tests.studies.talk.conftest import Serving, open_page, reread
from tests.studies.talk.live.test_relay import journalled
from tests.studies.talk.test_recorded_question import bursts, record

SILENCE = bytes(2 * 1_920)
SPEECH = np.full(1_920, 3_000, "<i2").tobytes()


@pytest.fixture
def spoken(session: Session) -> Take:
    """A take with a question of half a second and an answer."""
    take = make_take(session.trials.get(position=0))
    record(take, "participant", bursts((0.5, 1), length_sec=3))
    record(take, "agent", bursts((1.5, 2), length_sec=3))
    return take


@pytest.fixture
def again(session: Session, spoken: Take) -> Take:
    trial: Trial = session.trials.get(position=1)
    return takes.start_take(trial, spoken)


async def test_question_is_asked_answered_and_recorded_without_a_microphone(
    again: Take, spoken: Take, serving: Serving
) -> None:
    asked = await sync_to_async(recorded_question)(spoken)
    async with serving():
        page = await open_page(again)
        assert await page.until_closed() == 1_000
    assert page.events("ended") == [{"reason": "answered", "message": "The machine has answered."}]
    frames = journalled(again, Kind.PARTICIPANT)
    said = b"".join(record.pcm for record in frames)
    assert said[: len(asked)] == asked
    assert set(said[len(asked) :]) == {0}
    assert [record.place for record in frames] == [(n, n * UPLINK_SAMPLES) for n in range(len(frames))]
    assert len(page.agent_frames()) == len(journalled(again, Kind.AGENT))
    again = await reread(again)
    assert (again.state, again.outcome, again.end_reason) == ("ended", "completed", "answered")
    await sync_to_async(file_take)(again.pk)
    tracks = await sync_to_async(
        lambda: {track.kind: samples_of(track) for track in Track.objects.filter(take=again)}
    )()
    assert set(tracks) == {"participant", "heard", "agent"}
    loud = np.flatnonzero(np.abs(tracks["heard"]) > 0.1)
    assert len(loud) > SAMPLE_RATE_HZ / 4


async def test_microphone_is_refused_while_a_recorded_question_is_asked(again: Take, serving: Serving) -> None:
    async with serving():
        page = await open_page(again)
        await page.event("live")
        page.say(0)
        assert await page.until_closed() == CLOSE_MALFORMED
        page = await open_page(again)
        page.tell("end")
        assert await page.until_closed() == 1_000
    assert (await reread(again)).end_reason == "participant"


async def test_question_ends_at_once_when_the_consent_is_taken_back(
    again: Take, session: Session, serving: Serving
) -> None:
    async with serving():
        page = await open_page(again)
        await page.event("live")
        await sync_to_async(take_back)(session, ConsentEvent.Purpose.RECORD)
        await page.until_closed()
    assert page.events("ended")[0]["reason"] == "withdrawn"


def test_ticket_of_a_take_whose_question_was_erased_is_refused(again: Take, spoken: Take) -> None:
    ticket = takes.issue_ticket(again)
    spoken.tracks.all().delete()
    with pytest.raises(TakeRefused, match="no longer there"):
        takes.redeem_ticket(again.pk, ticket)


@pytest.mark.parametrize(
    ("heard", "state", "over"),
    [
        ([SPEECH, *[SILENCE] * 15], "listening", "answered"),
        ([SPEECH, *[SILENCE] * 14], "listening", ""),
        ([SPEECH, *[SILENCE] * 15], "speaking", ""),  # between two sentences
        ([SPEECH, *[SILENCE] * 50], "speaking", "answered"),
        ([SPEECH, *[SILENCE] * 50], "", "answered"),  # of an engine that tells no turns
        ([SPEECH, *[SILENCE] * 100], "thinking", ""),
        ([SILENCE] * 100, "thinking", ""),
    ],
)
async def test_answer_is_over_once_the_machine_is_quiet(
    heard: list[bytes], state: str, over: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endings: list[str] = []
    asked = Question(bytes(FRAME_BYTES), lambda message: None, endings.append)
    asked.turned(state)
    for pcm in heard:
        asked.heard(pcm)
    assert asked._ending(1) == over
    assert asked._ending(0) == ""
    monkeypatch.setattr(question, "NO_ANSWER_MS", 0)
    unanswered = Question(b"", lambda message: None, endings.append)
    await unanswered.ask(1)
    assert endings == ["no_answer"]
