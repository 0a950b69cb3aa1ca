"""Waiting for what another task, thread or process does: as long as it takes, and never for ever."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

WITHIN_SEC: Final = 60.0
"""What takes longer than this, even on a busy machine, does not come."""


async def until(
    is_so: Callable[[], object],
    *,
    within_sec: float = WITHIN_SEC,
    every_sec: float = 0.01,
    otherwise: Callable[[], str] = lambda: "it did not happen",
) -> None:
    """Asks again and again. AssertionError, in the words of `otherwise`, when it is not so in time."""
    deadline = time.monotonic() + within_sec
    while not is_so():
        assert time.monotonic() < deadline, f"not within {within_sec:g} s: {otherwise()}"
        await asyncio.sleep(every_sec)
