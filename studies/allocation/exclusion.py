"""Excludes sessions from balance, quotas and analysis, and includes them again. Nothing is erased."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from studies.allocation.places import free, settle, take_back
from studies.models import Session


@transaction.atomic
def exclude(session: Session, because: str) -> None:
    """Excludes a session and frees its place for another participant. The first reason given stays."""
    locked = Session.objects.select_for_update(of=("self",)).get(pk=session.pk)
    if locked.excluded_at is None:
        locked.excluded_at, locked.excluded_because = timezone.now(), because[:200]
        locked.save(update_fields=["excluded_at", "excluded_because"])
        free(locked)
    session.refresh_from_db()


@transaction.atomic
def readmit(session: Session) -> None:
    """Includes an excluded session again; it takes a place of its arm."""
    locked = Session.objects.select_for_update(of=("self",)).select_related("version").get(pk=session.pk)
    if locked.excluded_at is not None:
        locked.excluded_at, locked.excluded_because = None, ""
        locked.save(update_fields=["excluded_at", "excluded_because"])
        if locked.state == Session.State.FINISHED:
            settle(locked)
        else:
            take_back(locked)
    session.refresh_from_db()
