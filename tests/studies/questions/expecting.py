"""What the cells of an export must hold for an answer. It is worked out from the answer and the item alone, apart from
the code of the product, so that a mistake there is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studies.exports.columns import as_cell
from studies.questions.conditions import OTHER
from studies.questions.options import ChoiceOption
from studies.questions.registry import AnyItem
from studies.questions.types.likert import Likert
from studies.questions.types.multiple_choice import MultipleChoice
from studies.questions.types.playback import Playback
from studies.questions.types.self_assessment_manikin import SelfAssessmentManikin
from studies.questions.types.semantic_differential import SemanticDifferential
from studies.questions.types.single_choice import SingleChoice
from studies.questions.types.visual_analogue import VisualAnalogue


def cells_of(item: AnyItem, value: Any) -> dict[str, str]:
    """Column -> cell, of all columns that an item has; value None: all empty."""
    name = f"answer_{item.key}"
    match item:
        case SingleChoice():
            own = isinstance(value, Mapping)
            words = {f"{name}_{OTHER}": value[OTHER] if own else None} if item.other is not None else {}
            cells: dict[str, Any] = {name: OTHER if own else value, **words}
        case MultipleChoice():
            chosen = [part for part in value or [] if isinstance(part, str)]
            cells = {f"{name}_{key}": (key in chosen) if value else None for key in _options(item)}
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


def _score(value: Any, both_ends: int, reverse: bool) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return both_ends - value if reverse else value


def _options(item: MultipleChoice) -> list[str]:
    return [option.key for option in item.options if isinstance(option, ChoiceOption)]
