"""What a column of a table is. Every column stands once, with its meaning, and the codebook follows."""

from __future__ import annotations

from collections.abc import Callable
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
