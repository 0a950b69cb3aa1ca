"""Finds takes that were abandoned: their participant left, their process died or a task message was lost."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from studies.errors import RecordingError
from studies.models import Metric, Take, Track
from studies.talk.filing.filing import file_take
from studies.talk.journal.file import continuation, is_locked, journal_path
from studies.talk.takes import OPEN_STATES, end_take

NEVER_OPENED_AFTER: Final = timedelta(hours=1)
FILED_BY_NOW: Final = timedelta(seconds=10)  # if a take ended longer ago than this, its task message was lost

log = structlog.get_logger(__name__)


def end_left_takes() -> int:
    """Ends takes whose participant and process are both gone. Returns how many there were."""
    ended = 0
    for take in Take.objects.filter(state__in=OPEN_STATES):
        path = journal_path(take.pk)
        seen_at = _written_at(path)
        if seen_at is None:
            left = timezone.now() - take.created_at > NEVER_OPENED_AFTER
        else:
            left = timezone.now() - seen_at > timedelta(seconds=settings.RECONNECT_GRACE_SEC + 5)
        if not left or is_locked(path):
            continue
        try:
            outcome, reason = continuation(path).ending or (Take.Outcome.ABANDONED, "abandoned")
        except RecordingError as error:
            log.error("journal_unreadable", take=str(take.pk), reason=error.reason)
            outcome, reason = Take.Outcome.ABANDONED, "abandoned"
        ended += end_take(take.pk, outcome, reason)
    return ended


def file_forgotten_takes() -> list[UUID]:
    """Files takes whose filing was never requested or was interrupted. Returns those it filed."""
    filed = []
    late = timezone.now() - FILED_BY_NOW
    for take_id in Take.objects.filter(state=Take.State.ENDED, ended_at__lt=late).values_list("pk", flat=True):
        with suppress(Exception):  # the error is recorded in the row and the log; the other takes must still be filed
            if file_take(take_id):
                filed.append(take_id)
    return filed


def remove_filed_journals() -> int:
    """Deletes journals of filed takes, left by a process that died in between. Returns how many there were."""
    paths = {UUID(path.stem): path for path in Path(settings.JOURNAL_DIR).glob("*.journal")}
    final = Take.objects.filter(pk__in=list(paths), state=Take.State.FINAL).values_list("pk", flat=True)
    removed = [paths[take_id] for take_id in final if not is_locked(paths[take_id])]
    for path in removed:
        path.unlink(missing_ok=True)
    return len(removed)


def unmeasured_takes() -> list[UUID]:
    """Returns the filed takes that have tracks but no metric at all."""
    tracks, metrics = Track.objects.filter(take=OuterRef("pk")), Metric.objects.filter(take=OuterRef("pk"))
    found = Take.objects.filter(Exists(tracks), ~Exists(metrics), state=Take.State.FINAL)
    return list(found.values_list("pk", flat=True))


def _written_at(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, tz=timezone.get_default_timezone())
    except FileNotFoundError:
        return None
