"""Bots answer as participants may: whatever they make up is taken by the server's own check."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from studies.exports.columns import as_cell
from studies.questions.registry import AnyItem
from studies.simulation.answering import answer
from tests.studies.questions.expecting import cells_of

OPTIONS = [{"key": "a", "label": "A"}, {"key": "b", "label": "B"}, {"key": "c", "label": "C"}]
ROW: dict[str, Any] = {"key": "r", "low": "-", "high": "+"}
ITEMS: list[dict[str, Any]] = [
    {"type": "single_choice", "key": "one", "text": "?", "options": OPTIONS, "other": "Else"},
    {"type": "single_choice", "key": "check", "text": "?", "options": OPTIONS, "expect": "b"},
    {"type": "multiple_choice", "key": "some", "text": "?", "options": OPTIONS, "min_choices": 2, "max_choices": 2},
    {"type": "likert", "key": "scale", "text": "?", "low": "-", "high": "+", "extra": OPTIONS},
    {"type": "visual_analogue", "key": "line", "text": "?", "low": "-", "high": "+"},
    {"type": "semantic_differential", "key": "poles", "text": "?", "rows": [{"key": "r", "low": "-", "high": "+"}]},
    {"type": "self_assessment_manikin", "key": "felt", "text": "?", "dimension": "arousal", "points": 5},
    {"type": "number", "key": "age", "text": "?", "min": 18, "max": 99.5, "whole": True},
    {"type": "number", "key": "weight", "text": "?"},
    {"type": "short_text", "key": "word", "text": "?", "max_length": 9},
    {"type": "long_text", "key": "words", "text": "?", "required": False},
    {"type": "switch", "key": "yes", "text": "?"},
    {"type": "date", "key": "day", "text": "?", "min": "2026-02-27", "max": "2026-03-01"},
    {"type": "preference", "key": "better", "text": "?"},
    {"type": "playback", "key": "hear", "text": "?"},
    {"type": "likert", "key": "turned", "text": "?", "low": "-", "high": "+", "reverse": True},
    {"type": "visual_analogue", "key": "away", "text": "?", "low": "-", "high": "+", "extra": OPTIONS, "reverse": True},
    {"type": "self_assessment_manikin", "key": "tired", "text": "?", "dimension": "dominance", "reverse": True},
    {"type": "semantic_differential", "key": "turns", "text": "?", "rows": [{**ROW, "reverse": True}]},
]
ADAPTER: TypeAdapter[Any] = TypeAdapter(AnyItem)


@pytest.mark.parametrize("document", ITEMS, ids=lambda document: document["key"])
@given(seed=st.integers(0, 10_000))
def test_answer_of_a_bot_is_taken_as_it_was_given(document: dict[str, Any], seed: int) -> None:
    item: AnyItem = ADAPTER.validate_python(document)
    value = answer(item, random.Random(seed), sides="AB")
    assert item.checked(json.loads(json.dumps(value)), sides="AB") == value


@pytest.mark.parametrize("document", ITEMS, ids=lambda document: document["key"])
@given(seed=st.integers(0, 10_000))
def test_cells_of_an_answer_are_what_the_item_says(document: dict[str, Any], seed: int) -> None:
    item: AnyItem = ADAPTER.validate_python(document)
    for value in (item.simulate(random.Random(seed), sides="AB"), None):
        cells = {f"answer_{item.key}{column.suffix}": as_cell(column.value(value)) for column in item.columns()}
        assert cells == cells_of(item, value)


def test_attention_check_is_passed() -> None:
    item = ADAPTER.validate_python(ITEMS[1])
    assert {answer(item, random.Random(seed)) for seed in range(30)} == {"b"}
