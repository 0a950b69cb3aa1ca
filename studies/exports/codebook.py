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
    "A text that begins with = + - @, a tab or a line end, also behind apostrophes, has one apostrophe put before it, "
    "so that no spreadsheet runs it as a formula. It is not part of the text.",
    "Sessions that were withdrawn keep their plan and, unless the study says otherwise, nothing of what was said.",
    "An answer that is not there has its reason in answers_missing; answers.csv has all that was ever said.",
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
