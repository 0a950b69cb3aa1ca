"""Places in blocks of arms: taken on a lease, kept for good by whoever finishes, free for the next otherwise.

A place is a row. A block holds every arm once; blocks are apart for each version, mode and stratum, so that pilots,
previews and bots never take a live place. On PostgreSQL people who come at once each lock a row of their own (`FOR
UPDATE SKIP LOCKED`) and wait for each other only where a block has to be opened. SQLite lets one transaction write at
a time (`BEGIN IMMEDIATE`), which comes to the same.

A session whose lease ran out loses its place, not its plan. When it comes back, where no quota is full by then, or
finishes, it takes a free place of its arm, or that of a block that is opened for it: whoever comes next fills the gaps,
and the arms are even again."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from studies.allocation.known import known_answers
from studies.allocation.queue import Queue, give_up_expired
from studies.allocation.quotas import admit, readmit_to_quotas
from studies.design.arms import arms_for, group_of, level
from studies.design.minimisation import drawn, nested_probabilities
from studies.models import AllocationSlot, ProtocolVersion, Session
from studies.protocol.counterbalancing import Allocation
from studies.protocol.schema import Protocol
from studies.publish import protocol_of

FRESH: Final = 0.9
"""A lease of which so much is left is not written anew."""
NEARLY_OVER: Final = 0.1
"""One of which no more is left is renewed as if it were over: others may be about to count it as free."""


@transaction.atomic
def allocate(session: Session, protocol: Protocol, answers: Mapping[str, Any]) -> AllocationSlot:
    """The place of a session, taken now if it has none; its arm, group and stratum are written into the session.

    `answers`: by item, all that allocation and quotas ask for. The place goes with the transaction it was taken in.
    Raises QuotaFull when a live person's quota is full, and ValueError for a square there is not."""
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
    """The session was seen: its lease begins anew. One that lost its place takes one again, of the same arm. Raises
    QuotaFull where others have filled a quota meanwhile."""
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
    """The session finished and can be used: its place is taken for good."""
    if not AllocationSlot.objects.filter(session=session).update(leased_until=None):
        take_back(session)
        AllocationSlot.objects.filter(session=session).update(leased_until=None)


@transaction.atomic
def take_back(session: Session, *, within_quotas: bool = False) -> None:
    """A place for a session that has a plan and lost its place, or nearly; none for one that never had any (explore),
    or that ended in this moment. Raises QuotaFull, but only `within_quotas`."""
    locked = Session.objects.select_for_update(of=("self",)).select_related("version").get(pk=session.pk)
    counts = locked.state in (Session.State.STARTED, Session.State.FINISHED) and locked.excluded_at is None
    counts = counts and locked.planned_at is not None
    queue = Queue(locked.version, locked.mode, locked.stratum)
    arms = sorted(set(queue.slots.order_by().values_list("arm", flat=True)))
    if not counts or locked.arm not in arms:
        return
    protocol = protocol_of(locked.version)
    if within_quotas:
        readmit_to_quotas(locked, protocol)
    slot = AllocationSlot.objects.select_for_update().filter(session=locked).first()  # seen twice at once: one place
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
    """Frees the places of all sessions that were not seen for as long as a lease, and says how many."""
    return give_up_expired(AllocationSlot.objects.all())


def _held(session: Session) -> AllocationSlot | None:
    return AllocationSlot.objects.filter(session=session).first()


def _take(slot: AllocationSlot, session: Session) -> None:
    slot.session = session
    slot.leased_until = timezone.now() + _lease(session.version)
    slot.save()


def _lease(version: ProtocolVersion) -> timedelta:
    """From the document as it is: a page view has no time to check a whole protocol."""
    said = version.document.get("allocation", {}).get("lease_min", Allocation.model_fields["lease_min"].default)
    return timedelta(minutes=said)


def _from_block(queue: Queue, protocol: Protocol, arms: Sequence[int], arm: int | None = None) -> AllocationSlot:
    """The first free place (of `arm`, where that is given); opens a block where there is none, or others have it."""
    give_up_expired(queue.slots)
    slot = queue.free(arm)
    if slot is None:
        queue.lock()
        slot = queue.free(arm)  # in a block that somebody opened meanwhile
    if slot is None:
        queue.open_block(protocol, arms)
        slot = queue.free(arm)
    assert slot is not None, "a block was opened under a lock, and none of it is free"
    return slot


def _by_chance(
    queue: Queue, session: Session, protocol: Protocol, arms: Sequence[int], answers: Mapping[str, Any]
) -> AllocationSlot:
    """A place in an arm drawn from the session's seed, each arm as likely as minimisation says, or as all others."""
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
    """For each of the strata, how many people each arm has who answered as the newcomer did."""
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
