"""Items that would make the same column of the exports."""

from __future__ import annotations

from typing import Any

import pytest

from studies.protocol.reading.document import parse
from studies.protocol.rules.columns import check_versions
from tests.studies.protocol.documents import asking, paired
from tests.studies.protocol.rules.studies import item, page, problems

ROWS = [{"key": "kind", "low": "L", "high": "H", "reverse": True}, {"key": "kind_score", "low": "L", "high": "H"}]
OPTIONS = [{"key": "b_c", "label": "B"}, {"key": "d", "label": "D"}]
EXTRA = [{"key": "skip", "label": "Skip"}]


def told(column: str, one: str, other: str, at: int = 0) -> str:
    """What is said where the second item makes the column of the one before it."""
    return (
        f"questionnaires[2].items[{at + 1}].key: {other!r} makes the column {column} of sessions.csv, as does {one!r}, "
        f"at questionnaires[2].items[{at}].key; choose another key"
    )


@pytest.mark.parametrize(
    ("one", "other", "column"),
    [
        (item("likert", "warm", reverse=True), item("short_text", "warm_score"), "answer_warm_score"),
        (item("likert", "warm", extra=EXTRA), item("short_text", "warm_score"), "answer_warm_score"),
        (item("visual_analogue", "warm", reverse=True), item("number", "warm_score"), "answer_warm_score"),
        (
            item("self_assessment_manikin", "joy", dimension="valence", reverse=True),
            item("switch", "joy_score"),
            "answer_joy_score",
        ),
        (
            item("multiple_choice", "a", options=OPTIONS),
            item("multiple_choice", "a_b", options=[{"key": "c", "label": "C"}]),
            "answer_a_b_c",
        ),
        (item("semantic_differential", "a", rows=ROWS[:1]), item("long_text", "a_kind"), "answer_a_kind"),
        (item("single_choice", "x", other="Other"), item("long_text", "x_other"), "answer_x_other"),
        (item("multiple_choice", "x", other="Other"), item("long_text", "x_other"), "answer_x_other"),
    ],
)
def test_both_names_are_told(one: dict[str, Any], other: dict[str, Any], column: str) -> None:
    assert problems(asking(one, other)) == [told(column, one["key"], other["key"])]
    assert problems(asking(other, one)) == [told(column, other["key"], one["key"])]


def test_one_item_may_not_make_a_column_twice() -> None:
    assert problems(asking(item("semantic_differential", "a", rows=ROWS))) == [
        "questionnaires[2].items[0].key: makes the column answer_a_kind_score twice; choose other keys for its rows or "
        "options"
    ]


def test_verdict_and_its_parts() -> None:
    document = paired()
    document["questionnaires"].append(
        page("after_pair", item("preference", "best"), item("preference", "best_chosen"), key="verdicts")
    )
    (found,) = problems(document)
    assert found.endswith(
        "'best_chosen' makes the column judgement_best_chosen of trials.csv, as does 'best', at "
        f"questionnaires[{len(document['questionnaires']) - 1}].items[0].key; choose another key"
    )


def test_items_of_different_tables_do_not_meet() -> None:
    document = asking(item("likert", "warm", reverse=True))
    document["questionnaires"][0]["items"].append(item("short_text", "warm_score"))
    assert document["questionnaires"][0]["at"] == "after_trial"
    parse(document)


def test_version_is_held_against_those_before_it() -> None:
    first, second = parse(asking(item("likert", "warm", reverse=True))), parse(asking(item("number", "warm_score")))
    assert [str(problem) for problem in check_versions(second, {3: first})] == [
        "questionnaires[2].items[0].key: 'warm_score' makes the column answer_warm_score of sessions.csv, as does "
        "'warm' of version 3; choose another key"
    ]
    assert list(check_versions(first, {3: first})) == []
