"""The tables of a study by their names, with their columns and rows, and the codebook, which is generated from the
columns and says what each of them means."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Protocol

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, QuerySet

from studies.exports import rows, session_columns, trial_columns
from studies.exports.answer_table import ANSWER_COLUMNS, answer_rows
from studies.exports.columns import Column, as_lines
from studies.exports.rows import UNASKED
from studies.models import AccessLog, Answer, Export, Judgement, Session, Study

COMMAND_LINE: Final = "command line"
BYTE_ORDER_MARK: Final = "\ufeff"  # without it Excel reads UTF-8 as the computer's old encoding


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a table at this moment: the number of its rows, and its rows in blocks, which are read lazily."""

    count: int
    blocks: Iterator[list[Any]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that can be exported. `about` says what one row is."""

    name: str
    about: str
    columns: Callable[[Study], list[Column[Any]]]
    content: Callable[[Study], Content]


def stream(study: Study, table: Table, researcher: User, *, excel: bool = False) -> AsyncIterator[bytes]:
    """Logs the export, then returns the table in pieces of UTF-8.

    Rows that are added while it runs are left out, so that the logged number of rows is right. The iterator is
    asynchronous because an ASGI server would collect a synchronous one completely before it sends the first byte."""
    return _encode(_lines(study, table, researcher, excel=excel))


def write(study: Study, table: Table, write_text: Callable[[str], object], *, excel: bool = False) -> None:
    """Logs an export from the command line, and passes the table to `write_text` in pieces."""
    for lines in _lines(study, table, None, excel=excel):
        write_text(lines)


def _lines(study: Study, table: Table, researcher: User | None, *, excel: bool) -> Iterator[str]:
    columns = table.columns(study)
    content = table.content(study)
    reader = researcher.get_username() if researcher is not None else COMMAND_LINE
    with transaction.atomic():
        Export.objects.create(study=study, made_by=researcher, kind=table.name, rows=content.count)
        AccessLog.objects.create(reader=reader, action="export", target=f"{study.slug}/{table.name}.csv")
    return chain([BYTE_ORDER_MARK] if excel else [], _written(columns, content))


def _written(columns: list[Column[Any]], content: Content) -> Iterator[str]:
    yield as_lines([[column.name for column in columns]])
    for block in content.blocks:
        yield as_lines([column.value(row) for column in columns] for row in block)


async def _encode(lines: Iterator[str]) -> AsyncIterator[bytes]:
    def next_lines() -> str | None:
        return next(lines, None)

    while (piece := await sync_to_async(next_lines)()) is not None:
        yield piece.encode()


def _trials(study: Study) -> Content:
    trials = rows.trials_of(study)
    trials = trials.filter(pk__lte=_newest(trials))
    return Content(trials.count(), rows.blocks_of(trials))


def _sessions(study: Study) -> Content:
    sessions = rows.sessions_of(study)
    sessions = sessions.filter(pk__lte=_newest(sessions))
    return Content(sessions.count(), rows.session_blocks(sessions))


def _answers(study: Study) -> Content:
    sessions = rows.sessions_of(study)
    erased = [
        row.session.pk
        for block in rows.session_blocks(sessions.filter(state=Session.State.WITHDRAWN))
        for row in block
        if rows.is_erased(row.session)
    ]
    told = sessions.exclude(pk__in=erased)
    answers = Answer.objects.filter(session__in=told).exclude(item__in=UNASKED, questionnaire="")
    verdicts = Judgement.objects.filter(session__in=told)
    newest = (_newest(answers), _newest(verdicts))
    count = answers.filter(pk__lte=newest[0]).count() + verdicts.filter(pk__lte=newest[1]).count()
    return Content(count, _answer_blocks(told, *newest))


def _answer_blocks(sessions: QuerySet[Session], newest_answer: int, newest_verdict: int) -> Iterator[list[Any]]:
    for block in rows.session_blocks(sessions):
        yield [each for row in block for each in answer_rows(row.until(newest_answer, newest_verdict))]


def _newest(of: QuerySet[Any]) -> int:
    return of.order_by().aggregate(newest=Max("pk"))["newest"] or 0


TABLES: Final = {
    table.name: table
    for table in (
        Table(
            "trials",
            "One row per trial: what was planned, how the conversation went, what was answered and measured.",
            trial_columns.columns_of,
            _trials,
        ),
        Table(
            "sessions",
            "One row per session, of every mode: how it went, consents, device check, and questions asked once.",
            session_columns.columns_of,
            _sessions,
        ),
        Table(
            "answers",
            "One row per revision of an answer, whatever it is about.",
            lambda _study: list(ANSWER_COLUMNS),
            _answers,
        ),
    )
}


HEADER = ("table", "name", "type", "unit", "meaning")
CONVENTIONS = (
    "UTF-8, separated by commas, text in double quotes where needed. An empty cell means that there is no value.",
    "Times are ISO 8601 in UTC. Truth values are true and false.",
    "A text that begins with = + - @, a tab or a line end, also behind apostrophes, has one apostrophe put before it, "
    "so that no spreadsheet runs it as a formula. It is not part of the text.",
    "Sessions that were withdrawn keep their plan and, unless the study says otherwise, nothing of what was said.",
    "The reason for a missing answer is in answers_missing; answers.csv contains every answer ever given.",
    "No table contains an ID of a recruitment service.",
)


class Writable(Protocol):
    def write(self, text: str, /) -> object: ...


def codebook_rows(study: Study) -> list[tuple[str, str, str, str, str]]:
    """Returns (table, name, type, unit, meaning) of every column, in the order of the tables."""
    return [
        (table.name, column.name, column.type, column.unit, column.meaning)
        for table in TABLES.values()
        for column in table.columns(study)
    ]


def write_codebook(target: Writable, study: Study) -> None:
    target.write(as_lines([HEADER, *codebook_rows(study)]))
