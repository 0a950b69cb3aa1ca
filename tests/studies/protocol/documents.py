"""Small valid documents to change in tests."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

PAIRED: dict[str, Any] = {
    "version": 1,
    "kind": "paired",
    "title": "Voices",
    "summary": "Two talks, one judgement.",
    "welcome": "Hello.",
    "consent": {
        "text": "We record you.",
        "purposes": [
            {"key": "participate", "label": "I take part."},
            {"key": "record", "label": "Record me."},
            {"key": "convert", "label": "Change my voice."},
        ],
    },
    "prompts": [{"key": "weekend", "title": "Weekend", "card": "Talk about it.", "limit_sec": 30}],
    "conditions": [
        {"key": "own", "label": "Own", "engine": "cascade", "voices": [{"preset": "natural"}]},
        {"key": "higher", "label": "Higher", "engine": "cascade", "voices": [{"preset": "higher"}]},
    ],
    "pairs": [{"prompt": "weekend", "conditions": ["own", "higher"]}],
    "ratings": [
        {"type": "likert", "key": "helpful", "text": "Helpful?", "low": "No", "high": "Yes"},
        {"type": "text", "key": "remark", "text": "Remarks?"},
    ],
    "comparison": [{"key": "prefer", "text": "Which one?"}],
    "debrief": "Thank you.",
}

EXPLORE: dict[str, Any] = {
    **{key: PAIRED[key] for key in ("version", "title", "summary", "welcome", "debrief", "prompts")},
    "kind": "explore",
    "consent": {
        "text": "We record you.",
        "purposes": [
            {"key": "participate", "label": "I take part."},
            {"key": "record", "label": "Record me."},
            {"key": "convert", "label": "Change my voice.", "required": False},
        ],
    },
    "offer": {
        "engines": [{"engine": "cascade"}],
        "voices": [
            {"key": "own", "label": "Own", "voices": [{"preset": "natural"}]},
            {"key": "higher", "label": "Higher", "voices": [{"preset": "higher"}]},
        ],
    },
}


def paired(**changes: Any) -> dict[str, Any]:
    """A paired study of one pair, with top-level values replaced."""
    return deepcopy({**PAIRED, **changes})


def explore(**changes: Any) -> dict[str, Any]:
    """An explore study of one engine and two voices, with top-level values replaced."""
    return deepcopy({**EXPLORE, **changes})


def paired_with(pairs: int) -> dict[str, Any]:
    """A paired study of so many pairs, each with a prompt of its own."""
    prompts = [{"key": f"p{index}", "title": f"Prompt {index}", "card": "Talk."} for index in range(pairs)]
    listed = [{"prompt": prompt["key"], "conditions": ["own", "higher"]} for prompt in prompts]
    return paired(prompts=prompts, pairs=listed)
