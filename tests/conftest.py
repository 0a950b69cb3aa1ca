"""Shared by all tests: which of them need what this machine may not have, and which may run beside each other."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.environment import ROOT

SERVICES = ("DATABASE_URL", "REDIS_URL")
WHOLE_PRODUCT = ROOT / "tests" / "e2e"

# a busy machine is no failure
hypothesis_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("patient")


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


def group(items: list[pytest.Item]) -> None:
    """For pytest-xdist: a module's tests run in one process, and so do all that talk in a browser, because two people
    who talk at once are more than two cores can play. These begin; all others run beside them."""

    def order(item: pytest.Item) -> int:
        return 0 if item.get_closest_marker("browser") else 1 if item.path.is_relative_to(WHOLE_PRODUCT) else 2

    items.sort(key=order)
    for item in items:
        name = "browser" if order(item) == 0 else str(item.path.relative_to(ROOT))
        item.add_marker(pytest.mark.xdist_group(name))
