"""Chromium for the tests of the whole product. Module scope: its event loop must not outlive the module, or the
asynchronous tests after it could not start theirs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, sync_playwright


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started
