from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import example, given

from studies.design.arms import arm_count
from studies.design.balance import PLAYED, Table, balance
from studies.design.plan import plan_trials
from studies.protocol.reading.document import parse
from studies.protocol.schema import Protocol
from tests.studies.design.studies import pair, studies, study
from tests.studies.protocol.documents import explore


def tables(protocol: Protocol) -> dict[str, Table]:
    return {table.title: table for table in balance(protocol)}


def test_tables_of_two_pairs() -> None:
    found = tables(study(2, 2, [pair(0, 0, 1), pair(1, 0, 1)]))
    assert list(found) == [
        "Arms",
        "Conditions and prompts",
        "Conditions at each position",
        "Prompts at each position",
        "Which condition follows which",
        "Which condition of a pair comes first",
        "Blind labels",
    ]
    assert found["Arms"].counts == ((4, 4),)
    positions = found["Conditions at each position"]
    assert (positions.rows, positions.columns) == (("c0", "c1"), ("1", "2", "3", "4"))
    assert positions.counts == ((2, 2, 2, 2), (2, 2, 2, 2))
    assert positions.note == "Each condition appears twice at each position."
    assert found["Which condition follows which"].counts == ((2, 4), (4, 2))


def test_graeco_latin_tables_are_all_ones() -> None:
    found = tables(study(4, 4, cells="assigned", order="graeco_latin"))
    for title in ("Conditions and prompts", "Conditions at each position", "Prompts at each position"):
        assert found[title].counts == ((1, 1, 1, 1),) * 4
    assert found["Conditions and prompts"].note == "Each condition meets each prompt once."


def test_groups_have_tables_of_their_own() -> None:
    groups = [{"key": "low", "replace": {"c1": "s0"}}, {"key": "high", "replace": {"c1": "s1"}}]
    found = tables(study(1, 2, [pair(0, 0, 1)], groups=groups, stand_ins=2))
    assert found["Arms"].rows == ("low", "high")
    assert found["Conditions and prompts, group low"].rows == ("c0", "s0")
    assert found["Conditions and prompts, group high"].rows == ("c0", "s1")


def test_table_of_arms_says_which_answers_lead_where() -> None:
    low = {"key": "low", "for_answers": ["man", True], "replace": {"c1": "s0"}}
    groups: list[dict[str, Any]] = [low, {"key": "rest"}]
    protocol = study(1, 2, [pair(0, 0, 1)], groups=groups, stand_ins=1)
    allocation = protocol.allocation.model_copy(update={"by": "gender"})
    assert tables(protocol.model_copy(update={"allocation": allocation}))["Arms"].note == (
        "In every block of participants of one stratum, each arm is assigned once. Of gender, man, yes to low; "
        "any other answer, or none, is distributed over low, rest."
    )


def test_uneven_variants_are_named() -> None:
    variants = [
        {"key": "a", "trials": [{"prompt": "p0", "condition": "c0"}, {"prompt": "p1", "condition": "c1"}]},
        {"key": "b", "trials": [{"prompt": "p0", "condition": "c0"}, {"prompt": "p1", "condition": "c0"}]},
    ]
    found = tables(study(2, 2, cells="variants", variants=variants))
    assert found["Conditions at each position"].counts == ((2, 1), (0, 1))
    assert found["Conditions at each position"].note == (
        "Not every condition appears equally often at each position: c0 1 to 2 times; c1 0 to 1 times."
    )
    assert found["Conditions and prompts"].note == (
        "Conditions do not meet prompts equally often: c0 1 to 2 times; c1 once. "
        "Not every condition meets every prompt."
    )


def test_random_order_is_said_to_be_played_through() -> None:
    note = tables(study(3, 2, cells="crossed", order="random"))["Conditions at each position"].note
    assert note.startswith("The order is drawn for each participant; simulated with 240 of them.")


def test_labels_that_are_drawn_are_about_even() -> None:
    note = tables(study(2, 2, [pair(0, 0, 1), pair(1, 0, 1)]))["Blind labels"].note
    assert "Each condition appears about equally often under each label" in note


def test_unequal_neighbours_are_said_to_be_so() -> None:
    note = tables(study(3, 2, cells="crossed", order="latin", block_by="prompt"))["Which condition follows which"].note
    assert note.startswith("Each condition follows every other one ")
    note = tables(study(1, 3, cells="crossed", order="latin"))["Which condition follows which"].note
    assert note == "Not every condition follows every other one equally often, but 0 to 2 times."


def test_explore_study_has_no_tables() -> None:
    assert balance(parse(explore())) == []


ONE_RANDOM_BLOCK = study(
    2, 2, cells="assigned", order="williams", blocks=[{"key": "b0", "prompts": ["p0", "p1"]}], block_order="random"
)
TWO_RANDOM_BLOCKS = study(
    2,
    2,
    cells="assigned",
    order="williams",
    blocks=[{"key": "b0", "prompts": ["p0"]}, {"key": "b1", "prompts": ["p1"]}],
    block_order="random",
)


@given(protocol=studies())
@example(protocol=ONE_RANDOM_BLOCK)
@example(protocol=TWO_RANDOM_BLOCKS)
@example(protocol=study(1, 2, cells="assigned", order="random"))
@example(protocol=study(2, 2, cells="assigned", order="random"))
def test_tables_count_every_talk_of_every_arm(protocol: Protocol) -> None:
    found = balance(protocol)
    assert all(len(table.counts) == len(table.rows) for table in found)
    assert all(len(row) == len(table.columns) for table in found for row in table.counts)
    talks = Counter(
        (trial.condition, trial.prompt)
        for arm in range(arm_count(protocol))
        for trial in plan_trials(protocol, arm, 0)
        if not trial.practice
    )
    counted: Counter[tuple[str, str]] = Counter()
    for table in found:
        if table.title.startswith("Conditions and prompts"):
            for row, counts in zip(table.rows, table.counts, strict=True):
                counted.update({(row, column): count for column, count in zip(table.columns, counts, strict=True)})
    drawn = order_is_drawn(protocol)
    times = -(-PLAYED // arm_count(protocol)) if drawn else 1
    assert +counted == Counter({cell: count * times for cell, count in talks.items()})
    note = next((table.note for table in found if table.title.startswith("Conditions at each position")), "")
    assert note.startswith("The order is drawn for each participant") == drawn


def order_is_drawn(protocol: Protocol) -> bool:
    """Whether people in the same arm have their talks in different orders."""
    orders = {
        tuple((trial.prompt, trial.condition, trial.pair) for trial in plan_trials(protocol, 0, seed))
        for seed in range(40)
    }
    return len(orders) > 1


def test_random_order_of_a_single_block_is_not_said_to_be_drawn() -> None:
    note = tables(ONE_RANDOM_BLOCK)["Conditions at each position"].note
    assert note == "Each condition appears twice at each position."
