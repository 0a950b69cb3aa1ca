"""Whatever order people come, leave, finish and come back in: everybody who counts has one place of their own arm,
every block has every arm once, and no block is opened while a place is free."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studies.allocation.places import exclude, free, give_up_abandoned, readmit, renew, settle
from studies.models import AllocationSlot, ProtocolVersion, Session
from tests.extent import examples
from tests.studies.allocation.people import finish, join, version_of

pytestmark = pytest.mark.django_db

STRATA = ("woman", "man")
comings = st.tuples(st.just("comes"), st.sampled_from(STRATA))
fates = st.sampled_from(["leaves", "finishes", "is away too long", "comes back", "is excluded", "is readmitted"])
happenings = st.lists(comings | st.tuples(fates, st.integers(0, 30)), min_size=1, max_size=40)


class Study:
    """The people of a study, and who of them should have a place."""

    def __init__(self, version: ProtocolVersion) -> None:
        self.version = version
        self.people: list[Session] = []
        self.counted: set[int] = set()

    def happens(self, what: str, whom: str | int) -> None:
        if isinstance(whom, str):
            self._comes(whom)
        elif self.people:
            session = self.people[whom % len(self.people)]
            session.refresh_from_db()
            self._fate(what, session)

    def _comes(self, gender: str) -> None:
        slots = AllocationSlot.objects.filter(stratum=f"gender={gender}")
        had_room, before = slots.filter(session=None).exists(), slots.count()
        session = join(self.version, gender=gender)
        assert (slots.count() == before) == had_room
        self.people.append(session)
        self.counted.add(session.pk)

    def _fate(self, what: str, session: Session) -> None:
        started = session.state == Session.State.STARTED
        if what == "leaves" and started:
            free(session)
            session.state = Session.State.WITHDRAWN
            session.save(update_fields=["state"])
            self.counted.discard(session.pk)
        elif what == "finishes" and started and session.excluded_at is None:
            finish(session)
            settle(session)
            self.counted.add(session.pk)
        elif what == "is away too long" and started:
            past = timezone.now() - timedelta(seconds=1)
            AllocationSlot.objects.filter(session=session).update(leased_until=past)
            give_up_abandoned()
            self.counted.discard(session.pk)
        elif what == "comes back" and started and session.excluded_at is None:
            renew(session)
            self.counted.add(session.pk)
        elif what == "is excluded":
            exclude(session, "test")
            self.counted.discard(session.pk)
        elif what == "is readmitted" and session.excluded_at is not None:
            readmit(session)
            if session.state != Session.State.WITHDRAWN:
                self.counted.add(session.pk)

    def check(self) -> None:
        slots = list(AllocationSlot.objects.select_related("session"))
        held = [slot for slot in slots if slot.session is not None]
        assert Counter(slot.session_id for slot in held) == Counter(self.counted)
        for slot in held:
            assert slot.session is not None
            assert (slot.arm, slot.stratum) == (slot.session.arm, slot.session.stratum)
        blocks: dict[tuple[str, int], list[int]] = {}
        for slot in slots:
            blocks.setdefault((slot.stratum, slot.block), []).append(slot.arm)
        assert all(sorted(arms) == [0, 1, 2, 3] for arms in blocks.values())


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(happenings=happenings)
def test_everybody_who_counts_has_a_place_and_blocks_are_whole(
    db: None, happenings: list[tuple[str, str | int]]
) -> None:
    with transaction.atomic():
        study = Study(version_of(2, allocation={"strata": ["gender"]}))
        for what, whom in happenings:
            study.happens(what, whom)
            study.check()
        transaction.set_rollback(True)
