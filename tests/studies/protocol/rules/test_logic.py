"""Conditions on answers that cannot hold."""

from __future__ import annotations

from typing import Any

import pytest

from studies.protocol.reading.document import parse
from tests.studies.protocol.documents import asking, paired
from tests.studies.protocol.rules.studies import item, page, problems, when


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"item": "gendre", "equals": "a"}, "item: there is no item called 'gendre'; did you mean gender?"),
        ({"item": "gender"}, None),
        ({"item": "gender", "equals": "a", "answered": True}, None),
        ({"item": "gender", "equals": "c"}, "equals: is 'c', which gender cannot be; expected 'a' or 'b'"),
        ({"item": "gender", "one_of": ["a", 1]}, "one_of[1]: is 1, which gender cannot be; expected 'a' or 'b'"),
        ({"item": "gender", "one_of": []}, "one_of: is empty; list at least one answer"),
        ({"item": "gender", "at_least": 1}, "at_least: asks for a number, which gender cannot be; expected 'a' or 'b'"),
        ({"item": "gender.a", "equals": "a"}, "item: gender has no rows; write gender alone"),
        ({"item": "words", "equals": 3}, "equals: is 3, which words cannot be; expected text"),
        ({"item": "age", "equals": 3.5}, "equals: is 3.5, which age cannot be; expected a whole number from 18 to 99"),
        ({"item": "age", "at_least": 100}, "at_least: is 100, which age never reaches; expected a whole number"),
        ({"item": "age", "at_least": 50, "at_most": 40}, "at_most: is 40, below at_least, 50"),
        ({"item": "adult", "equals": 1}, "equals: is 1, which adult cannot be; expected true or false"),
        ({"item": "born", "equals": "2026-02-30"}, "equals: is '2026-02-30', which born cannot be; expected a day"),
        (
            {"item": "manner", "equals": 1},
            "item: manner has an answer for each row; name one of them, such as manner.warm",
        ),
        ({"item": "manner.wram", "equals": 1}, "item: manner has no row 'wram'; did you mean warm?"),
        (
            {"item": "manner.warm", "equals": 8},
            "equals: is 8, which manner.warm cannot be; expected a whole number from 1",
        ),
        ({"item": "hello", "answered": True}, "item: hello is a notice, which has no answer"),
        ({"item": "later", "answered": True}, "item: later is asked later; refer to an earlier one"),
        ({"item": "helpful", "equals": 3}, "item: helpful is asked of each talk, and here it is not clear which talk"),
    ],
)
def test_rule_that_cannot_hold(rule: dict[str, Any], problem: str | None) -> None:
    if problem is None:
        problem = (
            "contains no test of gender; add one of"
            if len(rule) == 1
            else "has equals and answered; keep one of them here"
        )
        problem = f" {problem}"
    document = with_items(rule)
    found = problems(document)
    assert len(found) == 1
    place = "questionnaires[3].items[0].show_if.all[0]"
    assert found[0].removeprefix(place).lstrip(".:").startswith(problem)
    assert found[0].startswith(place)


@pytest.mark.parametrize(
    "rule",
    [
        {"item": "gender", "none_of": ["b"]},
        {"item": "words", "equals": "anything"},
        {"item": "age", "at_least": 20, "at_most": 30},
        {"item": "adult", "equals": True},
        {"item": "born", "equals": "2000-01-01"},
        {"item": "manner.warm", "at_least": 5},
        {"item": "manner", "answered": False},
    ],
)
def test_rule_that_can_hold(rule: dict[str, Any]) -> None:
    assert parse(with_items(rule))


