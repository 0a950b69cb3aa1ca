"""Many people enrol at once: no place is given twice, the arms stay even in each stratum, no quota is passed.

On PostgreSQL with as many connections as it takes; on SQLite with fewer, against a file, where one writes at a time."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone

from studies.allocation.places import exclude, free, give_up_abandoned, renew, settle
from studies.errors import QuotaFull
from studies.models import AllocationSlot, ProtocolVersion, Session
from studies.participant.arriving import enrol
from tests.studies.allocation.crowd import at_once, sqlite_file
from tests.studies.allocation.people import arrive, finish, place, version_of
from tests.studies.participant.visitor import open_new_study
from tests.studies.protocol.documents import explore

PEOPLE = {"postgresql": 200, "sqlite": 40}
THREADS = {"postgresql": 50, "sqlite": 8}
ON = [pytest.param("postgresql", marks=pytest.mark.services), "sqlite"]
GENDERS = ("woman", "man")


@pytest.fixture(params=ON)
def vendor(request: pytest.FixtureRequest, transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """The database that is named, of those the tests can run on."""
    name: str = request.param
    if connection.vendor != name:
        pytest.skip(f"the tests run on {connection.vendor}")
    with sqlite_file(tmp_path / "crowd.sqlite3") if name == "sqlite" else nullcontext():
        yield name


def held(**where: object) -> list[AllocationSlot]:
    return list(AllocationSlot.objects.filter(session__isnull=False, **where).select_related("session"))


def test_everybody_gets_a_place_of_their_own_and_the_arms_are_even_in_each_stratum(vendor: str) -> None:
    version = version_of(2, allocation={"strata": ["gender"]})
    genders = [GENDERS[index % 2] for index in range(PEOPLE[vendor])]
    sessions = [arrive(version, gender=gender) for gender in genders]
    at_once(lambda each: place(each[0], gender=each[1]), list(zip(sessions, genders, strict=True)), THREADS[vendor])

    assert len(held()) == PEOPLE[vendor]
    assert len({slot.session_id for slot in held()}) == PEOPLE[vendor]
    each = PEOPLE[vendor] // 2 // 4
    for gender in GENDERS:
        assert Counter(slot.arm for slot in held(stratum=f"gender={gender}")) == dict.fromkeys(range(4), each)
    assert AllocationSlot.objects.count() == PEOPLE[vendor]  # no block was opened for nothing
    for session in Session.objects.all():
        assert session.arm == session.allocation.arm


def test_quota_is_never_passed(vendor: str) -> None:
    version = version_of(quotas=[{"key": "women", "max": 7, "when": {"all": [{"item": "gender", "equals": "woman"}]}}])
    sessions = [arrive(version, gender="woman") for _ in range(PEOPLE[vendor] // 2)]

    def come(session: Session) -> bool:
        try:
            place(session, gender="woman")
        except QuotaFull:
            return False
        return True

    admitted = at_once(come, sessions, THREADS[vendor])
    assert sum(admitted) == len(held()) == 7


def test_quota_is_never_passed_by_those_who_come_back_while_others_come(vendor: str) -> None:
    version = version_of(quotas=[{"key": "all", "max": 7}])
    away = [arrive(version) for _ in range(7)]
    for session in away:
        place(session)
    past = timezone.now() - timedelta(seconds=1)
    AllocationSlot.objects.update(leased_until=past)  # nobody has given them up yet
    new = [arrive(version) for _ in range(PEOPLE[vendor] // 4)]

    def come(session: Session) -> bool:
        try:
            renew(Session.objects.get(pk=session.pk)) if session in away else place(session)
        except QuotaFull:
            return False
        return True

    crowd = [each for few in zip(new, [*away, *new[7:]], strict=False) for each in dict.fromkeys(few)]
    admitted = at_once(come, crowd, min(len(crowd), THREADS[vendor]))
    assert sum(admitted) == len(held(leased_until__gt=timezone.now())) == 7


def test_explore_study_never_passes_its_quota(vendor: str) -> None:
    version = open_new_study(explore(quotas=[{"key": "all", "max": 5}]), slug="free").current_version
    assert version is not None
    sessions = [arrive(version) for _ in range(PEOPLE[vendor] // 4)]

    def come(session: Session) -> bool:
        enrol.agree(session, ["participate", "record"])
        return session.state == Session.State.STARTED

    admitted = at_once(come, sessions, min(len(sessions), THREADS[vendor]))
    assert sum(admitted) == len(held()) == 5


@pytest.mark.parametrize("method", ["minimisation", "random"])
def test_drawn_places_are_never_given_twice(vendor: str, method: str) -> None:
    allocation = {"method": method, "probability": 1} if method == "minimisation" else {"method": method}
    version = version_of(2, allocation=allocation | ({"strata": ["gender"]} if method == "minimisation" else {}))
    people = PEOPLE[vendor] // 4
    sessions = [arrive(version, gender="woman") for _ in range(people)]
    at_once(lambda session: place(session, gender="woman"), sessions, min(THREADS[vendor], people))
    assert len(held()) == people
    if method == "minimisation":  # one factor, and always the best arm: as even as can be
        counts = Counter(slot.arm for slot in held()).values()
        assert max(counts) - min(counts) <= 1


def test_one_session_that_is_sent_many_times_at_once_takes_one_place(vendor: str) -> None:
    session = arrive(version_of(2))
    slots = at_once(lambda _: place(Session.objects.get(pk=session.pk)).pk, range(THREADS[vendor]), THREADS[vendor])
    assert len(set(slots)) == len(held()) == 1


def test_session_that_comes_back_in_many_tabs_at_once_takes_one_place(vendor: str) -> None:
    version = version_of(2)
    session = arrive(version)
    place(session)
    AllocationSlot.objects.filter(session=session).update(leased_until=timezone.now() - timedelta(seconds=1))
    assert give_up_abandoned() == 1
    at_once(lambda _: renew(Session.objects.get(pk=session.pk)), range(THREADS[vendor]), THREADS[vendor])
    assert [(slot.session_id, slot.arm) for slot in held()] == [(session.pk, session.arm)]


def test_places_survive_crashes_leavers_and_latecomers_at_once(vendor: str) -> None:
    """Some enrolments are cut off; some people finish, leave, are excluded, or lose their lease and come back; while
    others come and the sweep runs."""
    version = version_of(2, allocation={"strata": ["gender"]})
    sessions = [arrive(version, gender=GENDERS[index % 2]) for index in range(PEOPLE[vendor])]

    class Crash(Exception): ...

    def live(index: int) -> None:
        session, draw = Session.objects.get(pk=sessions[index].pk), random.Random(index)
        gender = GENDERS[index % 2]
        if draw.random() < 0.3:
            with suppress(Crash), transaction.atomic():
                place(session, gender=gender)
                raise Crash
            session.refresh_from_db()
        place(session, gender=gender)
        fate = draw.choice(["finishes", "leaves", "is excluded", "comes back", "stays"])
        if fate == "comes back":
            past = timezone.now() - timedelta(seconds=1)
            AllocationSlot.objects.filter(session=session).update(leased_until=past)
            give_up_abandoned()
            renew(session)
        elif fate == "finishes":
            finish(session)
            settle(session)
        elif fate == "is excluded":
            exclude(session, "test")
        elif fate == "leaves":
            free(session)

    at_once(live, range(PEOPLE[vendor]), THREADS[vendor])

    stayed = {index for index in range(PEOPLE[vendor]) if _stays(index)}
    assert {slot.session_id for slot in held()} == {sessions[index].pk for index in stayed}
    assert all(slot.arm == slot.session.arm and slot.stratum == slot.session.stratum for slot in held() if slot.session)
    _are_whole_blocks(version)


def _stays(index: int) -> bool:
    """Whether that person of the test above has a place in the end."""
    draw = random.Random(index)
    draw.random()
    return draw.choice(["finishes", "leaves", "is excluded", "comes back", "stays"]) not in ("leaves", "is excluded")


def _are_whole_blocks(version: ProtocolVersion) -> None:
    """Every block has every arm once, so that within it no arm is held more than once more often than another."""
    blocks: dict[tuple[str, int], list[int]] = {}
    for slot in AllocationSlot.objects.filter(version=version):
        blocks.setdefault((slot.stratum, slot.block), []).append(slot.arm)
    assert all(sorted(arms) == [0, 1, 2, 3] for arms in blocks.values())
