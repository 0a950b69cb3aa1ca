from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from studies.allocation.places import allocate, exclude, free, give_up_abandoned, readmit, renew, settle
from studies.models import AllocationSlot, Session, Take, Trial
from studies.publish import protocol_of
from tests.studies.allocation.people import arrive, finish, join, place, two_groups, version_of
from tests.studies.factories import make_take

pytestmark = pytest.mark.django_db


def arms_held() -> Counter[int]:
    return Counter(AllocationSlot.objects.exclude(session=None).values_list("arm", flat=True))


def let_lease_run_out(session: Session) -> None:
    past = timezone.now() - timedelta(seconds=1)
    AllocationSlot.objects.filter(session=session).update(leased_until=past)


def holds_place(session: Session) -> bool:
    return AllocationSlot.objects.filter(session=session).exists()


def test_each_block_has_every_arm_once_and_blocks_are_filled_in_turn() -> None:
    version = version_of(2)
    arms = [join(version).arm for _ in range(10)]
    assert sorted(arms[:4]) == sorted(arms[4:8]) == [0, 1, 2, 3]
    assert AllocationSlot.objects.count() == 12


def test_place_is_taken_once_however_often_it_is_asked_for() -> None:
    version = version_of()
    session = arrive(version)
    assert {place(session).pk for _ in range(3)} == {AllocationSlot.objects.get(session=session).pk}
    assert AllocationSlot.objects.exclude(session=None).count() == 1


def test_session_keeps_arm_group_and_stratum_of_its_place() -> None:
    version = version_of(**two_groups(strata=["age"]))
    session = join(version, gender="woman", age="old")
    session.refresh_from_db()
    assert (session.group, session.stratum) == ("lowered", "age=old;group=lowered")
    assert session.arm in {2, 3}


def test_blocks_are_apart_for_each_stratum() -> None:
    version = version_of(allocation={"strata": ["age"]})
    for age in ("young", "old"):
        arms = [join(version, age=age).arm for _ in range(4)]
        assert Counter(arms) == {0: 2, 1: 2}
    assert set(AllocationSlot.objects.values_list("stratum", flat=True)) == {"age=young", "age=old"}


def test_answer_that_no_group_names_is_spread_over_all_groups_evenly() -> None:
    version = version_of(**two_groups())
    groups = [join(version, gender={"other": "neither"}).group for _ in range(8)]
    assert [sorted(groups[start : start + 2]) for start in range(0, 8, 2)] == [["lowered", "raised"]] * 4
    assert {join(version, gender="man").group for _ in range(4)} == {"raised"}


@pytest.mark.parametrize("mode", [Session.Mode.PILOT, Session.Mode.PREVIEW, Session.Mode.BOT])
def test_only_live_sessions_take_live_places(mode: str) -> None:
    version = version_of(2)
    first = [join(version).arm for _ in range(2)]
    others = [join(version, mode=mode).arm for _ in range(4)]
    rest = [join(version).arm for _ in range(2)]
    assert sorted(first + rest) == sorted(others) == [0, 1, 2, 3]


def test_place_that_is_free_again_goes_to_the_next() -> None:
    version = version_of(2)
    people = [join(version) for _ in range(6)]
    free(people[2])
    assert join(version).arm == people[2].arm
    assert not holds_place(people[2])


def test_lease_that_ran_out_is_given_up_before_a_block_is_opened() -> None:
    version = version_of(2)
    people = [join(version) for _ in range(4)]
    let_lease_run_out(people[1])
    assert join(version).arm == people[1].arm
    assert AllocationSlot.objects.count() == 4


def test_session_that_is_seen_keeps_its_place() -> None:
    version = version_of(allocation={"lease_min": 5})
    session = join(version)
    nearly_over = timezone.now() + timedelta(seconds=20)
    AllocationSlot.objects.filter(session=session).update(leased_until=nearly_over)
    renew(session)
    lease = AllocationSlot.objects.get(session=session).leased_until
    assert lease is not None
    assert lease - timezone.now() > timedelta(minutes=4)
    assert give_up_abandoned() == 0


def test_session_that_comes_back_late_takes_its_place_again_if_nobody_has_it() -> None:
    session = join(version_of())
    held = AllocationSlot.objects.get(session=session).pk
    let_lease_run_out(session)
    assert give_up_abandoned() == 1
    assert not holds_place(session)
    renew(session)
    assert AllocationSlot.objects.get(session=session).pk == held


def test_session_whose_place_is_taken_keeps_its_arm_and_those_after_it_even_the_arms_out() -> None:
    version = version_of(2)
    people = [join(version) for _ in range(4)]
    late = people[0]
    let_lease_run_out(late)
    taken_by = join(version)
    assert taken_by.arm == late.arm
    renew(late)
    assert AllocationSlot.objects.get(session=late).arm == late.arm
    assert arms_held() == Counter(range(4)) + Counter([late.arm])
    assert sorted(join(version).arm for _ in range(3)) == sorted({0, 1, 2, 3} - {late.arm})
    assert arms_held() == dict.fromkeys(range(4), 2)


