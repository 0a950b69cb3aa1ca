"""What is asked, in which order, what is hidden, and what counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from studies.design.questions import asked, visible
from studies.protocol.questionnaires import Insertion, Questionnaire
from studies.protocol.schema import Protocol
from studies.questions.conditions import When, is_true
from studies.questions.registry import AnyItem
from studies.questions.types.multiple_choice import MultipleChoice
from studies.questions.types.notice import Notice
from studies.questions.types.single_choice import SingleChoice

ITEM: TypeAdapter[AnyItem] = TypeAdapter(AnyItem)


def item(kind: str, key: str = "one", **fields: Any) -> AnyItem:
    return ITEM.validate_python({"type": kind, "key": key, "text": "Say", **fields})


def likert(key: str = "one", **fields: Any) -> AnyItem:
    return item("likert", key, low="Low", high="High", **fields)


def if_answer(key: str, **rule: Any) -> dict[str, Any]:
    return {"show_if": {"all": [{"item": key, **rule}]}}


def protocol(*prompts: dict[str, Any]) -> Protocol:
    listed = prompts or ({"key": "salary", "title": "A raise"},)
    document = {
        "version": 2,
        "kind": "planned",
        "title": "T",
        "summary": "S",
        "welcome": "W",
        "debrief": "D",
        "consent": {"text": "C", "purposes": [{"key": "record", "label": "R"}]},
        "prompts": list(listed),
    }
    return Protocol.model_validate(document)


CASES = json.loads((Path(__file__).parents[2] / "data" / "conditions.json").read_text())
"""Conditions, answers, and what comes of them; tests/js/conditions.test.js holds the browser to the same."""


@pytest.mark.parametrize("case", CASES["is_true"], ids=str)
def test_condition_holds_as_its_description_says(case: dict[str, Any]) -> None:
    assert is_true(When.model_validate(case["when"]), case["answers"]) is case["expected"]


def test_no_condition_always_holds() -> None:
    assert is_true(None, {}) is True


@pytest.mark.parametrize("case", CASES["visible"], ids=str)
def test_answers_hide_what_depends_on_them(case: dict[str, Any]) -> None:
    conditions = {key: {"show_if": when} for key, when in case["conditions"].items()}
    page = [item("switch", key, **conditions.get(key, {})) for key in case["items"]]
    assert [each.key for each in visible(page, case["answers"])] == case["expected"]


def test_items_that_depend_on_each_other_in_a_circle_end() -> None:
    page = [item("switch", "a", **if_answer("b", equals=True)), item("switch", "b", **if_answer("a", equals=True))]
    assert isinstance(visible(page, {}), list)


def test_items_and_insertions_of_other_prompts_are_left_out() -> None:
    questionnaire = Questionnaire(
        key="rating",
        at="after_trial",
        items=[likert("a"), likert("b", prompts=["salary"]), likert("c")],
        insertions=[
            Insertion(insert_after="a", prompts=["salary", "trip"], items=[likert("x"), likert("y", prompts=["trip"])]),
            Insertion(insert_after="b", prompts=["trip"], items=[likert("z")]),
        ],
    )
    keys = {
        prompt: [each.key for each in asked(questionnaire, protocol(), prompt, 1)]
        for prompt in ("salary", "trip", None)
    }
    assert keys == {"salary": ["a", "x", "b", "c"], "trip": ["a", "x", "y", "z", "c"], None: ["a", "c"]}


def test_scenarios_are_the_analytical_prompts_by_title() -> None:
    study = protocol(
        {"key": "warm-up", "title": "Warm up", "study_role": "practice"},
        {"key": "salary", "title": "A raise"},
        {"key": "trip", "title": "A trip"},
    )
    page = Questionnaire(key="end", at="end", items=[item("multiple_choice", options="scenarios")])
    (shown,) = asked(page, study, None, 1)
    assert isinstance(shown, MultipleChoice)
    assert shown.options != "scenarios"
    assert [(option.key, option.label) for option in shown.options] == [("salary", "A raise"), ("trip", "A trip")]


@st.composite
def questionnaires(draw: st.DrawFn) -> Questionnaire:
    """Of up to eight items, some of them notices, some depending on an earlier one, some with insertions."""
    items: list[AnyItem] = []
    for index in range(draw(st.integers(1, 8))):
        key = f"item-{index}"
        if draw(st.integers(0, 3)) == 0:
            items.append(item("notice", key))
            continue
        asked_before = [each.key for each in items if not isinstance(each, Notice)]
        lead = draw(st.sampled_from([None, *asked_before]))
        items.append(item("switch", key, **(if_answer(lead, equals=True) if lead else {})))
    insertions = [
        Insertion(insert_after=each.key, prompts=["salary"], items=[item("switch", f"{each.key}-more")])
        for each in items
        if draw(st.booleans())
    ]
    return Questionnaire(key="page", at="after_trial", random_order=True, items=items, insertions=insertions)


@given(questionnaires(), st.integers(0, 2**48 - 1))
def test_random_order_asks_everything_once_and_keeps_what_belongs_together(page: Questionnaire, seed: int) -> None:
    shown = asked(page, protocol(), "salary", seed, "questions:page:0")
    keys = [each.key for each in shown]
    assert sorted(keys) == sorted(each.key for each in page.all_items())
    assert shown == asked(page, protocol(), "salary", seed, "questions:page:0")
    notices = [each.key for each in page.items if isinstance(each, Notice)]
    assert [key for key in keys if key in notices] == notices
    for insertion in page.insertions:
        assert keys[keys.index(insertion.insert_after) + 1] == insertion.items[0].key
    for each in shown:
        for rule in each.show_if.all if each.show_if else ():
            assert keys.index(rule.item) < keys.index(each.key)


@given(st.integers(0, 2**48 - 1))
def test_fixed_order_is_that_of_the_document(seed: int) -> None:
    page = Questionnaire(key="page", at="end", items=[likert("a"), likert("b"), likert("c")])
    assert [each.key for each in asked(page, protocol(), None, seed)] == ["a", "b", "c"]


def test_random_orders_differ_between_participants_and_between_pages() -> None:
    page = Questionnaire(key="page", at="after_trial", random_order=True, items=[likert(f"i{n}") for n in range(6)])
    by_seed = {tuple(each.key for each in asked(page, protocol(), None, seed, "0")) for seed in range(20)}
    by_page = {tuple(each.key for each in asked(page, protocol(), None, 7, str(place))) for place in range(20)}
    assert (len(by_seed) > 10, len(by_page) > 10) == (True, True)


def test_random_order_of_items_gives_each_first_place_equally_often() -> None:
    page = Questionnaire(key="page", at="end", random_order=True, items=[likert("a"), likert("b"), likert("c")])
    first = [asked(page, protocol(), None, seed)[0].key for seed in range(3_000)]
    assert all(850 < first.count(key) < 1_150 for key in "abc")  # 1,000 each; six standard errors


@given(st.integers(0, 2**48 - 1))
def test_random_order_of_options_keeps_all_of_them(seed: int) -> None:
    options = [{"key": key, "label": key.upper()} for key in "abcd"]
    page = Questionnaire(key="end", at="end", items=[item("single_choice", options=options, random_order=True)])
    (shown,) = asked(page, protocol(), None, seed)
    assert isinstance(shown, SingleChoice)
    assert shown.options != "scenarios"
    assert sorted(option.key for option in shown.options) == list("abcd")
    assert (shown,) == tuple(asked(page, protocol(), None, seed))


@given(st.integers(2, 11), st.data())
def test_reversing_a_score_twice_gives_the_answer(points: int, data: st.DataObject) -> None:
    value = data.draw(st.integers(1, points))
    once = likert(points=points, reverse=True).score(value)
    assert isinstance(once, int)
    assert 1 <= once <= points
    assert likert(points=points, reverse=True).score(once) == value
    assert likert(points=points).score(value) == value


def test_scores_of_each_kind_of_scale() -> None:
    rows = [{"key": "warm", "low": "Cold", "high": "Warm"}, {"key": "slow", "low": "A", "high": "B", "reverse": True}]
    assert [
        item("visual_analogue", low="L", high="H", reverse=True).score(30.5),
        item("self_assessment_manikin", dimension="valence", points=9, reverse=True).score(2),
        item("semantic_differential", rows=rows).score({"warm": 2, "slow": 2}),
        item("semantic_differential", rows=rows).score(None),
        likert(extra=[{"key": "none", "label": "No answer"}], reverse=True).score("none"),
        item("long_text").score("words"),
    ] == [69.5, 8, {"warm": 2, "slow": 6}, {"warm": None, "slow": None}, None, None]


def test_attention_check_fails_by_a_wrong_answer_alone() -> None:
    check = likert(expect=3)
    assert [check.fails(value) for value in (3, 4, None)] == [False, True, False]
    assert [item("switch", expect=False).fails(value) for value in (False, True)] == [False, True]
    assert likert().fails(4) is False
