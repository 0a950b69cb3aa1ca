"""Many people at once, each in a thread with a database connection of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier, local
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T")
R = TypeVar("R")


def at_once(do: Callable[[T], R], things: Sequence[T], threads: int) -> list[R]:
    """What `do` gives for each of `things`. All threads have their connection before any of them begins."""
    barrier = Barrier(threads)
    seen = local()

    def in_thread(thing: T) -> R:
        if not getattr(seen, "waited", False):
            seen.waited = True
            _wait_for_locks_as_long_as_it_takes()
            barrier.wait(timeout=60)
        return do(thing)

    def leave(_: int) -> None:
        barrier.wait(timeout=600)  # so that each thread closes its own connection, once
        connections.close_all()

    assert len(things) >= threads
    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(in_thread, things))
        list(pool.map(leave, range(threads)))
    return results


def _wait_for_locks_as_long_as_it_takes() -> None:
    """A page is refused after DATABASE_WAIT_SEC, which tells how fast this machine is, and not who gets a place."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SET lock_timeout = 0" if connection.vendor == "postgresql" else "PRAGMA busy_timeout = 600000")


@contextmanager
def sqlite_file(path: Path) -> Iterator[None]:
    """Has the tests' SQLite database in a file instead of memory, where several connections work as they do in
    production. What is done meanwhile stays in the file."""
    assert connection.vendor == "sqlite"
    connection.ensure_connection()
    with sqlite3.connect(path) as copy:
        connection.connection.backup(copy)
    copy.close()
    memory, in_memory = connection.settings_dict["NAME"], connection.connection
    connection.settings_dict["NAME"] = str(path)
    connection.connection = None
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"], connection.connection = memory, in_memory
