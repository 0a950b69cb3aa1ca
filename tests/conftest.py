"""Shared by all tests: which of them need what this machine may not have, and which may run beside each other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.environment import ROOT
from tests.extent import examples

SERVICES = ("DATABASE_URL", "REDIS_URL")
TALKS = "talks"
SHARED = {"echo_stack": TALKS, "local_stack": TALKS, "loaded_engine": "engine"}  # fixtures, and the group of each
_gives_way = False

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


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip_without_services(items)
    group(items)


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


def shared_by(item: pytest.Item) -> str:
    """The costly fixture that the test shares with other modules; "" for none."""
    return next((name for name in SHARED if name in getattr(item, "fixturenames", ())), "")


def group_of(item: pytest.Item) -> str:
    """Tests of one group run in one process: a module's, and all that share something costly or start the whole
    product, because two people who talk at once are more than two cores can play."""
    if shared := shared_by(item):
        return SHARED[shared]
    path = item.path.relative_to(ROOT)
    return TALKS if path.parent == Path("tests/e2e") else str(path)


def group(items: list[pytest.Item]) -> None:
    """For pytest-xdist. Those that talk begin; the browser's other tests come last."""

    def order(item: pytest.Item) -> int:
        if shared := shared_by(item):
            return list(SHARED).index(shared)
        return len(SHARED) + (0 if group_of(item) == TALKS else 1 + bool(item.get_closest_marker("browser")))

    items.sort(key=order)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A process whose tests nobody listens to gives way to the one where somebody talks."""
    global _gives_way
    if "PYTEST_XDIST_WORKER" in os.environ and group_of(item) != TALKS and not _gives_way:
        os.nice(10)
        _gives_way = True
