"""The takes that run in this process, so that a page or a Celery task can end one from another thread."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import Context
from typing import Protocol
from uuid import UUID


class Running(Protocol):
    """What the registry knows of a relay."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...

    def end(self, reason: str) -> None:
        """Ends the take; on the event loop only."""


RUNNING: dict[UUID, Running] = {}


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
