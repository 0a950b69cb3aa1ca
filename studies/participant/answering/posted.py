"""Finds an item's answer among the fields of a form."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from studies.questions.conditions import OTHER
from studies.questions.registry import AnyItem
from studies.questions.types.multiple_choice import MultipleChoice
from studies.questions.types.playback import Playback
from studies.questions.types.semantic_differential import SemanticDifferential
from studies.questions.types.single_choice import SingleChoice
from studies.questions.types.visual_analogue import VisualAnalogue


def posted(item: AnyItem, data: QueryDict) -> Any:
    """What a form says to an item, not checked yet; None where it says nothing."""
    key = item.key
    match item:
        case SingleChoice():
            chosen, words = data.get(key), data.get(f"{key}.{OTHER}", "")
            own = item.other is not None and (chosen == OTHER or (not chosen and words.strip()))
            return {OTHER: words} if own else chosen
        case MultipleChoice():
            listed: list[Any] = [value for value in data.getlist(key) if value != OTHER]
            words = data.get(f"{key}.{OTHER}", "")
            if item.other is not None and (OTHER in data.getlist(key) or words.strip()):
                listed.append({OTHER: words})
            return listed
        case VisualAnalogue():
            return data.get(f"{key}.extra") or data.get(key)
        case SemanticDifferential():
            rows = {row.key: data.get(f"{key}.{row.key}") for row in item.rows}
            return {row: value for row, value in rows.items() if value}
        case Playback():
            return {"plays": data.get(f"{key}.plays") or 0, "listened_sec": data.get(f"{key}.listened_sec") or 0}
        case _:
            return data.get(key)
