"""Tables as any reader of CSV gets them."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User

from studies.exports.tables import TABLES, stream
from studies.models import Study


def collected(pieces: AsyncIterator[bytes]) -> list[bytes]:
    async def collect() -> list[bytes]:
        return [piece async for piece in pieces]

    return async_to_sync(collect)()


def read_table(study: Study, researcher: User, table: str = "trials") -> list[dict[str, str]]:
    """The export, parsed."""
    data = b"".join(collected(stream(study, TABLES[table], researcher)))
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))
