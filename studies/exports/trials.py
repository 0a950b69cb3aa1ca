"""trials.csv: one row per trial, written while it is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from studies.exports.cells import as_lines
from studies.exports.columns import Column, columns_of
from studies.exports.rows import TrialRow, blocks_of, trials_of
from studies.models import AccessLog, Export, Study


def stream_trials(study: Study, researcher: User) -> AsyncIterator[bytes]:
    """Logs the export, then gives the table in pieces of UTF-8.

    Trials that are planned while it runs are left out, so that the logged number of rows holds. It is asynchronous
    because an ASGI server would collect a plain iterator whole before sending its first byte."""
    trials = trials_of(study)
    newest = trials.aggregate(newest=Max("pk"))["newest"] or 0
    trials = trials.filter(pk__lte=newest)
    columns = columns_of(study)
    with transaction.atomic():
        Export.objects.create(study=study, made_by=researcher, kind="trials", rows=trials.count())
        AccessLog.objects.create(reader=researcher.get_username(), action="export", target=f"{study.slug}/trials.csv")
    return _encode(columns, blocks_of(trials))


async def _encode(columns: Sequence[Column], blocks: Iterator[list[TrialRow]]) -> AsyncIterator[bytes]:
    def next_lines() -> str | None:
        block = next(blocks, None)
        return None if block is None else as_lines([column.value(row) for column in columns] for row in block)

    yield as_lines([[column.name for column in columns]]).encode()
    while (lines := await sync_to_async(next_lines)()) is not None:
        yield lines.encode()
