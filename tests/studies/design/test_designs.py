"""Whatever the design: everybody gets every planned cell, pairs stay pairs, and over all arms what a square promises
holds exactly."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.design.arms import arm_count, group_of
from studies.design.plan import PlannedTrial, plan_trials
from studies.protocol.schema import Protocol
from tests.studies.design.studies import GRAECO_LATIN, ORDERS, pair, studies, study
from tests.studies.protocol.strategies import protocols

seeds = st.integers(min_value=0, max_value=2**48)
squares = st.sampled_from(["williams", "latin"])
block_bys = st.sampled_from(["prompt", "condition"])


def analytical(protocol: Protocol, arm: int, seed: int = 0) -> list[PlannedTrial]:
    return [trial for trial in plan_trials(protocol, arm, seed) if not trial.practice]


def all_plans(protocol: Protocol, seed: int = 0) -> list[list[PlannedTrial]]:
    return [analytical(protocol, arm, seed) for arm in range(arm_count(protocol))]


def _pair_of(protocol: Protocol, trial: PlannedTrial) -> int | None:
    """Which of the pairs it was planned for, where they make the design."""
    if protocol.design.cells != "pairs" or trial.pair is None:
        return None
    return trial.pair % len(protocol.pairs)


def expected_cells(protocol: Protocol, plan: list[PlannedTrial], group: str) -> Counter[tuple[str, str]]:
    """What somebody in `group` should get, from the protocol alone. Of an assigned design the conditions are taken
    from the plan, and judged over all arms elsewhere."""
    design = protocol.design
    replaced = next((each.replace for each in protocol.allocation.groups if each.key == group), {})
    stand_ins = {key for each in protocol.allocation.groups for key in each.replace.values()}
    stand_ins -= {key for each in protocol.allocation.groups for key in each.replace}
    conditions = [each.key for each in protocol.conditions if each.key not in stand_ins]
    prompts = [each.key for each in protocol.prompts if each.study_role == "analytical"]
    cells: list[tuple[str, str]] = []
    if design.cells == "pairs":
        cells = [(each.prompt, condition) for each in protocol.pairs for condition in each.conditions]
    elif design.cells == "crossed":
        cells = [(prompt, condition) for prompt in prompts for condition in conditions]
    elif design.cells == "assigned":
        given = {trial.prompt: trial.condition for trial in plan}
        assert sorted(given) == sorted(prompts)
        return Counter({(prompt, given[prompt]): design.repetitions for prompt in prompts})
    else:
        written = [[(each.prompt, each.condition) for each in variant.trials] for variant in design.variants]
        found = [(trial.prompt, trial.condition) for trial in plan]
        options = [[(p, replaced.get(c, c)) for p, c in cells] * design.repetitions for cells in written]
        assert found in options
        return Counter(found)
    return Counter({(p, replaced.get(c, c)): n * design.repetitions for (p, c), n in Counter(cells).items()})


@given(protocol=st.one_of(studies(), protocols()), seed=seeds, data=st.data())
def test_everybody_gets_every_planned_cell_as_often_as_planned(
    protocol: Protocol, seed: int, data: st.DataObject
) -> None:
    arm = data.draw(st.integers(0, arm_count(protocol) - 1))
    plan = plan_trials(protocol, arm, seed)
    practice, rest = plan[: len(protocol.practice)], list(plan[len(protocol.practice) :])
    assert [trial.position for trial in plan] == list(range(len(plan)))
    assert [trial.prompt for trial in practice] == [cell.prompt for cell in protocol.practice]
    assert all(trial.practice and trial.pair is None and trial.block == 0 for trial in practice)
    assert not any(trial.practice for trial in rest)
    cells = Counter((trial.prompt, trial.condition) for trial in rest)
    assert cells == expected_cells(protocol, rest, group_of(protocol, arm))
    repeated = defaultdict(list)
    for trial in rest:
        repeated[trial.prompt, trial.condition].append(trial.repetition)
    assert all(numbers == list(range(len(numbers))) for numbers in repeated.values())
    assert plan_trials(protocol, arm, seed) == plan


@given(protocol=st.one_of(studies(), protocols()), seed=seeds, data=st.data())
def test_pairs_stay_pairs(protocol: Protocol, seed: int, data: st.DataObject) -> None:
    arm = data.draw(st.integers(0, arm_count(protocol) - 1))
    plan = analytical(protocol, arm, seed)
    group = next((each for each in protocol.allocation.groups if each.key == group_of(protocol, arm)), None)
    members = defaultdict(list)
    for trial in plan:
        if trial.pair is not None:
            members[trial.pair].append(trial)
        assert bool(trial.side) == (trial.pair is not None)
    for number, trials in members.items():
        written = protocol.pairs[number % len(protocol.pairs)]
        replaced = [group.replace.get(key, key) if group else key for key in written.conditions]
        assert {trial.prompt for trial in trials} == {written.prompt}
        assert sorted(trial.condition for trial in trials) == sorted(replaced)
        assert sorted(trial.side for trial in trials) == list("ABCDEF"[: len(trials)])
        if protocol.design.cells == "pairs":
            places = [trial.position for trial in trials]
            assert places == list(range(places[0], places[0] + len(places)))
            assert len({trial.block for trial in trials}) == 1
    if protocol.design.cells == "pairs":
        assert sorted(members) == list(range(len(protocol.pairs) * protocol.design.repetitions))


@given(protocol=studies(), seed=seeds)
def test_pauses_come_after_as_many_talks_as_said(protocol: Protocol, seed: int) -> None:
    plan = analytical(protocol, 0, seed)
    sizes = list(Counter(trial.block for trial in plan).values())
    assert [trial.block for trial in plan] == sorted(trial.block for trial in plan)
    every = protocol.design.break_every
    if every is None:
        assert len(sizes) <= 1
    elif protocol.design.cells == "pairs":
        most = max(len(each.conditions) for each in protocol.pairs)
        assert all(every <= size < every + most for size in sizes[:-1])
    else:
        assert all(size == every for size in sizes[:-1])
        assert sizes[-1] <= every


@given(protocol=st.one_of(studies(), protocols()), seed=seeds)
def test_squares_of_any_study_are_balanced(protocol: Protocol, seed: int) -> None:
    """In every group and repetition each pair, or cell, or prompt appears at each place equally often, and each
    condition of a pair comes first equally often; wherever the blocks are of one size."""
    design = protocol.design
    squared = design.order in ("williams", "latin")  # Graeco-Latin: a test of its own
    if protocol.kind == "explore" or design.cells == "variants" or not squared:
        return
    groups: dict[str, list[list[PlannedTrial]]] = {}
    for arm in range(arm_count(protocol)):
        groups.setdefault(group_of(protocol, arm), []).append(analytical(protocol, arm, seed))
    if design.cells == "pairs":
        sizes = Counter(len(pair.conditions) for pair in protocol.pairs)
        blocks: list[Counter[Any]] = [
            Counter(pair.prompt for pair in protocol.pairs),
            Counter(frozenset(pair.conditions) for pair in protocol.pairs),
        ]
        blocked = design.block_by is not None and any(len(set(block.values())) > 1 for block in blocks)
        if len(sizes) > 1 or blocked:
            return
    if design.block_order not in (None, "williams", "latin") or len(_sizes_of_blocks(protocol)) > 1:
        return
    if design.cells == "assigned" and design.block_by == "condition":
        plan = next(iter(groups.values()))[0]
        if len(set(Counter(trial.condition for trial in plan).values())) > 1:
            return
    for plans in groups.values():
        met = Counter(
            (trial.prompt, trial.condition, _pair_of(protocol, trial), place)
            for plan in plans
            for place, trial in enumerate(plan)
        )
        assert len(set(met.values())) <= 1
        assert len({key[:3] for key in met}) * max(map(len, plans)) == len(met)


def _sizes_of_blocks(protocol: Protocol) -> set[int]:
    """How many units each of the blocks has that are written out, by prompts."""
    units = [pair.prompt for pair in protocol.pairs]
    if protocol.design.cells != "pairs":
        units = [prompt.key for prompt in protocol.prompts if prompt.study_role == "analytical"]
    return {sum(unit in block.prompts for unit in units) for block in protocol.design.blocks} - {0}


@given(order=squares, prompts=st.integers(1, 4), conditions=st.integers(1, 4), repetitions=st.integers(1, 3))
def test_crossed_cells_stand_equally_often_at_each_place_in_each_repetition(
    order: str, prompts: int, conditions: int, repetitions: int
) -> None:
    protocol = study(prompts, conditions, cells="crossed", order=order, repetitions=repetitions)
    plans, cells = all_plans(protocol), prompts * conditions
    counts = Counter((trial.prompt, trial.condition, trial.position) for plan in plans for trial in plan)
    assert len(counts) == cells * cells * repetitions
    assert set(counts.values()) == {len(plans) // cells}


@given(prompts=st.integers(1, 4), conditions=st.integers(1, 4))
def test_crossed_cells_follow_each_other_equally_often_in_a_williams_order(prompts: int, conditions: int) -> None:
    plans = all_plans(study(prompts, conditions, cells="crossed", order="williams"))
    steps = Counter(((a.prompt, a.condition), (b.prompt, b.condition)) for plan in plans for a, b in pairwise(plan))
    cells = prompts * conditions
    assert len(steps) == cells * (cells - 1)
    assert len(set(steps.values())) <= 1


@given(order=squares, prompts=st.integers(1, 6), conditions=st.integers(1, 6), repetitions=st.integers(1, 3))
def test_assigned_conditions_meet_prompts_and_places_equally_often(
    order: str, prompts: int, conditions: int, repetitions: int
) -> None:
    protocol = study(prompts, conditions, cells="assigned", order=order, repetitions=repetitions)
    plans = all_plans(protocol)
    met = Counter((trial.prompt, trial.condition, trial.position) for plan in plans for trial in plan)
    assert len(met) == prompts * conditions * prompts * repetitions
    assert set(met.values()) == {len(plans) // (prompts * conditions)}


@given(
    size=st.sampled_from(GRAECO_LATIN).flatmap(
        lambda n: st.tuples(st.just(n), st.sampled_from([c for c in range(1, n + 1) if n % c == 0]))
    ),
    repetitions=st.integers(1, 3),
)
def test_graeco_latin_order_balances_prompts_conditions_and_places_jointly(
    size: tuple[int, int], repetitions: int
) -> None:
    prompts, conditions = size
    protocol = study(prompts, conditions, cells="assigned", order="graeco_latin", repetitions=repetitions)
    plans = all_plans(protocol)
    assert len(plans) == prompts
    for first, second, kinds in (
        ("prompt", "condition", prompts * conditions),
        ("prompt", "position", prompts * prompts * repetitions),
        ("condition", "position", conditions * prompts * repetitions),
    ):
        met = Counter((getattr(trial, first), getattr(trial, second)) for plan in plans for trial in plan)
        assert len(met) == kinds
        assert len(set(met.values())) == 1


@given(order=squares, count=st.integers(1, 5), size=st.integers(2, 4), repetitions=st.integers(1, 3))
def test_each_condition_of_a_pair_stands_equally_often_at_each_place(
    order: str, count: int, size: int, repetitions: int
) -> None:
    protocol = study(
        count, size, [pair(index, *range(size)) for index in range(count)], order=order, repetitions=repetitions
    )
    plans = all_plans(protocol)
    met = Counter((trial.prompt, trial.condition, trial.position) for plan in plans for trial in plan)
    assert len(met) == count * size * count * size * repetitions
    assert set(met.values()) == {len(plans) // (count * size)}


@given(order=st.sampled_from(ORDERS), count=st.integers(1, 4), size=st.integers(2, 6))
def test_first_condition_of_a_pair_is_balanced_over_the_arms_of_any_order(order: str, count: int, size: int) -> None:
    plans = all_plans(study(count, size, [pair(index, *range(size)) for index in range(count)], order=order))
    firsts = Counter((trial.pair, trial.condition) for plan in plans for trial in plan[::size])
    assert len(firsts) == count * size
    assert set(firsts.values()) == {len(plans) // size}


@given(
    order=squares,
    by=st.sampled_from([None, "prompt", "condition"]),
    prompts=st.integers(1, 3),
    conditions=st.integers(2, 4),
    repetitions=st.integers(1, 2),
    data=st.data(),
)
def test_first_of_compared_crossed_cells_is_balanced(
    order: str, by: str | None, prompts: int, conditions: int, repetitions: int, data: st.DataObject
) -> None:
    size = data.draw(st.integers(2, conditions))
    pairs = [pair(index, *range(size)) for index in range(prompts)]
    design: dict[str, Any] = {"order": order, "block_by": by, "repetitions": repetitions}
    plans = all_plans(study(prompts, conditions, pairs, cells="crossed", **design))
    firsts: Counter[tuple[int, str]] = Counter()
    for plan in plans:
        seen: set[int] = set()
        for trial in plan:
            if trial.pair is not None and trial.pair not in seen:
                seen.add(trial.pair)
                firsts[trial.pair, trial.condition] += 1
    assert len(firsts) == prompts * size * repetitions
    assert set(firsts.values()) == {len(plans) // size}


def test_pairs_of_crossed_cells_that_overlap_are_balanced_where_they_are_of_two() -> None:
    pairs = [pair(0, 0, 1), pair(0, 1, 2)]
    plans = all_plans(study(2, 3, pairs, cells="crossed", order="latin", repetitions=2))
    for first, second in (("c0", "c1"), ("c1", "c2")):
        orders = Counter(
            next(t.condition for t in plan if t.prompt == "p0" and t.condition in (first, second)) for plan in plans
        )
        assert orders[first] == orders[second]


def test_williams_order_of_crossed_cells_has_no_more_arms_for_pairs_of_two() -> None:
    assert arm_count(study(2, 3, [pair(0, 0, 1)], cells="crossed", order="williams")) == 6
    assert arm_count(study(2, 3, [pair(0, 0, 1, 2)], cells="crossed", order="williams")) == 18
    assert arm_count(study(2, 3, [pair(0, 0, 1)], cells="crossed", order="latin")) == 12


@given(order=squares, block_order=st.sampled_from(ORDERS), cells=st.sampled_from(["crossed", "assigned"]), seed=seeds)
def test_written_blocks_stay_together_in_their_own_order(order: str, block_order: str, cells: str, seed: int) -> None:
    blocks = [{"key": "calm", "prompts": ["p2", "p3"]}, {"key": "tense", "prompts": ["p0", "p1"]}]
    protocol = study(4, 2, cells=cells, order=order, blocks=blocks, block_order=block_order)
    found: Counter[str] = Counter()
    for plan in all_plans(protocol, seed):
        kinds = ["calm" if trial.prompt in ("p2", "p3") else "tense" for trial in plan]
        assert sum(a != b for a, b in pairwise(kinds)) == 1
        found[kinds[0]] += 1
    if block_order == "fixed":
        assert set(found) == {"calm"}
    elif block_order != "random":
        assert found["calm"] == found["tense"]


def test_blocks_of_conditions_keep_engines_apart() -> None:
    blocks = [{"key": "first", "conditions": ["c0", "c2"]}, {"key": "second", "conditions": ["c1", "c3"]}]
    for cells in ("crossed", "assigned"):
        for plan in all_plans(study(4, 4, cells=cells, blocks=blocks, block_order="fixed")):
            kinds = [trial.condition in ("c0", "c2") for trial in plan]
            assert kinds == sorted(kinds, reverse=True)


def test_order_within_blocks_can_be_drawn_while_their_own_is_balanced() -> None:
    protocol = study(3, 2, cells="crossed", order="random", block_by="condition", block_order="latin")
    assert arm_count(protocol) == 2
    assert [analytical(protocol, arm, 5)[0].condition for arm in range(2)] == ["c0", "c1"]
    assert len({tuple(t.prompt for t in analytical(protocol, 0, seed)) for seed in range(20)}) > 1


def test_conditions_in_fixed_blocks_come_as_written_whatever_is_assigned() -> None:
    protocol = study(4, 2, cells="assigned", order="latin", block_by="condition", block_order="fixed")
    for plan in all_plans(protocol):
        assert [trial.condition for trial in plan] == ["c0", "c0", "c1", "c1"]


@given(order=st.sampled_from(ORDERS), by=block_bys, seed=seeds, data=st.data())
def test_what_shares_a_prompt_or_a_condition_stays_together(
    order: str, by: str, seed: int, data: st.DataObject
) -> None:
    cells = data.draw(st.sampled_from(["crossed", "assigned"]))
    protocol = study(4, 3, cells=cells, order=order, block_by=by, repetitions=2)
    plan = analytical(protocol, data.draw(st.integers(0, arm_count(protocol) - 1)), seed)
    keys = [getattr(trial, by) for trial in plan]
    changes = sum(a != b for a, b in pairwise(keys))
    assert changes == len(set(keys)) - 1


@given(order=squares, prompts=st.integers(1, 4), conditions=st.integers(1, 4), by=block_bys)
def test_blocks_and_their_contents_are_each_balanced(order: str, prompts: int, conditions: int, by: str) -> None:
    plans = all_plans(study(prompts, conditions, cells="crossed", order=order, block_by=by))
    met = Counter((trial.prompt, trial.condition, trial.position) for plan in plans for trial in plan)
    assert len(met) == (prompts * conditions) ** 2
    assert set(met.values()) == {len(plans) // (prompts * conditions)}


@given(seed=seeds, prompts=st.integers(2, 3))
def test_random_order_comes_from_the_seed_alone(seed: int, prompts: int) -> None:
    protocol = study(prompts, 4, cells="crossed", order="random")
    assert arm_count(protocol) == 1
    assert analytical(protocol, 0, seed) == analytical(protocol, 0, seed)
    orders = {tuple(trial.condition for trial in analytical(protocol, 0, seed + step)) for step in range(20)}
    assert len(orders) > 1


def test_plan_of_a_seed_never_changes() -> None:
    """Written down once: another release must plan the same."""
    protocol = study(2, 3, [pair(0, 0, 1), pair(1, 0, 1, 2)], practice=1, order="random", repetitions=2, break_every=4)
    plan = plan_trials(protocol, 1, seed=20_261_123)
    found = [
        f"{t.prompt} {t.condition} {'-' if t.pair is None else t.pair}{t.side} {t.block}{t.repetition}" for t in plan
    ]
    assert found == [
        *("q0 c0 - 00", "p1 c2 1B 00", "p1 c0 1A 00", "p1 c1 1C 00", "p0 c1 0B 00", "p0 c0 0A 00"),
        *("p1 c0 3A 11", "p1 c1 3C 11", "p1 c2 3B 11", "p0 c0 2A 11", "p0 c1 2B 11"),
    ]


def test_fixed_order_is_as_written() -> None:
    protocol = study(2, 2, cells="crossed", order="fixed", practice=1)
    assert [(trial.prompt, trial.condition) for trial in plan_trials(protocol, 0, 7)] == [
        *(("q0", "c0"), ("p0", "c0"), ("p0", "c1"), ("p1", "c0"), ("p1", "c1")),
    ]


def test_comparison_of_crossed_cells_is_numbered_by_repetition() -> None:
    protocol = study(1, 3, [pair(0, 0, 2)], cells="crossed", order="fixed", repetitions=2)
    plan = plan_trials(protocol, 0, seed=1)
    assert [(trial.condition, trial.pair) for trial in plan] == [
        *(("c0", 0), ("c1", None), ("c2", 0), ("c0", 1), ("c1", None), ("c2", 1)),
    ]


def test_pair_of_which_a_variant_has_one_half_is_not_compared() -> None:
    half = [{"key": "half", "trials": [{"prompt": "p0", "condition": "c0"}]}]
    plan = plan_trials(study(1, 2, [pair(0, 0, 1)], cells="variants", variants=half), 0, seed=1)
    assert [(trial.pair, trial.side) for trial in plan] == [(None, "")]


def test_group_gets_its_own_condition_in_place_of_the_written_one() -> None:
    groups = [{"key": "low", "replace": {"c1": "s0"}}, {"key": "high", "replace": {"c1": "s1"}}]
    protocol = study(1, 2, [pair(0, 0, 1)], groups=groups, stand_ins=2)
    assert arm_count(protocol) == 4
    found = [(group_of(protocol, arm), [trial.condition for trial in analytical(protocol, arm)]) for arm in range(4)]
    assert found == [
        *(("low", ["c0", "s0"]), ("low", ["s0", "c0"]), ("high", ["c0", "s1"]), ("high", ["s1", "c0"])),
    ]


def test_condition_that_only_stands_in_is_not_crossed() -> None:
    protocol = study(1, 2, cells="crossed", order="fixed", groups=[{"key": "g", "replace": {"c1": "s0"}}], stand_ins=1)
    assert [trial.condition for trial in plan_trials(protocol, 0, 0)] == ["c0", "s0"]


@given(seed=seeds, size=st.integers(2, 6))
def test_each_label_comes_first_in_as_many_pairs_as_any_other(seed: int, size: int) -> None:
    protocol = study(2 * size, size, [pair(index, *range(size)) for index in range(2 * size)], order="fixed")
    plan = plan_trials(protocol, 0, seed)
    assert Counter(trial.side for trial in plan[::size]) == dict.fromkeys("ABCDEF"[:size], 2)


@pytest.mark.parametrize(
    ("prompts", "conditions", "design", "why"),
    [
        (2, 2, {"cells": "assigned"}, "no Graeco-Latin square of 2"),
        (6, 3, {"cells": "assigned"}, "no Graeco-Latin square of 6"),
        (10, 5, {"cells": "assigned"}, "square of 10 is not supported"),
        (4, 3, {"cells": "assigned"}, "4 prompts cannot be spread evenly over 3 conditions"),
        (3, 3, {"cells": "assigned", "block_by": "prompt"}, "leave out block_by"),
        (3, 3, {"cells": "crossed"}, "belongs to cells: assigned"),
    ],
)
def test_square_that_cannot_be_says_why(prompts: int, conditions: int, design: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        arm_count(study(prompts, conditions, order="graeco_latin", **design))


def test_arms_stay_countable_where_every_combination_would_be_too_many() -> None:
    pairs = [pair(index, *range(5)) for index in range(3 * 71)]
    protocol = study(len(pairs), 5, pairs, order="williams")
    arms = arm_count(protocol)
    assert arms == 2 * len(pairs) * 5  # of 426 * 10 combinations, once round together
    firsts = Counter(plan_trials(protocol, arm, 0)[0].condition for arm in range(0, arms, 71))
    assert sum(firsts.values()) == arms // 71
