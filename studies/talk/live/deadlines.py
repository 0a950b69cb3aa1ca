"""When a take ends by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadlines:
    """Calls `on_passed(reason)` when one has passed that was not taken back. On the event loop only."""

    def __init__(self, on_passed: Callable[[str], None]) -> None:
        self._on_passed = on_passed
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def set(self, reason: str, delay_sec: float) -> None:
        """In place of an earlier one for the same reason."""
        self.clear(reason)
        self._timers[reason] = asyncio.get_running_loop().call_later(delay_sec, self._on_passed, reason)

    def clear(self, reason: str) -> None:
        timer = self._timers.pop(reason, None)
        if timer is not None:
            timer.cancel()

    def clear_all(self) -> None:
        for reason in list(self._timers):
            self.clear(reason)
