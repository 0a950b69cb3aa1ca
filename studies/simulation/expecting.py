"""What the cells of an export must hold for an answer. Made from the answer and the item alone, not from the export's
own code, or a mistake there would not be seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from studies.design.questions import OTHER
from studies.exports.cells import as_cell
from studies.protocol.items import (
    AnyItem,
    ChoiceOption,
    Likert,
    MultipleChoice,
    Playback,
    SelfAssessmentManikin,
    SemanticDifferential,
    SingleChoice,
    VisualAnalogue,
)
from studies.protocol.schema import Protocol


def cells_of(item: AnyItem, value: Any, protocol: Protocol) -> dict[str, str]:
    """Column -> cell, of all columns that an item has; value None: all empty."""
    name = f"answer_{item.key}"
    match item:
        case SingleChoice():
            own = isinstance(value, Mapping)
            words = {f"{name}_{OTHER}": value[OTHER] if own else None} if item.other is not None else {}
            cells: dict[str, Any] = {name: OTHER if own else value, **words}
        case MultipleChoice():
            chosen = [part for part in value or [] if isinstance(part, str)]
            cells = {f"{name}_{key}": (key in chosen) if value else None for key in _options(item, protocol)}
            if item.other is not None:
                cells[f"{name}_{OTHER}"] = next(
                    (part[OTHER] for part in value or [] if isinstance(part, Mapping)), None
                )
        case Likert():
            cells = {name: value}
            if item.reverse or item.extra:
                cells[f"{name}_score"] = _score(value, item.points + 1, item.reverse)
        case VisualAnalogue():
            cells = {name: value}
            if item.reverse or item.extra:
                cells[f"{name}_score"] = _score(value, 100, item.reverse)
        case SelfAssessmentManikin():
            cells = {name: value}
            if item.reverse:
                cells[f"{name}_score"] = _score(value, item.points + 1, True)
        case SemanticDifferential():
            given = value or {}
            cells = {f"{name}_{row.key}": given.get(row.key) for row in item.rows}
            for row in item.rows:
                if row.reverse:
                    cells[f"{name}_{row.key}_score"] = _score(given.get(row.key), item.points + 1, True)
        case Playback():
            cells = {f"{name}_{part}": (value or {}).get(part) for part in ("plays", "listened_sec")}
        case _:
            cells = {name: value}
    return {column: as_cell(cell) for column, cell in cells.items()}


def long_cell(value: Any) -> str:
    """The one cell of an answer in answers.csv."""
    return as_cell(
        json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, Mapping | list) else value
    )


def _score(value: Any, both_ends: int, reverse: bool) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return both_ends - value if reverse else value


def _options(item: MultipleChoice, protocol: Protocol) -> list[str]:
    if item.options == "scenarios":
        return [prompt.key for prompt in protocol.prompts if prompt.study_role == "analytical"]
    return [option.key for option in item.options if isinstance(option, ChoiceOption)]
