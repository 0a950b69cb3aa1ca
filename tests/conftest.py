"""Shared by all tests: which of them need what this machine may not have, and which may run beside each other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError
from django.db import OperationalError
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from xdist.scheduler import LoadScopeScheduling

from tests.extent import examples

SERVICES = ("DATABASE_URL", "REDIS_URL")
TALKS = Path("tests/e2e")
ENGINE = Path("tests/inference/engines/cascade")
SHARED_STACKS = ("echo_stack", "local_stack")  # fixtures of tests/e2e/conftest.py
EMPTYINGS = 5
_gives_way = False

_flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # private


def _empty_the_database(case: TransactionTestCase) -> None:
    """The database refuses that, and its guards are back when it has been emptied.

    A request of a page that the test left open may still read: where its locks cross ours, PostgreSQL ends one."""
    from studies.models.guards import remove_guards  # not before Django is set up

    for attempts_left in reversed(range(EMPTYINGS)):
        try:
            remove_guards()
            _flush(case)
        except (OperationalError, CommandError):
            if not attempts_left:
                raise
        else:
            return


TransactionTestCase._fixture_teardown = _empty_the_database  # type: ignore[attr-defined]

# a busy machine is no failure
hypothesis_settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=examples(100)
)
hypothesis_settings.load_profile("patient")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite in a file, as the product has it, where a connection waits for another one's write. In memory it would
    not: “database table is locked” would be all that a page's request hears while a test reads or writes beside it."""
    for database in settings.DATABASES.values():
        if database["ENGINE"].endswith("sqlite3"):
            database.setdefault("TEST", {})["NAME"] = str(settings.DATA_DIR / "test.sqlite3")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip_without_services(items)
    order(items)


def skip_without_services(items: list[pytest.Item]) -> None:
    """Without PostgreSQL and Redis their tests are skipped, unless HEARMEOUT_REQUIRE_SERVICES says they must run."""
    missing = [name for name in SERVICES if not os.environ.get(name)]
    if not missing:
        return
    if os.environ.get("HEARMEOUT_REQUIRE_SERVICES"):
        raise pytest.UsageError(f"{' and '.join(missing)} must be set: the tests on services are required here")
    for item in items:
        if item.get_closest_marker("services"):
            item.add_marker(pytest.mark.skip(reason=f"{' and '.join(missing)} not set"))


def group_of(nodeid: str) -> str:
    """Tests of one group run in one process: those of a module, those that start the whole product (two people who
    talk at once are more than two cores can play), and those that load the local engine."""
    path = Path(nodeid.partition("::")[0])
    return path.parent.as_posix() if path.parent in (TALKS, ENGINE) else path.as_posix()


def order(items: list[pytest.Item]) -> None:
    """Those that talk begin, on one stack after another; the browser's other tests come last."""

    def place(item: pytest.Item) -> tuple[bool, int, bool]:
        names = getattr(item, "fixturenames", ())
        stack = next((index for index, name in enumerate(SHARED_STACKS) if name in names), len(SHARED_STACKS))
        talks = group_of(item.nodeid) == TALKS.as_posix()
        return (not talks, stack, bool(item.get_closest_marker("browser")))

    items.sort(key=place)


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Hands out whole groups. Those of pytest-xdist rest on names of tests, which pytest 9.2 does not let it change."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A process whose tests nobody listens to gives way to the one where somebody talks."""
    global _gives_way
    if "PYTEST_XDIST_WORKER" in os.environ and group_of(item.nodeid) != TALKS.as_posix() and not _gives_way:
        os.nice(10)
        _gives_way = True