def test_session_that_finishes_after_its_place_went_counts_all_the_same() -> None:
    version = version_of()
    late, other = join(version), join(version)
    let_lease_run_out(late)
    assert give_up_abandoned() == 1
    assert join(version).arm == late.arm
    finish(late)
    settle(late)
    assert AllocationSlot.objects.get(session=late).leased_until is None
    assert join(version).arm == other.arm


def test_finished_session_keeps_its_place_for_ever() -> None:
    session = join(version_of())
    finish(session)
    let_lease_run_out(session)  # cut off between finishing and settling
    assert give_up_abandoned() == 0
    settle(session)
    assert AllocationSlot.objects.get(session=session).leased_until is None
    assert give_up_abandoned() == 0


def test_place_is_not_given_up_during_a_talk() -> None:
    session = join(version_of())
    trial = Trial.objects.create(
        session=session,
        position=0,
        prompt=session.version.prompts.get(),
        condition=session.version.conditions.all()[0],
    )
    take = make_take(trial, state=Take.State.LIVE, tracks=False)
    let_lease_run_out(session)
    assert give_up_abandoned() == 0
    Take.objects.filter(pk=take.pk).update(state=Take.State.ENDED)
    assert give_up_abandoned() == 1


def test_excluded_session_gives_its_place_and_takes_one_when_it_counts_again() -> None:
    version = version_of()
    session = join(version)
    finish(session)
    settle(session)
    exclude(session, "spoke with somebody else")
    assert (session.excluded_because, holds_place(session)) == ("spoke with somebody else", False)
    assert join(version).arm == session.arm
    readmit(session)
    assert session.excluded_at is None
    assert AllocationSlot.objects.get(session=session).leased_until is None


def test_excluded_session_that_goes_on_takes_no_place() -> None:
    session = join(version_of())
    exclude(session, "bot")
    exclude(session, "another reason")
    renew(session)
    assert (holds_place(session), session.excluded_because) == (False, "bot")


def test_place_of_an_enrolment_that_fails_stays_free() -> None:
    version = version_of()
    session = arrive(version)

    class Crash(Exception): ...

    def enrol_and_crash() -> None:
        with transaction.atomic():
            allocate(session, protocol_of(version), {})
            raise Crash

    with pytest.raises(Crash):
        enrol_and_crash()
    assert AllocationSlot.objects.exclude(session=None).count() == 0
    session.refresh_from_db()
    assert (session.stratum, session.planned_at) == ("", None)


def test_session_that_never_had_a_place_gets_none_by_being_seen() -> None:
    session = arrive(version_of())
    renew(session)
    session.planned_at = timezone.now()
    renew(session)
    settle(session)
    assert AllocationSlot.objects.count() == 0


@pytest.mark.parametrize("method", ["minimisation", "random"])
def test_drawn_arm_is_kept_with_the_probability_of_each(method: str) -> None:
    allocation = {"method": method, **({"strata": ["gender"]} if method == "minimisation" else {})}
    version = version_of(2, allocation=allocation)
    slots = [place(arrive(version, gender="man"), gender="man") for _ in range(6)]
    for slot in AllocationSlot.objects.all():
        assert set(slot.probabilities) == {"0", "1", "2", "3"}
        assert sum(slot.probabilities.values()) == pytest.approx(1)
    assert slots[0].probabilities == dict.fromkeys("0123", 0.25)


def test_minimisation_prefers_the_arm_with_fewest_alike() -> None:
    version = version_of(allocation={"method": "minimisation", "strata": ["gender"], "probability": 1})
    men = [join(version, gender="man").arm for _ in range(6)]
    women = [join(version, gender="woman").arm for _ in range(6)]
    for arms in (men, women):
        assert all(sorted(arms[start : start + 2]) == [0, 1] for start in (0, 2, 4))


def test_minimisation_makes_groups_alike_however_many_orders_each_has() -> None:
    groups = [{"key": "raised"}, {"key": "lowered", "replace": {"higher": "lower"}}]
    allocation = {"method": "minimisation", "strata": ["gender"], "probability": 1, "groups": groups}
    version = version_of(3, conditions=two_groups()["conditions"], allocation=allocation)
    people = [join(version, gender=gender).group for gender in ("man", "woman") * 6]
    for start in (0, 1):
        of_gender = people[start::2]
        assert all(len({*of_gender[place : place + 2]}) == 2 for place in range(0, 6, 2))


def test_minimisation_does_not_count_those_who_left() -> None:
    version = version_of(allocation={"method": "minimisation", "strata": ["gender"], "probability": 1})
    first, second = join(version, gender="man"), join(version, gender="man")
    free(second)
    assert join(version, gender="man").arm == second.arm
    assert first.arm != second.arm


def test_drawn_place_is_taken_again_by_whoever_comes_back() -> None:
    session = join(version_of(allocation={"method": "random"}))
    let_lease_run_out(session)
    assert give_up_abandoned() == 1
    renew(session)
    assert AllocationSlot.objects.get(session=session).arm == session.arm
