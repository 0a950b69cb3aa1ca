"""Many people agree at once: no place is given twice and the blocks stay balanced. PostgreSQL only, where rows lock."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from studies.models import AllocationSlot, Session
from studies.models.session import new_token
from studies.participant.arriving.enrol import agree, begin
from tests.studies.participant.visitor import PURPOSES, open_new_study
from tests.studies.protocol.documents import paired

PEOPLE = 12


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_people_who_agree_at_once_get_places_of_their_own() -> None:
    assert connection.vendor == "postgresql"
    version = open_new_study(paired()).current_version
    assert version is not None
    sessions = [begin(version, new_token()) for _ in range(PEOPLE)]

    def agree_elsewhere(session: Session) -> None:
        try:
            agree(session, PURPOSES)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(PEOPLE) as pool:
        list(pool.map(agree_elsewhere, sessions))
    taken = AllocationSlot.objects.exclude(session=None)
    assert taken.count() == PEOPLE
    assert Counter(Session.objects.values_list("trials__position", flat=True)) == {0: PEOPLE, 1: PEOPLE}


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_one_consent_sent_twice_at_once_is_planned_once() -> None:
    version = open_new_study(paired()).current_version
    assert version is not None
    session = begin(version, new_token())

    def agree_elsewhere(_: int) -> None:
        try:
            agree(session, PURPOSES)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(agree_elsewhere, range(4)))
    assert session.trials.count() == 2
    assert session.consents.count() == 3
    assert AllocationSlot.objects.exclude(session=None).count() == 1