def with_items(rule: dict[str, Any]) -> dict[str, Any]:
    """A study whose last page but one has an item shown by `rule`, with items of all types before it."""
    document = paired()
    rows = [{"key": "warm", "low": "Cold", "high": "Warm"}]
    document["questionnaires"] += [
        page(
            "background",
            item("single_choice", "gender"),
            item("short_text", "words"),
            item("number", "age", min=18, max=99, whole=True),
            item("switch", "adult"),
            item("date", "born"),
            item("semantic_differential", "manner", rows=rows),
            {"type": "notice", "key": "hello", "text": "Hello."},
        ),
        page("end", item("switch", "shown", show_if={"all": [rule]}), item("switch", "later"), key="end"),
    ]
    return document


def test_condition_without_rules() -> None:
    assert problems(asking(item("switch", show_if={}))) == [
        "questionnaires[2].items[0].show_if: has no rules; add some under all or any, or leave it out"
    ]
    assert problems(paired(screen_out=[{"when": {}}]))[0].startswith("screen_out[0].when: has no rules")
    assert parse(paired(quotas=[{"key": "all", "max": 5}]))


def test_item_shown_by_its_own_answer() -> None:
    document = asking(item("switch", show_if=when(item="x", equals=True)))
    (found,) = problems(document)
    assert found.endswith("x is the item itself; refer to an earlier one")


def test_people_are_screened_out_at_eligibility_alone() -> None:
    document = asking(item("switch", "adult"), screen_out=[{"when": when(item="adult", equals=False)}])
    assert problems(document) == [
        "screen_out[0].when.all[0].item: adult is asked at background; people are screened out only by "
        "answers given at eligibility"
    ]
    assert parse(
        asking(item("switch", "adult"), at="eligibility", screen_out=[{"when": when(item="adult", equals=False)}])
    )


ASKED = [
    item("single_choice", "gender", other="Other"),
    item("multiple_choice", "plays"),
    item("number", "age", min=18, max=99, whole=True),
    item("number", "height"),
    item("switch", "adult"),
    item("short_text", "words"),
]


@pytest.mark.parametrize(
    ("rules", "fits"),
    [
        ([{"item": "gender", "equals": "a"}, {"item": "gender", "equals": "b"}], False),
        ([{"item": "gender", "one_of": ["a", "b"]}, {"item": "gender", "none_of": ["b"]}], True),
        ([{"item": "gender", "none_of": ["a", "b"]}, {"item": "gender", "none_of": ["other"]}], True),  # no answer
        (
            [{"item": "gender", "none_of": ["a", "b", "other"]}, {"item": "gender", "answered": True}],
            False,
        ),
        ([{"item": "plays", "equals": "a"}, {"item": "plays", "equals": "b"}], True),  # both may be chosen
        ([{"item": "age", "at_least": 30}, {"item": "age", "at_most": 20}], False),
        ([{"item": "age", "at_least": 30}, {"item": "age", "none_of": [30]}], True),
        ([{"item": "age", "at_least": 30}, {"item": "age", "at_most": 30}, {"item": "age", "none_of": [30]}], False),
        ([{"item": "height", "at_least": 1.5}, {"item": "height", "at_most": 1.6}], True),
        ([{"item": "height", "at_least": 1.5}, {"item": "height", "none_of": [1.5]}], True),
        ([{"item": "adult", "equals": True}, {"item": "adult", "equals": False}], False),
        ([{"item": "adult", "answered": False}, {"item": "adult", "equals": False}], False),
        ([{"item": "words", "none_of": ["x"]}, {"item": "words", "answered": True}], True),
        ([{"item": "words", "equals": "x"}, {"item": "words", "equals": "y"}], False),
        ([{"item": "age", "at_least": 30}, {"item": "gender", "equals": "a"}], True),
    ],
)
def test_rules_that_no_answer_fits_at_once(rules: list[dict[str, Any]], fits: bool) -> None:
    shown = item("switch", "shown", show_if={"all": rules})
    document = paired(questionnaires=[page("background", *ASKED, shown)])
    if fits:
        assert parse(document)
    else:
        assert problems(document) == [
            f"questionnaires[0].items[6].show_if.all: can never be true: no answer to {rules[0]['item']} satisfies "
            "all of its rules"
        ]
