"""What an answer is, as it is kept, and what a column of it in an export is. Each type says which of these its own
answers are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Answer = bool | int | float | str | Sequence[str | Mapping[str, str]] | Mapping[str, str | float] | None
"""None means that there is no answer, or that it was taken back."""
Score = float | Mapping[str, float | None] | None
"""What an answer counts for: a number, or a number for each row."""


TEXTS: Final = ('=1+1 <b>noted</b>, "quoted"', "-5 and Ünïcödé, 漢字", "@home; two\nlines", "nothing, really")
LINES: Final = TEXTS[:2]


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
