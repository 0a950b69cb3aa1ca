"""Erases what was recorded of a session. What it leaves says that takes happened, not what was said in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import structlog
from django.db import transaction

from studies.models import AccessLog, Metric, Session, Study, Take, Track, Utterance
from studies.models.take import recordings
from studies.talk.journal_file import journal_path
from studies.talk.registry import end_running
from studies.talk.takes import OPEN_STATES

EXPIRED: Final = "The study's retention date has passed, so the recordings were erased."
WITHDRAWN: Final = "The participant withdrew, so the recordings were erased."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Erased:
    """How much went."""

    takes: int
    files: int


def erase_recordings(session: Session, *, metrics: bool = True, why: str = WITHDRAWN) -> Erased:
    """Deletes journals, tracks, events and words of a session, and ends its talks; can be done again.

    `metrics`: the values computed from them too (kept when only a retention date has passed)."""
    files = takes = 0
    for take in Take.objects.filter(trial__session=session).exclude(filing_error=why):
        end_running(take.pk, "withdrawn")
        with transaction.atomic():
            # the row first: a filing that is at work finds its take changed, and keeps nothing
            take = Take.objects.select_for_update().get(pk=take.pk)
            names = {track.file.name for track in take.tracks.all()} | {take.events.name or ""}
            Track.objects.filter(take=take).delete()
            Utterance.objects.filter(take=take).delete()
            if metrics:
                Metric.objects.filter(take=take).delete()
            if take.state in OPEN_STATES:
                take.outcome, take.end_reason = Take.Outcome.INTERRUPTED, "withdrawn"
            take.state, take.events.name, take.ticket, take.filing_error = Take.State.FINAL, "", "", why
            take.save()
        # also what a cut-off filing left, which no row names
        names |= {f"{take.pk}/{kind}.flac" for kind in Track.Kind.values} | {f"{take.pk}/events.jsonl"}
        files += sum(_delete(name) for name in names if name)
        for path in journal_path(take.pk).parent.glob(f"{take.pk}.*"):
            path.unlink(missing_ok=True)  # a process that still writes it notices, and ends the talk
            files += 1
        takes += 1
    log.info("recordings_erased", takes=takes, files=files)
    return Erased(takes, files)


def erase_expired(today: date) -> Erased:
    """Erases the recordings of studies whose retention date has passed; metrics stay."""
    files = takes = 0
    for study in Study.objects.filter(retention_until__lt=today):
        recorded = Take.objects.filter(trial__session__participant__study=study).exclude(filing_error=EXPIRED)
        sessions = Session.objects.filter(pk__in=recorded.values("trial__session")).exclude(
            state=Session.State.WITHDRAWN
        )
        erased = [erase_recordings(session, metrics=False, why=EXPIRED) for session in sessions]
        if erased:
            AccessLog.objects.create(reader="retention", action="erase", target=f"recordings of {study.slug}"[:120])
        takes += sum(each.takes for each in erased)
        files += sum(each.files for each in erased)
    return Erased(takes, files)


def _delete(name: str) -> bool:
    storage = recordings()
    if not storage.exists(name):
        return False
    storage.delete(name)
    return True
