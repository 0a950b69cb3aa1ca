"""What a column of a table is, and how its values are written into CSV cells. Every column stands once, with its
meaning, and the codebook follows."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Literal, TypeVar

Cell = str | int | float | bool | datetime | None
ColumnType = Literal["text", "integer", "number", "boolean", "timestamp"]
Row = TypeVar("Row")

UTC: Final = "ISO 8601, UTC"  # unit of a timestamp


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column. `value` gives None where there is nothing, which is an empty cell."""

    name: str
    type: ColumnType
    meaning: str
    value: Callable[[Row], Cell]
    unit: str = ""


FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A spreadsheet takes a text that starts so for a formula and may run it."""


def as_cell(value: object) -> str:
    """None → empty; times in UTC with a Z; true and false; texts made harmless; numbers in full precision."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case int() | float():
            return repr(value)
        case _:
            return guard_formula(str(value).replace("\x00", ""))


def guard_formula(text: str) -> str:
    """An apostrophe before what a spreadsheet would take for a formula, and before such a text with apostrophes of its
    own, so that one can always be taken away again."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA_STARTS) else text


def as_lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV lines (RFC 4180: comma, double quotes, CRLF)."""
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows([as_cell(value) for value in row] for row in rows)
    return lines.getvalue()
