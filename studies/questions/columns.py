"""What a column of an answer is. The exports name it, and take it into their tables and into the codebook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from studies.questions.answer import Answer

AnswerCell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class AnswerColumn:
    """One column: `suffix` follows the name of the question, `meaning` names the levels, and `value` gives None where
    there is no answer."""

    suffix: str
    type: Literal["text", "integer", "number", "boolean"]
    meaning: str
    value: Callable[[Answer], AnswerCell]
    unit: str = ""


def plain(value: object) -> AnswerCell:
    """A single value as it is; None for lists and rows."""
    return value if isinstance(value, str | int | float | bool) else None
