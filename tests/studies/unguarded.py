"""What the database refuses, for tests of what is done about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from studies.models.guards import install_guards, remove_guards


@contextmanager
def unguarded() -> Iterator[None]:
    """The database lets everything be changed and deleted."""
    _settle()
    remove_guards()
    try:
        yield
    finally:
        _settle()
        install_guards()


def _settle() -> None:
    """PostgreSQL changes no trigger of a table whose foreign keys are still to be checked."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
