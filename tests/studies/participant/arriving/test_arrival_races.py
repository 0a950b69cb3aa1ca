"""One person's link opened many times at once. PostgreSQL only, where that can happen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from studies.entrance import Arrival
from studies.models import Participant, RecruiterIdentity, Session
from studies.models.session import new_token
from studies.participant.arriving.enrol import begin
from tests.studies.participant.visitor import open_new_study
from tests.studies.protocol.documents import paired

TIMES = 12


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_one_person_who_comes_many_times_at_once_has_one_session() -> None:
    version = open_new_study(paired(recruiter={"service": "generic"})).current_version
    assert version is not None

    def come(_: int) -> int:
        try:
            return begin(version, new_token(), arrival=Arrival("generic", "anna", {"id": "anna"})).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(TIMES) as pool:
        sessions = set(pool.map(come, range(TIMES)))
    assert len(sessions) == 1
    assert [model.objects.count() for model in (Session, Participant, RecruiterIdentity)] == [1, 1, 1]
