"""The takes and previews that are live in this process, so that they can be ended from anywhere."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import Context
from typing import Protocol
from uuid import UUID


class Live(Protocol):
    """What the registry needs from a take or preview that is live."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...

    def end(self, reason: str) -> None:
        """Ends it. It is called only on the event loop."""


class LiveTake(Live, Protocol):
    @property
    def epoch(self) -> int:
        """The session's epoch when the take was admitted. Another tab may have taken over since."""

    @property
    def sends_away(self) -> bool:
        """Whether what hears it now sends the voice to a third party."""


class LivePreview(Live, Protocol):
    @property
    def token(self) -> str:
        """The token of its session."""

    @property
    def purposes(self) -> frozenset[str]:
        """The purposes for which it uses the voice at the moment."""


RUNNING: dict[UUID, LiveTake] = {}
PREVIEWS: set[LivePreview] = set()


def end_running(take_id: UUID, reason: str) -> bool:
    """Asks a take to end, from any thread. Returns False if the take does not run in this process."""
    running = RUNNING.get(take_id)
    if running is None:
        return False
    with suppress(RuntimeError):  # the loop has closed and ended the take
        # in a context of its own: the caller's says that it holds the database thread, which the ending needs
        running.loop.call_soon_threadsafe(running.end, reason, context=Context())
        return True
    return False
