"""Leaves sessions out of balance, quotas and analysis, and takes them in again. Nothing is erased."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from studies.allocation.places import free, settle, take_back
from studies.models import Session


@transaction.atomic
def exclude(session: Session, because: str) -> None:
    """Frees the place of a session for somebody else. The first reason stays."""
    locked = Session.objects.select_for_update(of=("self",)).get(pk=session.pk)
    if locked.excluded_at is None:
        locked.excluded_at, locked.excluded_because = timezone.now(), because[:200]
        locked.save(update_fields=["excluded_at", "excluded_because"])
        free(locked)
    session.refresh_from_db()


@transaction.atomic
def readmit(session: Session) -> None:
    """Counts a session again that was excluded; it takes a place of its arm."""
    locked = Session.objects.select_for_update(of=("self",)).select_related("version").get(pk=session.pk)
    if locked.excluded_at is not None:
        locked.excluded_at, locked.excluded_because = None, ""
        locked.save(update_fields=["excluded_at", "excluded_because"])
        if locked.state == Session.State.FINISHED:
            settle(locked)
        else:
            take_back(locked)
    session.refresh_from_db()
