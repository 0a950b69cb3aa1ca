"""Columns of tables, and how their values are written into CSV cells. Every column is defined once, together with its
meaning, and the codebook is generated from these definitions."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Generic, Literal, TypeVar

Cell = str | int | float | bool | datetime | None
ColumnType = Literal["text", "integer", "number", "boolean", "timestamp"]
Row = TypeVar("Row")

UTC: Final = "ISO 8601, UTC"  # unit of a timestamp


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column. `value` returns the cell of a row; None is written as an empty cell."""

    name: str
    type: ColumnType
    meaning: str
    value: Callable[[Row], Cell]
    unit: str = ""


def told_apart(columns: Iterable[Column[Row]]) -> list[Column[Row]]:
    """The same columns, each with a name of its own: of several with one name, the second ends in _2. Studies that are
    published today have none such; older ones may."""
    named: dict[str, Column[Row]] = {}
    for column in columns:
        name, number = column.name, 1
        while name in named:
            number += 1
            name = f"{column.name}_{number}"
        named[name] = replace(column, name=name)
    return list(named.values())


FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Spreadsheets treat a text that starts with one of these as a formula, and may run it."""


def as_cell(value: object) -> str:
    """Returns a value as the text of a CSV cell.

    None becomes an empty text, truth values become true and false, times are given in UTC with a Z, and numbers in full
    precision. Texts that a spreadsheet would run as a formula are guarded."""
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
    """Puts an apostrophe before a text that a spreadsheet would treat as a formula.

    A text that has apostrophes of its own before a formula gets one too, so that removing one always restores the
    text."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA_STARTS) else text


def as_lines(rows: Iterable[Sequence[object]]) -> str:
    """Returns rows as CSV lines (RFC 4180: commas, double quotes, CRLF)."""
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows([as_cell(value) for value in row] for row in rows)
    return lines.getvalue()
