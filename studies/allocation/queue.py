"""The places of one version, mode and stratum, which sessions take in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from studies.design.arms import block_of_arms
from studies.models import AllocationSlot, ProtocolVersion, Session, Take
from studies.protocol.schema import Protocol


@dataclass(frozen=True, slots=True)
class Queue:
    version: ProtocolVersion
    mode: str
    stratum: str

    @property
    def slots(self) -> QuerySet[AllocationSlot]:
        slots = AllocationSlot.objects.filter(version=self.version, mode=self.mode, stratum=self.stratum)
        return slots.order_by("block", "position")

    def free(self, arm: int | None = None) -> AllocationSlot | None:
        """Locks and returns the first free place that no other transaction is taking; only one of `arm`, if given."""
        slots = self.slots.filter(session=None)
        if arm is not None:
            slots = slots.filter(arm=arm)
        return slots.select_for_update(skip_locked=True).first()

    def lock(self) -> None:
        """Waits for a transaction that is opening a block in this version, and blocks others until this one ends."""
        ProtocolVersion.objects.select_for_update(no_key=True).get(pk=self.version.pk)

    def open_block(self, protocol: Protocol, arms: Sequence[int]) -> None:
        """Adds a block of `arms`. The caller must hold `lock`."""
        last = self.slots.aggregate(last=Max("block"))["last"]
        block = 0 if last is None else last + 1
        key = f"{self.version.sha256}:{self.mode}:{self.stratum}"
        AllocationSlot.objects.bulk_create(
            AllocationSlot(
                version=self.version, mode=self.mode, stratum=self.stratum, block=block, position=position, arm=arm
            )
            for position, arm in enumerate(block_of_arms(protocol, arms, block, key))
        )

    def add_place(self, arm: int, probabilities: Mapping[int, float]) -> AllocationSlot:
        """Returns an unsaved place that is not part of a block. The caller must hold `lock`."""
        last = self.slots.aggregate(last=Max("position"))["last"]
        return AllocationSlot(
            version=self.version,
            mode=self.mode,
            stratum=self.stratum,
            block=0,
            position=0 if last is None else last + 1,
            arm=arm,
            probabilities={str(each): chance for each, chance in probabilities.items()},
        )


def lapsed(slots: QuerySet[AllocationSlot]) -> QuerySet[AllocationSlot]:
    """Returns those of `slots` whose lease has expired, except the places of finished sessions that were not excluded,
    and of sessions with a take in progress."""
    lapsed = slots.filter(session__isnull=False, leased_until__lt=timezone.now())
    lapsed = lapsed.filter(~Q(session__state=Session.State.FINISHED) | Q(session__excluded_at__isnull=False))
    return lapsed.exclude(session__in=Session.objects.filter(trials__takes__state=Take.State.LIVE))


def give_up_expired(slots: QuerySet[AllocationSlot]) -> int:
    """Frees those of `slots` whose lease has expired, and returns how many."""
    locked = lapsed(slots).order_by().select_for_update(skip_locked=True, of=("self",))
    keys = [slot.pk for slot in locked]
    return AllocationSlot.objects.filter(pk__in=keys).update(session=None, leased_until=None) if keys else 0
