"""Recordings go when their study's day has passed, whatever became of the session and whatever its policy was."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.utils import timezone

from studies import tasks
from studies.models import ConsentEvent, Metric, ProtocolVersion, Session, Study, Take, Track, Utterance
from studies.models.take import recordings
from studies.participant.leaving.page import withdraw
from studies.protocol.reading.document import parse, parse_yaml, to_document
from studies.publish import publish
from studies.talk.filing.erasure import erase_expired, erase_leftovers
from studies.talk.journal.file import journal_path
from studies.verification import findings
from studies.withdrawal import finish_withdrawals, take_back
from tests.studies.factories import PROTOCOL, make_session, make_take, years_ahead

pytestmark = pytest.mark.django_db
TODAY = date(2030, 5, 17)
STATES = [state for state in Session.State.values if state != Session.State.WITHDRAWN]


@pytest.fixture(autouse=True)
def _no_files_of_other_tests() -> None:
    for folder in (settings.RECORDINGS_DIR, settings.JOURNAL_DIR):
        for path in Path(folder).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def version_that(on_withdrawal: str, study: Study | None = None) -> ProtocolVersion:
    document = to_document(parse_yaml(PROTOCOL))
    document["retention"] = {"on_withdrawal": on_withdrawal}
    made = study or Study.objects.create(
        slug="weekends", title="Weekends", state="open", ethics_reference="EK", retention_until=years_ahead()
    )
    return publish(made, parse(document))


def recorded(version: ProtocolVersion, code: str = "P-001") -> Session:
    """A session with a take, and the journal of a part that was damaged."""
    session = make_session(version, code)
    take = make_take(session.trials.get(position=0))
    journal_path(take.pk).with_suffix(".damaged").write_bytes(b"what was said")
    return session


def left_of(session: Session) -> tuple[int, int, int]:
    """How many tracks, turns of words and files there are."""
    takes = list(Take.objects.filter(trial__session=session).values_list("pk", flat=True))
    places = [settings.RECORDINGS_DIR / str(pk) for pk in takes]
    files = [file for place in places if place.is_dir() for file in place.iterdir()]
    journals = [path for pk in takes for path in settings.JOURNAL_DIR.glob(f"{pk}.*")]
    of_session = {"take__trial__session": session}
    return (
        Track.objects.filter(**of_session).count(),
        Utterance.objects.filter(**of_session).count(),
        len(files + journals),
    )


ALL, NOTHING = (3, 3, 5), (0, 0, 0)


@pytest.mark.parametrize("policy", ["erase", "keep"])
@pytest.mark.parametrize("state", [*STATES, "withdrawn", "withdrawn, not finished"])
@pytest.mark.parametrize(("day", "is_over"), [(None, False), (TODAY, False), (TODAY - timedelta(days=1), True)])
def test_nothing_that_was_said_outlives_its_day(policy: str, state: str, day: date | None, is_over: bool) -> None:
    session = recorded(version_that(policy))
    if state == "withdrawn":
        withdraw(session)
    else:
        Session.objects.update(state=state.partition(",")[0])
    Study.objects.update(retention_until=day, state=Study.State.CLOSED)
    erase_expired(TODAY)
    gone = is_over or (state, policy) == ("withdrawn", "erase")
    assert left_of(session) == (NOTHING if gone else ALL)
    because = "withdrawn" if (state, policy) == ("withdrawn", "erase") else "retention" if is_over else ""
    assert list(Take.objects.values_list("erased_because", flat=True)) == [because]
    assert Metric.objects.exists() is (because != "withdrawn")
    assert erase_expired(TODAY).takes == 0


def test_withdrawal_that_is_finished_after_the_day_erases_the_values_too() -> None:
    session = recorded(version_that("erase"))
    Session.objects.update(state=Session.State.WITHDRAWN)
    Study.objects.update(retention_until=TODAY - timedelta(days=1))
    erase_expired(TODAY)
    assert Metric.objects.exists()
    assert finish_withdrawals() == 1
    assert (Metric.objects.exists(), session.receipt is not None, finish_withdrawals()) == (False, True, 0)
    assert erase_expired(TODAY).takes == 0


def test_take_that_runs_on_that_day_ends_with_the_study() -> None:
    session = make_session(version_that("erase"))
    take = make_take(session.trials.get(position=0), state=Take.State.LIVE, tracks=False)
    Study.objects.update(retention_until=TODAY - timedelta(days=1))
    erase_expired(TODAY)
    take.refresh_from_db()
    assert (take.state, take.end_reason, take.erased_because) == ("final", "study_closed", "retention")


def test_second_session_is_erased_though_the_first_has_the_receipt() -> None:
    keeping = version_that("keep")
    first = recorded(keeping)
    second = recorded(version_that("erase", keeping.study), "P-002")
    withdraw(first)
    # of the same participant, and cut off between the two
    Session.objects.filter(pk=second.pk).update(participant=first.participant, state=Session.State.WITHDRAWN)
    take_back(second, ConsentEvent.Purpose.RECORD)
    assert (left_of(first), left_of(second)) == (ALL, ALL)
    assert finish_withdrawals() == 1
    assert (left_of(first), left_of(second), finish_withdrawals()) == (ALL, NOTHING, 0)


def test_what_a_killed_erasure_left_is_erased() -> None:
    session = recorded(version_that("erase"))
    withdraw(session)
    take = Take.objects.get()
    recordings().save(f"{take.pk}/heard.flac", ContentFile(b"fLaC"))
    journal_path(take.pk).with_suffix(".damaged").write_bytes(b"what was said")
    assert left_of(session) == (0, 0, 2)
    assert erase_leftovers() == 2
    assert left_of(session) == NOTHING


def said() -> list[str]:
    return [str(finding) for finding in findings(TODAY)]


def test_nothing_is_found_where_all_is_well() -> None:
    recorded(version_that("keep"))
    withdraw(recorded(version_that("keep", Study.objects.get()), "P-002"))
    withdraw(recorded(version_that("erase", Study.objects.get()), "P-003"))
    assert said() == []


@pytest.mark.parametrize("policy", ["erase", "keep"])
@pytest.mark.parametrize(
    ("state", "day", "why"),
    [
        ("finished", TODAY, ""),
        ("finished", TODAY - timedelta(days=1), "kept beyond 2030-05-16"),
        ("withdrawn", TODAY, "of somebody who withdrew"),
        ("withdrawn", TODAY - timedelta(days=1), "kept beyond 2030-05-16"),
    ],
)
def test_recordings_without_a_right_are_found(policy: str, state: str, day: date, why: str) -> None:
    session = recorded(version_that(policy))
    take = Take.objects.get()
    Session.objects.update(state=state)
    Study.objects.update(retention_until=day)
    things = [
        *(f"track {take.pk} {kind}" for kind in ("agent", "heard", "participant")),
        f"events {take.pk}",
        f"journal/{take.pk}.damaged",
    ]
    unfinished = [f"withdrawal of session {session.pk}: it is not finished"] if state == "withdrawn" else []
    reason = "" if (policy, day) == ("keep", TODAY) else why
    assert said() == [*(f"{thing}: {reason}" for thing in things if reason), *unfinished]


def test_recordings_of_a_consent_that_was_taken_back_are_found() -> None:
    take_back(recorded(version_that("erase")), ConsentEvent.Purpose.RECORD)
    assert {line.partition(": ")[2] for line in said()} == {"without a consent to recording"}


def test_damaged_missing_and_unknown_files_are_found() -> None:
    recorded(version_that("erase"))
    take = Take.objects.get()
    folder = settings.RECORDINGS_DIR / str(take.pk)
    (folder / "agent.flac").write_bytes((folder / "agent.flac").read_bytes()[:-100])
    (folder / "heard.flac").unlink()
    (folder / "participant_x7.flac").write_bytes(b"fLaC")
    (settings.JOURNAL_DIR / "note.journal").write_bytes(b"?")
    assert said() == [
        f"track {take.pk} agent: does not fit its SHA-256",
        f"track {take.pk} heard: is gone",
        f"recordings/{take.pk}/participant_x7.flac: no row names it",
        "journal/note.journal: of no take",
    ]


def test_measuring_refuses_a_damaged_file_and_goes_on_with_the_others() -> None:
    version = version_that("erase")
    recorded(version)
    damaged = Take.objects.get()
    recorded(version, "P-002")
    Metric.objects.all().delete()
    file = settings.RECORDINGS_DIR / str(damaged.pk) / "agent.flac"
    file.write_bytes(file.read_bytes()[:-100])
    tasks.pick_up_unfiled_takes()
    assert Metric.objects.filter(take=damaged).count() == 0
    assert Metric.objects.exclude(take=damaged).exists()


def test_demand_for_the_day_is_todays() -> None:
    recorded(version_that("keep"))
    Study.objects.update(retention_until=timezone.localdate() - timedelta(days=1))
    tasks.erase_expired_recordings()
    assert Track.objects.count() == 0
