from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from studies.allocation.places import exclude, free, give_up_abandoned, is_stopped, quota_full, readmit, renew, settle
from studies.errors import QuotaFull
from studies.models import AllocationSlot, Answer, ProtocolVersion, Session, Take, Trial
from studies.protocol.reading.document import parse, to_document
from studies.publish import protocol_of, publish
from tests.studies.allocation.people import arrive, finish, join, place, version_of
from tests.studies.factories import make_take
from tests.studies.participant.visitor import open_new_study
from tests.studies.protocol.documents import explore

pytestmark = pytest.mark.django_db

TWO_MEN = {"key": "men", "max": 2, "when": {"all": [{"item": "gender", "equals": "man"}]}}


def is_full(version: ProtocolVersion, **answers: Any) -> str:
    quota = quota_full(version.study, protocol_of(version), answers)
    return quota.key if quota is not None else ""


def test_quota_holds_only_those_in_whom_it_is_true() -> None:
    version = version_of(quotas=[TWO_MEN])
    for _ in range(2):
        join(version, gender="man")
        join(version, gender="woman")
    assert is_full(version, gender="man") == "men"
    assert is_full(version, gender="woman") == ""
    late = arrive(version, gender="man")
    with pytest.raises(QuotaFull) as refused:
        place(late, gender="man")
    assert refused.value.quota == "men"
    assert not AllocationSlot.objects.filter(session=late).exists()


def test_quota_without_a_condition_counts_everybody() -> None:
    version = version_of(quotas=[{"key": "all", "max": 1}])
    assert is_full(version) == ""
    join(version)
    assert is_full(version) == "all"


def test_quota_of_nobody_is_full_at_once() -> None:
    assert is_full(version_of(quotas=[{"key": "closed", "max": 0}])) == "closed"


@pytest.mark.parametrize("leaves", ["freed", "excluded", "lease over"])
def test_somebody_who_leaves_makes_room(leaves: str) -> None:
    version = version_of(quotas=[TWO_MEN])
    people = [join(version, gender="man") for _ in range(2)]
    if leaves == "freed":
        free(people[0])
    elif leaves == "excluded":
        finish(people[0])
        settle(people[0])
        exclude(people[0], "noise")
    else:
        AllocationSlot.objects.filter(session=people[0]).update(leased_until=timezone.now() - timedelta(seconds=1))
        assert give_up_abandoned() == 1
    assert is_full(version, gender="man") == ""


def let_lease_run_out(session: Session) -> None:
    past = timezone.now() - timedelta(seconds=1)
    AllocationSlot.objects.filter(session=session).update(leased_until=past)


@pytest.mark.parametrize("given_up", [True, False])
def test_somebody_who_comes_back_to_a_full_quota_comes_too_late(given_up: bool) -> None:
    version = version_of(quotas=[TWO_MEN])
    late = join(version, gender="man")
    woman = join(version, gender="woman")
    for session in (late, woman):
        let_lease_run_out(session)
    if given_up:
        assert give_up_abandoned() == 2
    others = [join(version, gender="man") for _ in range(2)]
    with pytest.raises(QuotaFull):
        renew(late)
    renew(woman)
    held = AllocationSlot.objects.filter(session__in=[late, woman, *others], leased_until__gt=timezone.now())
    assert set(held.values_list("session", flat=True)) == {session.pk for session in (woman, *others)}


def test_somebody_who_comes_back_while_there_is_room_goes_on() -> None:
    version = version_of(quotas=[TWO_MEN])
    late = join(version, gender="man")
    let_lease_run_out(late)
    join(version, gender="man")
    renew(late)
    assert is_full(version, gender="man") == "men"
    renew(late)


def test_somebody_who_talks_counts_although_their_lease_ran_out() -> None:
    version = version_of(quotas=[TWO_MEN])
    talking, _ = [join(version, gender="man") for _ in range(2)]
    trial = Trial.objects.create(
        session=talking,
        position=0,
        prompt=version.prompts.all()[0],
        condition=version.conditions.all()[0],
    )
    make_take(trial, state=Take.State.LIVE, tracks=False)
    let_lease_run_out(talking)
    assert is_full(version, gender="man") == "men"
    renew(talking)  # their own place is not in their way


def test_researcher_may_count_somebody_again_beyond_the_quota() -> None:
    version = version_of(quotas=[TWO_MEN])
    people = [join(version, gender="man") for _ in range(2)]
    exclude(people[0], "noise")
    join(version, gender="man")
    readmit(people[0])
    assert AllocationSlot.objects.exclude(session=None).count() == 3


def test_visitors_of_an_explore_study_take_places_where_it_has_quotas() -> None:
    version = open_new_study(explore(quotas=[{"key": "all", "max": 2}]), slug="free").current_version
    assert version is not None
    people = [join(version) for _ in range(2)]
    assert is_full(version) == "all"
    with pytest.raises(QuotaFull):
        join(version)
    let_lease_run_out(people[0])
    join(version)
    with pytest.raises(QuotaFull):
        renew(people[0])


def test_finished_people_count_for_ever() -> None:
    version = version_of(quotas=[TWO_MEN])
    for _ in range(2):
        session = join(version, gender="man")
        finish(session)
        settle(session)
    assert is_full(version, gender="man") == "men"


def test_last_revision_of_an_answer_counts() -> None:
    version = version_of(quotas=[TWO_MEN])
    for _ in range(2):
        session = join(version, gender="man")
    Answer.objects.create(session=session, questionnaire="background", item="gender", value="woman", revision=2)
    assert is_full(version, gender="man") == ""


@pytest.mark.parametrize("mode", [Session.Mode.PILOT, Session.Mode.PREVIEW, Session.Mode.BOT])
def test_only_live_people_count_and_are_refused(mode: str) -> None:
    version = version_of(quotas=[TWO_MEN])
    for _ in range(3):
        join(version, mode=mode, gender="man")
    assert is_full(version, gender="man") == ""


def test_quota_counts_people_of_earlier_versions() -> None:
    version = version_of(quotas=[TWO_MEN])
    for _ in range(2):
        join(version, gender="man")
    document = to_document(protocol_of(version)) | {"welcome": "Hello again."}
    newer = publish(version.study, parse(document))
    assert newer != version
    assert is_full(newer, gender="man") == "men"


def test_study_stops_after_as_many_usable_visits_as_said() -> None:
    version = version_of(stopping={"completed": 2})
    protocol = protocol_of(version)
    people = [join(version) for _ in range(3)]
    assert not is_stopped(version.study, protocol)
    for session in people[:2]:
        finish(session)
        settle(session)
    assert is_stopped(version.study, protocol)
    exclude(people[0], "noise")
    assert not is_stopped(version.study, protocol)


@pytest.mark.parametrize(("days", "stopped"), [(-1, True), (0, False), (1, False)])
def test_study_stops_after_the_day_it_says(days: int, stopped: bool) -> None:
    until = timezone.localdate() + timedelta(days=days)
    version = version_of(stopping={"until": until.isoformat()})
    assert is_stopped(version.study, protocol_of(version)) is stopped


def test_study_without_a_rule_never_stops() -> None:
    version = version_of()
    assert not is_stopped(version.study, protocol_of(version))
