from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.design.arms import arm_count
from studies.design.plan import PlannedTrial, plan_trials
from studies.protocol.reading.document import parse
from studies.protocol.schema import Protocol
from tests.studies.protocol.documents import explore, paired, paired_with

counts = st.integers(min_value=1, max_value=7)
seeds = st.integers(min_value=0, max_value=2**48)


def study(pairs: int) -> Protocol:
    return parse(paired_with(pairs))


def pairs_in_order(plan: tuple[PlannedTrial, ...]) -> list[tuple[PlannedTrial, PlannedTrial]]:
    return list(zip(plan[::2], plan[1::2], strict=True))


def test_plan_of_one_pair_is_both_orders_over_its_two_arms() -> None:
    plans = [[trial.condition for trial in plan_trials(parse(paired()), arm, seed=1)] for arm in range(2)]
    assert plans == [["own", "higher"], ["higher", "own"]]


@given(pairs=counts, seed=seeds, data=st.data())
def test_plan_holds_every_pair_once_and_its_trials_together(pairs: int, seed: int, data: st.DataObject) -> None:
    protocol = study(pairs)
    plan = plan_trials(protocol, data.draw(st.integers(0, arm_count(protocol) - 1)), seed)
    assert [trial.position for trial in plan] == list(range(2 * pairs))
    together = pairs_in_order(plan)
    assert all(first.pair == second.pair and first.prompt == second.prompt for first, second in together)
    assert {first.pair for first, _ in together} == set(range(pairs))
    assert all({first.condition, second.condition} == {"own", "higher"} for first, second in together)
    assert all({first.side, second.side} == {"A", "B"} for first, second in together)


@given(pairs=counts)
def test_over_all_arms_each_condition_comes_first_equally_often_in_each_pair_and_place(pairs: int) -> None:
    protocol = study(pairs)
    arms = arm_count(protocol)
    firsts = Counter(
        (first.pair, place, first.condition)
        for arm in range(arms)
        for place, (first, _) in enumerate(pairs_in_order(plan_trials(protocol, arm, seed=0)))
    )
    cells = [(pair, place, key) for pair in range(pairs) for place in range(pairs) for key in ("own", "higher")]
    assert firsts == dict.fromkeys(cells, arms // (2 * pairs))


@given(pairs=counts, seed=seeds)
def test_sides_are_balanced_within_a_session(pairs: int, seed: int) -> None:
    first_is_a = sum(first.side == "A" for first, _ in pairs_in_order(plan_trials(study(pairs), 0, seed)))
    assert first_is_a in {pairs // 2, pairs - pairs // 2}


def test_sides_follow_the_seed_and_not_the_order() -> None:
    sides = Counter(plan_trials(parse(paired()), 0, seed)[0].side for seed in range(1_000))
    assert 400 < sides["A"] < 600


@given(pairs=counts, seed=seeds)
def test_same_arm_and_seed_give_the_same_plan(pairs: int, seed: int) -> None:
    assert plan_trials(study(pairs), 0, seed) == plan_trials(study(pairs), 0, seed)


def test_arm_that_does_not_exist_raises() -> None:
    with pytest.raises(ValueError, match="arm 2 of a study with 2 arms"):
        plan_trials(parse(paired()), 2, seed=1)


def test_explore_study_has_one_arm_and_no_plan() -> None:
    assert arm_count(parse(explore())) == 1
    assert plan_trials(parse(explore()), 0, seed=1) == ()
