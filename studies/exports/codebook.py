"""The codebook: what every column means, made from the columns themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from studies.exports.cells import as_lines
from studies.exports.columns import Column

HEADER = ("name", "type", "unit", "meaning")
CONVENTIONS = (
    "UTF-8, commas between, text in double quotes where needed. An empty cell: there is no value.",
    "Times are ISO 8601 in UTC. Truth values are true and false.",
    "A text that a spreadsheet would run as a formula starts with an apostrophe, which is not part of it.",
    "Sessions that were withdrawn keep their plan and nothing of what was said, rated or judged.",
)


class Writable(Protocol):
    def write(self, text: str, /) -> object: ...


def codebook_rows(columns: Iterable[Column]) -> list[tuple[str, str, str, str]]:
    """(name, type, unit, meaning) of every column, in the order of the table."""
    return [(column.name, column.type, column.unit, column.meaning) for column in columns]


def write_codebook(target: Writable, columns: Iterable[Column]) -> None:
    target.write(as_lines([HEADER, *codebook_rows(columns)]))
