"""Keys that stand twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.studies.protocol.documents import asking, paired
from tests.studies.protocol.rules.studies import item, problems, prompt


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"prompts": [prompt("weekend"), prompt("weekend")]},
            "prompts[1].key: 'weekend' already exists, at prompts[0].key",
        ),
        ({"quotas": [{"key": "a", "max": 1}, {"key": "a", "max": 2}]}, "quotas[1].key: 'a' already exists"),
        (
            {"pairs": [{"prompt": "weekend", "conditions": ["own", "higher", "own"]}]},
            "pairs[0].conditions[2]: 'own' already exists, at pairs[0].conditions[0]; it must be unique",
        ),
        (
            {"prompts": [prompt("weekend", sections=[{"kind": "goal", "text": "a"}, {"kind": "goal", "text": "b"}])]},
            "prompts[0].sections[1].kind: 'goal' already exists",
        ),
        (
            {"prompts": [prompt("weekend", analysis={"critical_units": [{"key": "a", "label": "A"}] * 2})]},
            "prompts[0].analysis.critical_units[1].key: 'a' already exists",
        ),
    ],
)
def test_key_that_stands_twice(changes: dict[str, Any], problem: str) -> None:
    (found,) = problems(paired(**changes))
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        (item("single_choice", options=[{"key": "a", "label": "A"}] * 2), "options[1].key"),
        (item("likert", extra=[{"key": "a", "label": "A"}] * 2), "extra[1].key"),
        (item("semantic_differential", rows=[{"key": "a", "low": "L", "high": "H"}] * 2), "rows[1].key"),
    ],
)
def test_option_or_row_that_stands_twice(asked: dict[str, Any], path: str) -> None:
    (found,) = problems(asking(asked))
    assert found.startswith(f"questionnaires[2].items[0].{path}: 'a' already exists")


def test_item_of_an_insertion_that_stands_elsewhere_too() -> None:
    document = paired()
    inserted = {"insert_after": "helpful", "prompts": ["weekend"], "items": [item("switch", "prefer")]}
    document["questionnaires"][0]["insertions"] = [inserted]
    assert problems(document) == [
        "questionnaires[1].items[0].key: 'prefer' already exists, at "
        "questionnaires[0].insertions[0].items[0].key; it must be unique"
    ]
