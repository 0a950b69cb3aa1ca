from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.design.minimisation import Measure, drawn, imbalances, nested_probabilities, probabilities

counts = st.dictionaries(st.integers(0, 3), st.integers(0, 20), max_size=4)
measures: st.SearchStrategy[Measure] = st.sampled_from(["range", "variance"])


def test_imbalance_is_that_of_the_worked_example() -> None:
    """Three factors, two arms: the newcomer's level is held by 3 and 1, 5 and 6, 4 and 4 people. With the newcomer in
    the first arm the ranges are 3, 0 and 1; in the second 1, 2 and 1."""
    alike = [{0: 3, 1: 1}, {0: 5, 1: 6}, {0: 4, 1: 4}]
    assert imbalances([0, 1], alike) == {0: 4, 1: 4}
    assert imbalances([0, 1], alike, "variance") == {0: Fraction(10, 4), 1: Fraction(6, 4)}
    assert probabilities([0, 1], alike, 0.8) == {0: 0.5, 1: 0.5}
    assert probabilities([0, 1], alike, 0.8, "variance") == pytest.approx({0: 0.2, 1: 0.8})


def test_others_share_what_the_best_leave() -> None:
    assert probabilities([0, 1, 2], [{0: 2, 1: 1, 2: 1}], 0.8) == pytest.approx({0: 0.2, 1: 0.4, 2: 0.4})


def test_best_arms_never_have_less_than_their_part() -> None:
    chances = probabilities(list(range(10)), [{0: 1}], 0.8)
    assert chances == pytest.approx({0: 0.1} | dict.fromkeys(range(1, 10), 0.1))


def test_groups_are_made_alike_before_their_rows() -> None:
    """Row 0 of the first group holds a person; all other rows of both groups are as empty."""
    chances = nested_probabilities([[0, 1, 2], [3, 4, 5]], [{0: 1}], 0.8)
    assert chances == pytest.approx({0: 0.04, 1: 0.08, 2: 0.08} | dict.fromkeys((3, 4, 5), 0.8 / 3))


def test_one_group_alone_is_minimised_by_its_rows() -> None:
    assert nested_probabilities([[4, 5]], [{4: 1}], 0.8) == pytest.approx(probabilities([4, 5], [{4: 1}], 0.8))


def test_first_person_gets_any_arm_as_likely() -> None:
    assert probabilities([3, 5], [{}, {}], 0.9) == {3: 0.5, 5: 0.5}


def test_no_arm_raises() -> None:
    with pytest.raises(ValueError, match="no arm"):
        probabilities([], [], 0.8)


@given(alike=st.lists(counts, max_size=4), probability=st.floats(0.5, 1), measure=measures)
def test_better_arms_are_at_least_as_likely(alike: list[dict[int, int]], probability: float, measure: Measure) -> None:
    chances = probabilities([0, 1, 2, 3], alike, probability, measure)
    unlike = imbalances([0, 1, 2, 3], alike, measure)
    assert sum(chances.values()) == pytest.approx(1)
    best = [arm for arm in chances if unlike[arm] == min(unlike.values())]
    assert min(chances[arm] for arm in best) >= max(chances.values()) - 1e-9
    assert sum(chances[arm] for arm in best) >= probability - 1e-9


@given(seed=st.integers(0, 2**48))
def test_drawn_arm_follows_the_seed(seed: int) -> None:
    chances = {0: 0.2, 1: 0.8}
    assert drawn(chances, random.Random(seed)) == drawn(chances, random.Random(seed))
    assert drawn({0: 0.0, 1: 1.0}, random.Random(seed)) == 1


def test_arms_are_drawn_as_often_as_likely() -> None:
    draw = random.Random(7)
    found = Counter(drawn({0: 0.2, 1: 0.8}, draw) for _ in range(5_000))
    assert 850 < found[0] < 1_150


def test_many_newcomers_are_spread_more_evenly_than_by_chance() -> None:
    """400 people of two factors of two levels: minimisation leaves each level within a few of even."""
    draw = random.Random(3)
    held: list[tuple[int, tuple[int, int]]] = []
    for _ in range(400):
        levels = draw.randrange(2), draw.randrange(2)
        alike = [Counter(arm for arm, others in held if others[i] == levels[i]) for i in range(2)]
        held.append((drawn(probabilities([0, 1], alike, 0.8, "variance"), draw), levels))
    for factor in range(2):
        for level in range(2):
            arms = Counter(arm for arm, levels in held if levels[factor] == level)
            assert abs(arms[0] - arms[1]) <= 8
