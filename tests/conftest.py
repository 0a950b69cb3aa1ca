"""Shared by all tests: which of them need what this machine may not have."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

SERVICES = ("DATABASE_URL", "REDIS_URL")

# a busy machine is no failure
hypothesis_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without PostgreSQL and Redis their tests are skipped, unless HEARMEOUT_REQUIRE_SERVICES says they must run."""
    missing = [name for name in SERVICES if not os.environ.get(name)]
    if not missing:
        return
    if os.environ.get("HEARMEOUT_REQUIRE_SERVICES"):
        raise pytest.UsageError(f"{' and '.join(missing)} must be set: the tests on services are required here")
    for item in items:
        if item.get_closest_marker("services"):
            item.add_marker(pytest.mark.skip(reason=f"{' and '.join(missing)} not set"))
