"""Chromium for the tests of the whole product. Module scope: its event loop must not outlive the module, or the
asynchronous tests after it could not start theirs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Playwright, sync_playwright


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """A test database of their own, because these tests run beside all others."""
    for database in settings.DATABASES.values():
        if database["ENGINE"].endswith("postgresql"):
            database.setdefault("TEST", {})["NAME"] = f"test_{database['NAME']}_whole"
