"""Chromium for the tests of the whole product, and two stacks for those that leave the processes as they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, sync_playwright

from tests.e2e.stack import Stack


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Its event loop must not outlive the module, or the asynchronous tests after it could not start theirs."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def echo_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything that needs no speech runs on it: its worker echoes, and open studies ask for that."""
    with Stack(tmp_path_factory.mktemp("echo"), WORKER_ENGINES="echo", ALLOW_TEST_MODELS="true") as stack:
        stack.script("tests.e2e.seed_visits")
        stack.script("tests.e2e.seed_voices")
        yield stack


@pytest.fixture(scope="session")
def local_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """As `make run` starts it, with the local engine."""
    with Stack(tmp_path_factory.mktemp("local")) as stack:
        yield stack
