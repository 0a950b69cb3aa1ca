"""People that cannot be spread so."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from studies.protocol.reading.document import parse
from tests.studies.protocol.documents import paired
from tests.studies.protocol.rules.studies import condition, item, page, problems, when

GENDER = page("background", item("single_choice", "gender"), item("short_text", "words"))
GROUPS: list[dict[str, Any]] = [
    {"key": "first", "for_answers": ["a"], "replace": {"higher": "lower"}},
    {"key": "second", "for_answers": ["b"]},
]


def spread(allocation: dict[str, Any], **changes: Any) -> dict[str, Any]:
    conditions = [condition("own"), condition("higher"), condition("lower")]
    return paired(**{"conditions": conditions, "questionnaires": [GENDER], "allocation": allocation, **changes})


def test_groups_by_an_answer_are_right() -> None:
    assert parse(spread({"by": "gender", "groups": deepcopy(GROUPS), "strata": ["gender"]})).allocation.by == "gender"


@pytest.mark.parametrize(
    ("allocation", "problem"),
    [
        ({"by": "gendre", "groups": GROUPS}, "allocation.by: there is no item called 'gendre'; did you mean gender?"),
        (
            {"by": "words", "groups": GROUPS},
            "allocation.by: words is short_text; expected an item with at most 12 answers",
        ),
        (
            {"groups": GROUPS},
            "allocation.groups[0].for_answers: has answers, but no item they belong to; add allocation.by",
        ),
        (
            {"by": "gender", "groups": [{**GROUPS[0], "for_answers": ["c"]}, GROUPS[1]]},
            "allocation.groups[0].for_answers[0]: is 'c', which gender cannot be; expected 'a' or 'b'",
        ),
        (
            {"by": "gender", "groups": [GROUPS[0], {"key": "second", "for_answers": ["a"]}]},
            "allocation.groups[1].for_answers[0]: 'a' leads to first already; an answer leads to one group",
        ),
        (
            {"by": "gender", "groups": [{"key": "first", "replace": {"higher": "lower"}}, {"key": "second"}]},
            "allocation.groups: no group has for_answers: state which answers to gender lead to which",
        ),
        (
            {"groups": [{"key": "first", "replace": {"higher": "lower", "own": "lower"}}, {"key": "second"}]},
            "allocation.groups[0].replace: puts lower into pairs[0] twice, where different conditions are meant to be",
        ),
        (
            {"groups": [{"key": "first", "replace": {"higher": "lower", "hihger": "own"}}]},
            "allocation.groups[0].replace.hihger: there is no condition called 'hihger'; did you mean higher?",
        ),
        (
            {"method": "minimisation", "groups": [{**GROUPS[0], "for_answers": []}]},
            "allocation.strata: is empty; minimisation",
        ),
        (
            {"method": "random", "strata": ["gender"], "groups": [{**GROUPS[0], "for_answers": []}]},
            "allocation.strata: is not used by method random",
        ),
        (
            {"probability": 0.7, "groups": [{**GROUPS[0], "for_answers": []}]},
            "allocation.probability: belongs to method minimisation, not blocks; leave it out",
        ),
    ],
)
def test_people_that_cannot_be_spread_so(allocation: dict[str, Any], problem: str) -> None:
    assert problems(spread(deepcopy(allocation)))[0].startswith(problem)


@pytest.mark.parametrize("name", ["allocation", "quotas"])
def test_people_cannot_be_spread_by_what_is_asked_later(name: str) -> None:
    late = page("end", item("single_choice", "gender"))
    quotas = [{"key": "women", "max": 5, "when": when(item="gender", equals="a")}]
    changes = {"quotas": quotas} if name == "quotas" else {"allocation": {"strata": ["gender"]}}
    (found,) = problems(paired(questionnaires=[late], **changes))
    assert found.endswith("gender is asked at end; participants are assigned to orders before their first conversation")
