"""Places in blocks of arms. A session leases a place and keeps it for good when it finishes; otherwise the place
becomes free for the next one.

A place is a row. A block contains every arm once. Each version, mode and stratum has blocks of its own, so that pilots,
previews and bots never take a live place. On PostgreSQL, sessions that arrive at the same time each lock a row of their
own (`FOR UPDATE SKIP LOCKED`) and wait for each other only when a block has to be opened. SQLite lets only one
transaction write at a time (`BEGIN IMMEDIATE`), which has the same effect.

A session whose lease has expired loses its place, but not its plan. When it comes back (if no quota is full by then) or
finishes, it takes a free place of its arm, or a place of a new block that is opened for it. Later sessions fill the
gaps, and the arms are balanced again.

Quotas and stopping rules decide whether another participant is admitted. A quota counts participants in live sessions
who have finished, or who are in progress and hold a place. It does not count sessions that were excluded, pilots,
previews and bots."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from studies.allocation.queue import Queue, give_up_expired, lapsed
from studies.design.arms import arms_for, group_of, level
from studies.design.minimisation import drawn, nested_probabilities
from studies.errors import QuotaFull
from studies.models import AllocationSlot, Answer, ProtocolVersion, Session, Study
from studies.protocol.counterbalancing import Allocation, Quota
from studies.protocol.schema import Protocol
from studies.publish import session_protocol
from studies.questions.conditions import is_true, items_of

FRESH: Final = 0.9
"""A lease with at least this share of its time left is not renewed."""
NEARLY_OVER: Final = 0.1
"""A lease with no more than this share left is treated as expired: others may be about to count its place as free."""


@transaction.atomic
def allocate(session: Session, protocol: Protocol, answers: Mapping[str, Any]) -> AllocationSlot:
    """Returns the place of a session, and takes one if it has none. Writes arm, group and stratum into the session.

    `answers` maps items to answers, for all items that allocation and quotas need. If the transaction is rolled back,
    the place is free again. Raises QuotaFull when a quota of a live session is full, and ValueError for a square that
    does not exist."""
    locked = Session.objects.select_for_update(of=("self",)).select_related("version").get(pk=session.pk)
    slot = _held(locked)
    if slot is None:
        admit(locked, protocol, answers)
        stratum, arms = arms_for(protocol, answers)
        queue = Queue(locked.version, locked.mode, stratum)
        if protocol.allocation.method == "blocks":
            slot = _from_block(queue, protocol, arms)
        else:
            slot = _by_chance(queue, locked, protocol, arms, answers)
        _take(slot, locked)
    session.arm, session.stratum, session.group = slot.arm, slot.stratum, group_of(protocol, slot.arm)
    session.save(update_fields=["arm", "stratum", "group"])
    return slot


def renew(session: Session) -> None:
    """Renews the lease of a session that was seen. A session that lost its place takes another one of the same arm.

    Raises QuotaFull if others have filled a quota meanwhile."""
    if session.state != Session.State.STARTED or session.planned_at is None or session.excluded_at is not None:
        return
    lease, slot, now = _lease(session.version), _held(session), timezone.now()
    if slot is not None and (slot.leased_until is None or slot.leased_until > now + lease * FRESH):
        return
    with transaction.atomic():
        held = AllocationSlot.objects.filter(session=session, leased_until__gt=now + lease * NEARLY_OVER)
        if not held.update(leased_until=now + lease):
            take_back(session, within_quotas=True)


@transaction.atomic
def settle(session: Session) -> None:
    """Gives its place for good to a session that has finished and can be used."""
    if not AllocationSlot.objects.filter(session=session).update(leased_until=None):
        take_back(session)
        AllocationSlot.objects.filter(session=session).update(leased_until=None)


@transaction.atomic
def take_back(session: Session, *, within_quotas: bool = False) -> None:
    """Takes a place for a session that has a plan and has lost its place, or is about to lose it.

    Does nothing for a session that never had a place (explore) or that has just ended. Raises QuotaFull, but only with
    `within_quotas`."""
    locked = Session.objects.select_for_update(of=("self",)).select_related("version").get(pk=session.pk)
    counts = locked.state in (Session.State.STARTED, Session.State.FINISHED) and locked.excluded_at is None
    counts = counts and locked.planned_at is not None
    queue = Queue(locked.version, locked.mode, locked.stratum)
    arms = sorted(set(queue.slots.order_by().values_list("arm", flat=True)))
    if not counts or locked.arm not in arms:
        return
    protocol = session_protocol(locked)
    if within_quotas:
        readmit_to_quotas(locked, protocol)
    # Two requests at once take one place.
    slot = AllocationSlot.objects.select_for_update().filter(session=locked).first()
    if slot is None and protocol.allocation.method == "blocks":
        slot = _from_block(queue, protocol, arms, locked.arm)
    elif slot is None:
        queue.lock()
        slot = queue.free(locked.arm) or queue.add_place(locked.arm, {})
    _take(slot, locked)


def free(session: Session) -> None:
    """Gives up the place of a session that was abandoned, excluded, screened out or withdrawn."""
    AllocationSlot.objects.filter(session=session).update(session=None, leased_until=None)


@transaction.atomic
def give_up_abandoned() -> int:
    """Frees the places of all sessions whose lease has expired, and returns how many."""
    return give_up_expired(AllocationSlot.objects.all())


def _held(session: Session) -> AllocationSlot | None:
    return AllocationSlot.objects.filter(session=session).first()


def _take(slot: AllocationSlot, session: Session) -> None:
    slot.session = session
    slot.leased_until = timezone.now() + _lease(session.version)
    slot.save()


def _lease(version: ProtocolVersion) -> timedelta:
    """Reads the document without validation, because a page view has no time to validate a whole protocol."""
    said = version.document.get("allocation", {}).get("lease_min", Allocation.model_fields["lease_min"].default)
    return timedelta(minutes=said)


def _from_block(queue: Queue, protocol: Protocol, arms: Sequence[int], arm: int | None = None) -> AllocationSlot:
    """Returns the first free place (of `arm`, if given), and opens a block if none is free or others hold them."""
    give_up_expired(queue.slots)
    slot = queue.free(arm)
    if slot is None:
        queue.lock()
        slot = queue.free(arm)  # Another transaction may have opened a block meanwhile.
    if slot is None:
        queue.open_block(protocol, arms)
        slot = queue.free(arm)
    assert slot is not None, "a block was opened under a lock, and none of it is free"
    return slot


def _by_chance(
    queue: Queue, session: Session, protocol: Protocol, arms: Sequence[int], answers: Mapping[str, Any]
) -> AllocationSlot:
    """Returns a place in an arm that is drawn from the session's seed, with the probabilities of minimisation or with
    equal ones."""
    queue.lock()
    if protocol.allocation.method == "minimisation":
        alike = _alike(queue, protocol, answers)
        groups = [[*rows] for _, rows in groupby(arms, lambda arm: group_of(protocol, arm))]
        chances = nested_probabilities(groups, alike, protocol.allocation.probability, "variance")
    else:
        chances = {arm: 1 / len(arms) for arm in arms}
    draw = random.Random(f"{session.seed}:arm")  # noqa: S311  balance, not secrecy
    return queue.add_place(drawn(chances, draw), chances)


def _alike(queue: Queue, protocol: Protocol, answers: Mapping[str, Any]) -> list[Counter[int]]:
    """For each stratum, counts how many sessions of each arm gave the same answer as the new one."""
    held = AllocationSlot.objects.filter(version=queue.version, mode=queue.mode, session__isnull=False)
    give_up_expired(held)
    arm_of = dict(held.values_list("session_id", "arm"))
    known = known_answers(held.values("session_id"), protocol.allocation.strata)
    return [
        Counter(
            arm
            for session, arm in arm_of.items()
            if level(known.get(session, {}).get(item)) == level(answers.get(item))
        )
        for item in protocol.allocation.strata
    ]


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
