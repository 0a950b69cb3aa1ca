"""Small studies to put one thing wrong into, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from studies.errors import ProtocolError
from studies.protocol.reading.document import parse
from tests.studies.protocol.documents import paired


def problems(document: dict[str, Any]) -> list[str]:
    with pytest.raises(ProtocolError) as caught:
        parse(document)
    return [str(problem) for problem in caught.value.problems]


def prompt(key: str, **changes: Any) -> dict[str, Any]:
    return {"key": key, "title": key, "card": "Talk.", **changes}


def condition(key: str, **changes: Any) -> dict[str, Any]:
    return {"key": key, "label": key, "engine": "cascade", **changes}


def crossed(prompts: int, conditions: int, **changes: Any) -> dict[str, Any]:
    """A study without pairs, of prompts p0, p1, ... and conditions c0, c1, ..."""
    return paired(
        **{
            "prompts": [prompt(f"p{index}") for index in range(prompts)],
            "conditions": [condition(f"c{index}") for index in range(conditions)],
            "pairs": [],
            "design": {"cells": "crossed"},
            "questionnaires": [],
            **changes,
        }
    )


def item(kind: str, key: str = "x", **fields: Any) -> dict[str, Any]:
    ends = {"low": "No", "high": "Yes"} if kind in ("likert", "visual_analogue") else {}
    options = {"options": [{"key": "a", "label": "A"}, {"key": "b", "label": "B"}]} if "choice" in kind else {}
    return {"type": kind, "key": key, "text": "Well?", **ends, **options, **fields}


def page(at: str, *items: dict[str, Any], key: str = "page", **fields: Any) -> dict[str, Any]:
    return {"key": key, "at": at, "items": list(items), **fields}


def when(**rule: Any) -> dict[str, Any]:
    return {"all": [rule]}
