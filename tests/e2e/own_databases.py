"""PostgreSQL and Redis for one stack alone: a database that is new, and keys that nobody else has."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from psycopg import sql

CLAIM_SEC: Final = 3_600  # of a test that was killed, afterwards another may have it
REDIS_DATABASES: Final = range(15, 7, -1)  # of a server as it comes; those below are pytest-xdist's workers
ON_SERVICES_TOO: Final = (pytest.mark.services, pytest.mark.slow)  # of what `make test` has on SQLite alone


@contextmanager
def own_databases() -> Iterator[dict[str, str]]:
    """DATABASE_URL and REDIS_URL for a stack's environment, on the servers that the tests' own name; both are gone
    afterwards. Raises RuntimeError when every Redis database is taken."""
    with _own_database(os.environ["DATABASE_URL"]) as database, _own_redis(os.environ["REDIS_URL"]) as queue:
        yield {"DATABASE_URL": database, "REDIS_URL": queue}


@contextmanager
def _own_database(url: str) -> Iterator[str]:
    name = f"hearmeout_e2e_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _own_redis(url: str) -> Iterator[str]:
    with redis.from_url(urlsplit(url)._replace(path="/0").geturl()) as server:
        for number in REDIS_DATABASES:
            claim = f"hearmeout-e2e:{number}"
            if server.set(claim, 1, nx=True, ex=CLAIM_SEC):
                break
        else:
            raise RuntimeError("every Redis database is taken by another test")
        own = urlsplit(url)._replace(path=f"/{number}").geturl()
        with redis.from_url(own) as queue:
            queue.flushdb()
            try:
                yield own
            finally:
                queue.flushdb()
                server.delete(claim)
