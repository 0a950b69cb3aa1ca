"""Quotas and stopping rules, which decide whether another participant is admitted.

A quota counts participants in live sessions who have finished, or who are in progress and hold a place. It does not
count sessions that were excluded, pilots, previews and bots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from studies.allocation.queue import lapsed
from studies.errors import QuotaFull
from studies.models import AllocationSlot, Answer, Session, Study
from studies.protocol.counterbalancing import Quota
from studies.protocol.schema import Protocol
from studies.questions.conditions import is_true, items_of


def usable(study: Study) -> QuerySet[Session]:
    """Live sessions that finished and were not excluded."""
    live = Session.objects.filter(version__study=study, mode=Session.Mode.LIVE, excluded_at=None)
    return live.filter(state=Session.State.FINISHED)


def quota_full(
    study: Study, protocol: Protocol, answers: Mapping[str, Any], *, besides: Session | None = None
) -> Quota | None:
    """Returns the first full quota to which a participant with these answers (by item) belongs; None if there is room.

    The session `besides` is not counted. Sessions of all versions of the study are. A quota whose items are not
    answered yet does not apply."""
    for quota in protocol.quotas:
        if is_true(quota.when, answers) and _counted(study, quota, besides) >= quota.max:
            return quota
    return None


def admit(session: Session, protocol: Protocol, answers: Mapping[str, Any]) -> None:
    """Raises QuotaFull if there is no room for a live session.

    Nobody else is admitted to the study until the transaction ends, so that two participants who arrive at the same
    time cannot exceed a quota."""
    if session.mode != Session.Mode.LIVE or not protocol.quotas:
        return
    study = Study.objects.select_for_update(no_key=True).get(pk=session.version.study_id)
    full = quota_full(study, protocol, answers, besides=session)
    if full is not None:
        raise QuotaFull(full.key)


def readmit_to_quotas(session: Session, protocol: Protocol) -> None:
    """As `admit`, with the answers that the session has given so far."""
    items = {item for quota in protocol.quotas for item in items_of(quota.when)}
    known = known_answers(Session.objects.filter(pk=session.pk).values("pk"), items)
    admit(session, protocol, known.get(session.pk, {}))


def is_stopped(study: Study, protocol: Protocol) -> bool:
    """Whether the study admits nobody any more, by its own stopping rules."""
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


def known_answers(sessions: QuerySet[Any, Any], items: Collection[str]) -> dict[int, dict[str, Any]]:
    """Maps the id of each of `sessions` (a query of ids) to its latest answers to `items` outside trials and pairs."""
    answers: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    rows = Answer.objects.filter(session__in=sessions, item__in=items, trial=None, pair=None).order_by("revision")
    for session, item, value in rows.values_list("session_id", "item", "value"):
        answers[session][item] = value
    return answers
