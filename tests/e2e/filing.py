"""Waiting for a take to be filed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from tests.e2e.stack import Stack


def filed(stack: Stack, take: str, within_sec: float = 90) -> dict[str, Any]:
    """What is filed of `take`, once its state is final or failed. AssertionError with the log if not in time."""
    deadline = time.monotonic() + within_sec
    while True:
        found: dict[str, Any] = stack.script("tests.e2e.inspect_take", take=take)
        if found["state"] in ("final", "failed"):
            return found
        assert time.monotonic() < deadline, f"take was not filed: {found}\n{stack.log}"
        time.sleep(0.5)


def filed_takes(stack: Stack, tokens: Sequence[str], within_sec: float = 90) -> list[list[dict[str, Any]]]:
    """The same of all takes of each of these sessions."""
    deadline = time.monotonic() + within_sec
    while True:
        found: list[list[dict[str, Any]]] = stack.script("tests.e2e.inspect_take", tokens=tokens)
        if all(take["state"] in ("final", "failed") for takes in found for take in takes):
            return found
        assert time.monotonic() < deadline, f"takes were not filed: {found}\n{stack.log}"
        time.sleep(0.5)
