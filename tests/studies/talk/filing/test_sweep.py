"""What a crash, a kill or a lost message leaves behind is found and brought to its end."""

from __future__ import annotations

import os
import time
from datetime import date, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from studies import tasks
from studies.models import AccessLog, Metric, Session, Study, Take, Track, Utterance
from studies.models.take import recordings
from studies.talk import takes
from studies.talk.filing.erasure import Erased, erase_expired, erase_recordings
from studies.talk.filing.filing import file_take
from studies.talk.filing.sweep import end_left_takes, file_forgotten_takes, remove_filed_journals
from studies.talk.journal.file import journal_path, lock
from tests.studies.talk.filing.test_filing import talk, write_journal


def leave(take: Take, *, closed: bool, ago_sec: float = 60) -> None:
    """As a killed web process leaves a live take; `closed`: it got to write the end, but not to tell the database."""
    messages = talk()
    write_journal(take, messages if closed else messages[:-1])
    at = time.time() - ago_sec
    os.utime(journal_path(take.pk), (at, at))
    Take.objects.filter(pk=take.pk).update(state=Take.State.LIVE)


def after_sweep(take: Take) -> tuple[str, str, str, int]:
    tasks.pick_up_unfiled_takes()
    take.refresh_from_db()
    return take.state, take.outcome, take.end_reason, take.tracks.count()


def let_time_pass(take: Take) -> None:
    Take.objects.filter(pk=take.pk).update(ended_at=timezone.now() - timedelta(minutes=1))


def test_take_left_by_its_process_is_ended_and_filed(take: Take) -> None:
    leave(take, closed=False)
    assert after_sweep(take) == ("ended", "abandoned", "abandoned", 0)
    let_time_pass(take)  # nobody else has filed it
    assert after_sweep(take) == ("final", "abandoned", "abandoned", 3)
    assert take.metrics.exists()


def test_end_that_only_the_journal_knows_counts(take: Take) -> None:
    leave(take, closed=True)
    assert after_sweep(take) == ("ended", "completed", "participant", 0)


def test_take_within_the_grace_is_left_alone(take: Take) -> None:
    leave(take, closed=False, ago_sec=settings.RECONNECT_GRACE_SEC / 2)
    assert after_sweep(take) == ("live", "", "", 0)


def test_take_that_a_process_still_has_is_left_alone(take: Take) -> None:
    leave(take, closed=False)
    fd = lock(journal_path(take.pk))
    assert end_left_takes() == 0
    os.close(fd)
    assert end_left_takes() == 1


def test_take_that_nobody_opened_is_abandoned_in_the_end(take: Take) -> None:
    assert end_left_takes() == 0
    Take.objects.filter(pk=take.pk).update(created_at=timezone.now() - timedelta(hours=2))
    assert end_left_takes() == 1


def test_one_take_that_cannot_be_filed_does_not_hold_up_the_others(session: Session, take: Take) -> None:
    other = takes.start_take(session.trials.get(position=1))
    for each in (take, other):
        write_journal(each, talk())
        takes.end_take(each.pk, Take.Outcome.COMPLETED, "participant")
        let_time_pass(each)
    journal_path(take.pk).unlink()
    journal_path(take.pk).mkdir()  # cannot be read as a file
    assert file_forgotten_takes() == [other.pk]
    journal_path(take.pk).rmdir()


def test_journal_of_a_filed_take_is_removed(take: Take) -> None:
    write_journal(take, talk())
    takes.end_take(take.pk, Take.Outcome.COMPLETED, "participant")
    file_take(take.pk)
    write_journal(take, talk())  # the process was killed between the last transaction and the deletion
    assert remove_filed_journals() == 1
    assert not journal_path(take.pk).exists()


@pytest.fixture
def filed(take: Take) -> Take:
    write_journal(take, talk())
    takes.end_take(take.pk, Take.Outcome.COMPLETED, "participant")
    file_take(take.pk)
    tasks.measure_take(str(take.pk))
    return Take.objects.get(pk=take.pk)


def test_erasing_a_session_leaves_no_sound_and_no_words(session: Session, filed: Take) -> None:
    journal_path(filed.pk).with_suffix(".damaged").write_bytes(b"something")
    assert erase_recordings(session) == Erased(takes=1, files=5)
    assert [model.objects.count() for model in (Track, Utterance, Metric)] == [0, 0, 0]
    assert not recordings().exists(str(filed.pk))
    assert not journal_path(filed.pk).with_suffix(".damaged").exists()
    filed.refresh_from_db()
    assert (filed.state, filed.outcome, filed.events.name) == ("final", "completed", "")
    assert (filed.erased_because, filed.filing_error) == ("withdrawn", "")
    assert erase_recordings(session) == Erased(takes=0, files=0)


def test_erasing_before_filing_leaves_nothing_to_file(session: Session, take: Take) -> None:
    write_journal(take, talk())
    takes.end_take(take.pk, Take.Outcome.COMPLETED, "participant")
    assert erase_recordings(session) == Erased(takes=1, files=1)
    assert not file_take(take.pk)
    assert Track.objects.count() == 0


def test_retention_erases_recordings_and_keeps_values(session: Session, filed: Take) -> None:
    values = filed.metrics.count()
    assert values > 0
    assert erase_expired(session.study.retention_until or date.max) == Erased(0, 0)  # its last day
    Study.objects.filter(pk=session.study.pk).update(retention_until=date(2020, 1, 1))
    assert erase_expired(date(2020, 1, 2)) == Erased(takes=1, files=4)
    assert (Track.objects.count(), filed.metrics.count()) == (0, values)
    filed.refresh_from_db()
    assert (filed.erased_because, filed.filing_error) == ("retention", "")
    assert AccessLog.objects.filter(reader="retention").count() == 1
    assert erase_expired(date(2020, 1, 3)) == Erased(0, 0)
    assert AccessLog.objects.filter(reader="retention").count() == 1


def test_measuring_twice_replaces_the_values(filed: Take) -> None:
    before = list(filed.metrics.values_list("track", "name", "value"))
    tasks.measure_take(str(filed.pk))
    assert list(filed.metrics.values_list("track", "name", "value")) == before
