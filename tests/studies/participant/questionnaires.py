"""A study that asks everything there is to ask."""

from __future__ import annotations

from typing import Any

from tests.studies.protocol.documents import paired

OPTIONS = [{"key": "tea", "label": "Tea"}, {"key": "coffee", "label": "Coffee"}, {"key": "milk", "label": "Milk"}]
SKIP = [{"key": "skip", "label": "Prefer not to answer"}]

EVERY_ITEM: list[dict[str, Any]] = [
    {"type": "notice", "key": "welcome-note", "text": "There are **no wrong** answers."},
    {"type": "single_choice", "key": "drink", "text": "Which one?", "options": OPTIONS, "other": "Another, please say"},
    {
        "type": "multiple_choice",
        "key": "drinks",
        "text": "Which ones?",
        "options": OPTIONS,
        "other": "Others, please say",
        "min_choices": 1,
        "max_choices": 2,
    },
    {"type": "likert", "key": "warm", "text": "How warm?", "low": "Cold", "high": "Warm", "extra": SKIP},
    {"type": "visual_analogue", "key": "near", "text": "How near?", "low": "Far", "high": "Near", "extra": SKIP},
    {
        "type": "semantic_differential",
        "key": "tone",
        "text": "It was …",
        "points": 5,
        "rows": [
            {"key": "kind", "low": "Unkind", "high": "Kind"},
            {"key": "slow", "low": "Fast", "high": "Slow", "reverse": True},
        ],
    },
    {"type": "self_assessment_manikin", "key": "mood", "text": "How do you feel?", "dimension": "valence"},
    {"type": "self_assessment_manikin", "key": "calm", "text": "How calm?", "dimension": "arousal", "points": 5},
    {"type": "self_assessment_manikin", "key": "power", "text": "In control?", "dimension": "dominance", "points": 5},
    {
        "type": "number",
        "key": "age",
        "text": "How old are you?",
        "min": 18,
        "max": 120,
        "whole": True,
        "unit": "years",
        "note": "In full years.",
    },
    {"type": "short_text", "key": "town", "text": "Where do you live?", "max_length": 40, "required": False},
    {"type": "long_text", "key": "story", "text": "Tell us more.", "max_length": 200, "required": False},
    {"type": "switch", "key": "smokes", "text": "Do you smoke?"},
    {
        "type": "number",
        "key": "cigarettes",
        "text": "How many a day?",
        "min": 1,
        "show_if": {"all": [{"item": "smokes", "equals": True}]},
    },
    {"type": "date", "key": "day", "text": "Since when?", "min": "2000-01-01", "max": "2030-12-31"},
]

EVERY_ANSWER: dict[str, Any] = {
    "drink": {"other": "Water"},
    "drinks": ["coffee", {"other": "Juice"}],
    "warm": 5,
    "near": 72.5,
    "tone": {"kind": 4, "slow": 1},
    "mood": 7,
    "calm": 2,
    "power": 3,
    "age": 34,
    "town": "Uppsala",
    "story": "One line\nand another.",
    "smokes": True,
    "cigarettes": 2.5,
    "day": "2026-03-01",
}

EVERY_FIELD: dict[str, Any] = {
    "drink": "other",
    "drink.other": "Water",
    "drinks": ["coffee", "other"],
    "drinks.other": "Juice",
    "warm": "5",
    "near": "72.5",
    "tone.kind": "4",
    "tone.slow": "1",
    "mood": "7",
    "calm": "2",
    "power": "3",
    "age": "34",
    "town": "Uppsala",
    "story": "One line\nand another.",
    "smokes": "true",
    "cigarettes": "2.5",
    "day": "2026-03-01",
}
"""The same as it stands in the fields of the page."""


def asking(*items: dict[str, Any], at: str = "eligibility", key: str = "asked", **fields: Any) -> dict[str, Any]:
    """The smallest paired study with this questionnaire, by default the first page of the visit. It takes the place of
    those that the study has at the same moment."""
    document = paired()
    own = {"key": key, "at": at, "items": list(items), **fields}
    others = [each for each in document["questionnaires"] if each["at"] != at]
    return {**document, "questionnaires": [own, *others]}
