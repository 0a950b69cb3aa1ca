"""Small valid documents to change in tests."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

PAIRED: dict[str, Any] = {
    "version": 2,
    "kind": "planned",
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
    "questionnaires": [
        {
            "key": "rating",
            "at": "after_trial",
            "items": [
                {"type": "likert", "key": "helpful", "text": "Helpful?", "low": "No", "high": "Yes"},
                {"type": "long_text", "key": "remark", "text": "Remarks?", "required": False},
            ],
        },
        {
            "key": "verdict",
            "at": "after_pair",
            "items": [{"type": "preference", "key": "prefer", "text": "Which one?"}],
        },
    ],
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


def version_1(document: dict[str, Any] = PAIRED, **changes: Any) -> dict[str, Any]:
    """The same study as the first version of the schema said it."""
    old = deepcopy({**document, "version": 1})
    if old.pop("questionnaires", None) is not None:
        old["kind"] = "paired"
        old["ratings"] = [
            {"type": "likert", "key": "helpful", "text": "Helpful?", "low": "No", "high": "Yes"},
            {"type": "text", "key": "remark", "text": "Remarks?"},
        ]
        old["comparison"] = [{"key": "prefer", "text": "Which one?"}]
    return {**old, **changes}


def asking(*items: dict[str, Any], at: str = "background", **changes: Any) -> dict[str, Any]:
    """A planned study that also asks these items, on one page."""
    document = paired(**changes)
    document["questionnaires"].append({"key": "more", "at": at, "items": list(items)})
    return document
