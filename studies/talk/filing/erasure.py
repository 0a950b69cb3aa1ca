"""Erases what was recorded in takes. What it leaves says that takes happened, not what was said in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from studies.models import AccessLog, Metric, Session, Study, Take, Track, Utterance
from studies.models.take import recordings
from studies.talk.journal.file import journal_path
from studies.talk.registry import end_running
from studies.talk.takes import OPEN_STATES

ERASED: Final[Mapping[str, tuple[str, ...]]] = {
    Take.ErasedBecause.WITHDRAWN: (Take.ErasedBecause.WITHDRAWN,),  # what a retention date leaves is erased, too
    Take.ErasedBecause.RETENTION: tuple(filter(None, Take.ErasedBecause.values)),
    Take.ErasedBecause.ON_REQUEST: (Take.ErasedBecause.WITHDRAWN, Take.ErasedBecause.ON_REQUEST),
}
"""Why takes are erased -> what was erased for these reasons has nothing left to be erased."""
ENDINGS: Final[Mapping[str, str]] = {
    Take.ErasedBecause.WITHDRAWN: "withdrawn",
    Take.ErasedBecause.RETENTION: "study_closed",
    Take.ErasedBecause.ON_REQUEST: "erased",
}
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased. `removed` counts what the participant is told about, by kind (see `ErasureReceipt.What`)."""

    takes: int
    files: int
    removed: Mapping[str, int] = field(default_factory=dict, compare=False)


def erase_recordings(session: Session, *, metrics: bool = True, why: str = Take.ErasedBecause.WITHDRAWN) -> Erased:
    """Erases all takes of a session, as `erase_takes` does."""
    return erase_takes(Take.objects.filter(trial__session=session), metrics=metrics, why=why)


def erase_takes(takes: QuerySet[Take], *, metrics: bool = True, why: str = Take.ErasedBecause.WITHDRAWN) -> Erased:
    """Ends these talks and deletes their journals, tracks, events and words. It may safely be repeated.

    With `metrics`, the values computed from the recordings are deleted too; they are kept when only a retention date
    has passed."""
    files = count = 0
    removed: Counter[str] = Counter()
    for take in takes.exclude(erased_because__in=ERASED[why]):
        end_running(take.pk, ENDINGS[why])
        with transaction.atomic():
            # the row changes first, so that a filing in progress sees that its take has changed and keeps nothing
            take = Take.objects.select_for_update().get(pk=take.pk)
            names = {track.file.name for track in take.tracks.all()} | {take.events.name or ""}
            removed["event_logs"] += bool(take.events)
            removed["recordings"] += Track.objects.filter(take=take).delete()[0]
            removed["words"] += Utterance.objects.filter(take=take).delete()[0]
            if metrics:
                removed["measurements"] += Metric.objects.filter(take=take).delete()[0]
            if take.state in OPEN_STATES:
                take.outcome, take.end_reason = Take.Outcome.INTERRUPTED, ENDINGS[why]
            take.state, take.events.name, take.ticket = Take.State.FINAL, "", ""
            take.filing_error, take.erased_because = "", why
            take.save()
        files += sum(_delete(name) for name in names if name) + _delete_folder(take.pk)
        journals = _delete_journals(take.pk)
        removed["journals"] += journals
        files += journals
        count += 1
    log.info("recordings_erased", takes=count, files=files)
    return Erased(count, files, +removed)


def erase_leftovers() -> int:
    """Deletes what a filing or an erasure that was killed left of an erased take. Returns how many files there were."""
    names = [*recordings().listdir("")[0], *(path.stem for path in Path(settings.JOURNAL_DIR).glob("*.*"))]
    there = {UUID(name) for name in names if _UUID.fullmatch(name)}
    erased = Take.objects.filter(pk__in=list(there)).exclude(erased_because=Take.ErasedBecause.NOT_ERASED)
    return sum(_delete_folder(take_id) + _delete_journals(take_id) for take_id in erased.values_list("pk", flat=True))


def erase_expired(today: date) -> Erased:
    """Erases the recordings of studies whose retention date has passed, whatever became of the sessions.

    Metrics stay."""
    files = takes = 0
    for study in Study.objects.filter(retention_until__lt=today):
        recorded = Take.objects.filter(
            trial__session__participant__study=study, erased_because=Take.ErasedBecause.NOT_ERASED
        )
        sessions = Session.objects.filter(pk__in=recorded.values("trial__session"))
        erased = [erase_recordings(session, metrics=False, why=Take.ErasedBecause.RETENTION) for session in sessions]
        if erased:
            AccessLog.objects.create(reader="retention", action="erase", target=f"recordings of {study.slug}"[:120])
        takes += sum(each.takes for each in erased)
        files += sum(each.files for each in erased)
    return Erased(takes, files)


def _delete_folder(take_id: UUID) -> int:
    """Deletes every file stored for a take, including those that an interrupted filing left and no row names.

    Returns the number of files."""
    names = [*(f"{take_id}/{kind}.flac" for kind in Track.Kind.values), f"{take_id}/events.jsonl"]
    deleted = sum(_delete(name) for name in names)
    with suppress(NotImplementedError, OSError):  # no such folder, or storage that is not on this machine's disk
        Path(recordings().path(str(take_id))).rmdir()
    return deleted


def _delete_journals(take_id: UUID) -> int:
    """Deletes a take's journal, or what was kept of a damaged one. Returns the number of files."""
    paths = list(journal_path(take_id).parent.glob(f"{take_id}.*"))
    for path in paths:
        path.unlink(missing_ok=True)  # a process that is still writing it notices this and ends the talk
    return len(paths)


def _delete(name: str) -> bool:
    storage = recordings()
    if not storage.exists(name):
        return False
    storage.delete(name)
    return True
