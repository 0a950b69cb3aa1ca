"""What is live in this process: takes and previews, so that they can be ended from anywhere."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import Context
from typing import Protocol
from uuid import UUID


class Live(Protocol):
    """What the registry knows of whatever is live."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...

    def end(self, reason: str) -> None:
        """Ends it; on the event loop only."""


class LiveTake(Live, Protocol):
    @property
    def epoch(self) -> int:
        """Its session's, when the take was let in."""


class LivePreview(Live, Protocol):
    @property
    def token(self) -> str:
        """Its session's."""


RUNNING: dict[UUID, LiveTake] = {}
PREVIEWS: set[LivePreview] = set()


def end_running(take_id: UUID, reason: str) -> bool:
    """Asks a take of this process to end, from any thread. False when it does not run here."""
    running = RUNNING.get(take_id)
    if running is None:
        return False
    with suppress(RuntimeError):  # its loop has closed, and the take with it
        # in a context of its own: the caller's says that it holds the database's thread, which the ending needs
        running.loop.call_soon_threadsafe(running.end, reason, context=Context())
        return True
    return False
