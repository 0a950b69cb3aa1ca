"""Whether there is room for one more: quotas and stopping rules. Live people count who finished, or are under way and
hold a place; whoever was excluded does not, and neither do pilots, previews and bots."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from studies.allocation.known import known_answers
from studies.allocation.queue import lapsed
from studies.design.questions import is_true, items_of
from studies.errors import QuotaFull
from studies.models import AllocationSlot, Session, Study
from studies.protocol.counterbalancing import Quota
from studies.protocol.schema import Protocol


def usable(study: Study) -> QuerySet[Session]:
    """Live sessions that finished and were not excluded."""
    live = Session.objects.filter(version__study=study, mode=Session.Mode.LIVE, excluded_at=None)
    return live.filter(state=Session.State.FINISHED)


def quota_full(
    study: Study, protocol: Protocol, answers: Mapping[str, Any], *, besides: Session | None = None
) -> Quota | None:
    """The first quota that somebody with these answers (by item) belongs to and that is full, `besides` themselves;
    None when there is room.

    People count in all versions of the study. A quota whose items are not answered yet does not hold."""
    for quota in protocol.quotas:
        if is_true(quota.when, answers) and _counted(study, quota, besides) >= quota.max:
            return quota
    return None


def admit(session: Session, protocol: Protocol, answers: Mapping[str, Any]) -> None:
    """Raises QuotaFull where there is no room for a live session. Until the transaction ends nobody else is admitted to
    the study, so that no quota is passed by two who come at once."""
    if session.mode != Session.Mode.LIVE or not protocol.quotas:
        return
    study = Study.objects.select_for_update(no_key=True).get(pk=session.version.study_id)
    full = quota_full(study, protocol, answers, besides=session)
    if full is not None:
        raise QuotaFull(full.key)


def readmit_to_quotas(session: Session, protocol: Protocol) -> None:
    """As `admit`, by what the session has answered so far."""
    items = {item for quota in protocol.quotas for item in items_of(quota.when)}
    known = known_answers(Session.objects.filter(pk=session.pk).values("pk"), items)
    admit(session, protocol, known.get(session.pk, {}))


def is_stopped(study: Study, protocol: Protocol) -> bool:
    """Whether the study takes nobody in any more, by its own rules."""
    stopping = protocol.stopping
    if stopping.until is not None and timezone.localdate() > date.fromisoformat(stopping.until):
        return True
    return stopping.completed is not None and usable(study).count() >= stopping.completed


def _counted(study: Study, quota: Quota, besides: Session | None) -> int:
    places = AllocationSlot.objects.filter(version__study=study, mode=Session.Mode.LIVE, session__isnull=False)
    held = places.exclude(pk__in=lapsed(places).values("pk"))
    counts = Q(state=Session.State.FINISHED) | Q(state=Session.State.STARTED, allocation__in=held)
    people = Session.objects.filter(counts, version__study=study, mode=Session.Mode.LIVE, excluded_at=None)
    if besides is not None:
        people = people.exclude(pk=besides.pk)
    items = items_of(quota.when)
    if not items:
        return people.count()
    known = known_answers(people.values("pk"), items)
    return sum(is_true(quota.when, known.get(key, {})) for key in people.values_list("pk", flat=True))
