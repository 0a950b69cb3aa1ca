"""The codebook: what every column means, made from the columns themselves."""

from __future__ import annotations

from typing import Protocol

from studies.exports.cells import as_lines
from studies.exports.tables import TABLES
from studies.models import Study

HEADER = ("table", "name", "type", "unit", "meaning")
CONVENTIONS = (
    "UTF-8, commas between, text in double quotes where needed. An empty cell: there is no value.",
    "Times are ISO 8601 in UTC. Truth values are true and false.",
    "A text that a spreadsheet would run as a formula starts with an apostrophe, which is not part of it.",
    "Sessions that were withdrawn keep their plan and, unless the study says otherwise, nothing of what was said.",
    "Answers that were taken back, or hidden by another answer, are empty here; answers.csv has all that was said.",
    "Nobody's identity at a recruitment service is in any table.",
)


class Writable(Protocol):
    def write(self, text: str, /) -> object: ...


def codebook_rows(study: Study) -> list[tuple[str, str, str, str, str]]:
    """(table, name, type, unit, meaning) of every column, in the order of the tables."""
    return [
        (table.name, column.name, column.type, column.unit, column.meaning)
        for table in TABLES.values()
        for column in table.columns(study)
    ]


def write_codebook(target: Writable, study: Study) -> None:
    target.write(as_lines([HEADER, *codebook_rows(study)]))
