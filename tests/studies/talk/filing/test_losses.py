"""A journal that no longer holds what was acknowledged: it is said, to the researcher and to the participant."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from inference.contract.wire import Kind
from studies.models import Session, Take, Track
from studies.participant.talking.page import interruption
from studies.talk import takes
from studies.talk.filing.filing import file_take
from studies.talk.journal.file import journal_path
from studies.talk.journal.records import MAGIC, pack
from tests.studies.factories import make_researcher
from tests.studies.talk.filing.test_filing import ended, talk, write_journal

__all__ = ["ended"]
FRAMES = 12
SAMPLES = FRAMES * 480
MESSAGES = talk()
CLOSED = MESSAGES[-1]


def end(take: Take, *, acknowledged: int | None = FRAMES, outcome: str = "completed") -> Take:
    Take.objects.filter(pk=take.pk).update(state=Take.State.LIVE, started_at=take.created_at)
    assert takes.end_take(take.pk, outcome, "participant", acknowledged=acknowledged)
    return Take.objects.get(pk=take.pk)


def filed(take: Take) -> Take:
    file_take(take.pk)
    return Take.objects.get(pk=take.pk)


def empty(take: Take) -> None:
    journal_path(take.pk).write_bytes(b"")


def remove(take: Take) -> None:
    journal_path(take.pk).unlink()


def keep_the_beginning(take: Take) -> None:
    write_journal(take, MESSAGES[:3])


NONE_LEFT = (
    "All of the recording is lost: 12 microphone frames (0.2 s) were acknowledged, and the journal contains none."
)
NO_JOURNAL = "All of the recording is lost: the conversation had begun, but its journal is missing or contains nothing."


@pytest.mark.parametrize(
    ("harm", "acknowledged", "reason"),
    [
        (empty, FRAMES, NONE_LEFT),
        (remove, FRAMES, NONE_LEFT),
        (keep_the_beginning, FRAMES, NONE_LEFT),
        (empty, None, NO_JOURNAL),
        (remove, None, NO_JOURNAL),
    ],
)
def test_take_with_acknowledged_frames_and_no_audio_has_failed(
    take: Take, session: Session, harm: Callable[[Take], None], acknowledged: int | None, reason: str
) -> None:
    write_journal(take, MESSAGES)
    harm(take)
    take = filed(end(take, acknowledged=acknowledged))
    assert (take.state, take.filing_error, take.tracks.count()) == ("failed", reason, 0)
    assert (take.outcome, take.end_reason, take.trial.take) == ("interrupted", "recording_lost", None)
    assert interruption(take.trial) == (
        "What was said in this conversation was lost because of an error on our side. "
        "You can have the conversation again."
    )
    status = Client().get(reverse("take_status", args=[session.token, take.pk])).json()
    assert (status["state"], status["filed"], status["error"]) == ("failed", False, reason)
    client = Client()
    client.force_login(make_researcher())
    page = client.get(reverse("admin:studies_take_change", args=[take.pk])).content.decode()
    assert reason in page
    assert "The journal is kept." not in page


@pytest.mark.parametrize("acknowledged", [0, None])
def test_take_in_which_nothing_was_said_is_filed_without_tracks(take: Take, acknowledged: int | None) -> None:
    write_journal(take, [*MESSAGES[:3], CLOSED])
    take = filed(end(take, acknowledged=acknowledged))
    assert (take.state, take.filing_error, take.tracks.count()) == ("final", "", 0)


def test_take_that_never_began_is_filed_without_a_journal(take: Take) -> None:
    takes.end_take(take.pk, "abandoned", "abandoned", acknowledged=0)
    take = filed(take)
    assert (take.state, take.filing_error) == ("final", "")


def test_cut_off_frames_of_a_take_that_ended_are_mentioned(take: Take) -> None:
    frames = [message for message in MESSAGES if message[0] == Kind.PARTICIPANT]
    write_journal(take, [*MESSAGES[:3], *frames[:5]])
    take = filed(end(take))
    said = "The end of the journal is cut off, with 7 microphone frames (0.1 s)."
    assert (take.state, take.filing_error) == ("final", said)
    assert take.tracks.get(kind="participant").duration_samples == 5 * 480
    assert journal_path(take.pk).with_suffix(".damaged").exists()


@pytest.mark.parametrize("torn_bytes", [0, 5])
def test_cut_off_end_after_the_last_frame_is_mentioned(take: Take, torn_bytes: int) -> None:
    whole = write_journal(take, MESSAGES)
    last = len(pack(CLOSED, 0))
    journal_path(take.pk).write_bytes(whole[: len(whole) - last + torn_bytes])
    take = filed(end(take))
    said = "The end of the journal is cut off, after the last microphone frame."
    assert (take.state, take.filing_error) == ("final", said)
    assert take.tracks.get(kind="participant").duration_samples == SAMPLES


@pytest.mark.parametrize(("acknowledged", "outcome"), [(None, "abandoned"), (FRAMES, "interrupted")])
def test_end_that_a_killed_process_never_wrote_is_no_loss(take: Take, acknowledged: int | None, outcome: str) -> None:
    whole = write_journal(take, MESSAGES)
    journal_path(take.pk).write_bytes(whole[: len(whole) - 5])
    take = filed(end(take, acknowledged=acknowledged, outcome=outcome))
    assert (take.state, take.filing_error) == ("final", "")


def shape(take: Take) -> tuple[list[tuple[str, int, str]], int]:
    tracks = take.tracks.order_by("kind").values_list("kind", "duration_samples", "sha256")
    return list(tracks), take.utterances.count()


@pytest.mark.parametrize("with_header", [True, False])
def test_repeat_that_was_appended_does_not_grow_the_tracks(take: Take, ended: Take, with_header: bool) -> None:
    whole = journal_path(ended.pk).read_bytes()
    expected = shape(filed(ended))
    assert {samples for _, samples, _ in expected[0]} == {SAMPLES}
    Track.objects.all().delete()
    Take.objects.filter(pk=take.pk).update(state=Take.State.ENDED)
    journal_path(take.pk).write_bytes(whole + (whole if with_header else whole[len(MAGIC) :]))
    take = filed(take)
    assert shape(take) == expected
    assert f"{len(MESSAGES)} records appear twice in the journal; they are filed once." in take.filing_error


def test_frame_that_stands_there_again_later_is_filed_once(take: Take, ended: Take) -> None:
    frames = [message for message in MESSAGES if message[0] in (Kind.PARTICIPANT, Kind.HEARD, Kind.AGENT)]
    later = b"".join(pack(message, 90_000_000 + n) for n, message in enumerate(frames))
    with journal_path(take.pk).open("ab") as file:
        file.write(later)
    take = filed(take)
    assert {samples for _, samples, _ in shape(take)[0]} == {SAMPLES}
    assert take.counts["frames"] == FRAMES
