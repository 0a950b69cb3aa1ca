from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.design.arms import MAX_STRATUM_CHARACTERS, arm_count, arms_for, block_of_arms, group_and_digits, group_of
from studies.protocol.schema import Protocol
from tests.studies.design.studies import pair, studies, study

GROUPS: list[dict[str, Any]] = [
    {"key": "lower", "for_answers": ["woman"], "replace": {"c1": "s0"}},
    {"key": "higher", "for_answers": ["man", "boy"], "replace": {"c1": "s1"}},
]


def by_gender(**changes: Any) -> Protocol:
    protocol = study(2, 2, [pair(0, 0, 1), pair(1, 0, 1)], groups=GROUPS, stand_ins=2)
    allocation = protocol.allocation.model_copy(update={"by": "gender", **changes})
    return protocol.model_copy(update={"allocation": allocation})


@given(protocol=studies(), block=st.integers(0, 50))
def test_block_holds_every_arm_once(protocol: Protocol, block: int) -> None:
    arms = range(arm_count(protocol))
    order = block_of_arms(protocol, arms, block, "key")
    assert sorted(order) == list(arms)
    assert order == block_of_arms(protocol, arms, block, "key")


@given(protocol=studies(), block=st.integers(0, 50))
def test_every_beginning_of_a_block_is_even_over_groups(protocol: Protocol, block: int) -> None:
    order = block_of_arms(protocol, range(arm_count(protocol)), block, "key")
    groups = [group_of(protocol, arm) for arm in order]
    size = max(1, len(protocol.allocation.groups))
    for start in range(0, len(groups), size):
        assert len(set(groups[start : start + size])) == size


@given(protocol=studies(), block=st.integers(0, 50), data=st.data())
def test_every_beginning_of_a_block_is_about_even_over_each_digit(
    protocol: Protocol, block: int, data: st.DataObject
) -> None:
    arms = range(arm_count(protocol) // max(1, len(protocol.allocation.groups)))
    order = block_of_arms(protocol, arms, block, "key")
    end = data.draw(st.integers(1, len(order)))
    for values in zip(*(group_and_digits(protocol, arm)[1] for arm in order[:end]), strict=True):
        counts = Counter(values)
        assert max(counts.values()) <= end / len(set(values)) + 3


def test_blocks_differ_and_repeat_for_the_same_key() -> None:
    protocol = study(6, 1, cells="crossed")
    blocks = [block_of_arms(protocol, range(6), block, "key") for block in range(20)]
    assert blocks == [block_of_arms(protocol, range(6), block, "key") for block in range(20)]
    assert len(set(blocks)) > 10
    assert {block[0] for block in blocks} == set(range(6))


@pytest.mark.parametrize(
    ("answer", "stratum", "arms"),
    [
        ("woman", "group=lower", [0, 1, 2, 3]),
        ("man", "group=higher", [4, 5, 6, 7]),
        ("boy", "group=higher", [4, 5, 6, 7]),
        ("neither", "group=any", [0, 1, 2, 3, 4, 5, 6, 7]),
        ({"other": "a river"}, "group=any", [0, 1, 2, 3, 4, 5, 6, 7]),
        (None, "group=any", [0, 1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_answer_leads_to_its_group_and_any_other_to_all(answer: Any, stratum: str, arms: list[int]) -> None:
    assert arms_for(by_gender(), {"gender": answer}) == (stratum, arms)


def test_stratum_says_the_answers_in_the_order_of_the_protocol() -> None:
    protocol = by_gender(strata=["gender", "age", "plays", "scale"])
    answers = {"age": "18-25", "gender": "woman", "plays": True, "scale": 3}
    assert arms_for(protocol, answers)[0] == "gender=woman;age=18-25;plays=yes;scale=3;group=lower"
    assert arms_for(protocol, {"gender": {"other": "me"}})[0] == "gender=other;age=none;plays=none;scale=none;group=any"


def test_stratum_that_would_be_too_long_is_hashed_and_still_tells_apart() -> None:
    protocol = by_gender(strata=[f"item{index}" for index in range(20)], by=None)
    first, second = (
        arms_for(protocol, {f"item{index}": "x" * 20 for index in range(19)} | {"item19": last})[0]
        for last in ("this", "that")
    )
    assert len(first) == len(second) == MAX_STRATUM_CHARACTERS
    assert first != second
    assert first.startswith("item0=xxxx")


def test_study_without_strata_has_one() -> None:
    assert arms_for(study(1, 2, [pair(0, 0, 1)]), {"gender": "woman"}) == ("", [0, 1])


def test_arm_that_does_not_exist_has_no_group() -> None:
    with pytest.raises(ValueError, match="arm 8 of a study with 8 arms"):
        group_of(by_gender(), 8)


@given(protocol=studies())
def test_arms_of_every_group_have_the_same_rows(protocol: Protocol) -> None:
    rows = {
        group: [
            group_and_digits(protocol, arm)[1] for arm in range(arm_count(protocol)) if group_of(protocol, arm) == group
        ]
        for group in {group_of(protocol, arm) for arm in range(arm_count(protocol))}
    }
    first = next(iter(rows.values()))
    assert len(set(first)) == len(first)
    assert all(found == first for found in rows.values())
