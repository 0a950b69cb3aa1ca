"""Ends what is live in this process and may not go on, wherever that was decided.

The database is asked once a second for all of it, in a thread, so that audio waits for nothing. Whoever
decides something also says "look now": inside the process directly, to the others over the channel layer where that
is Redis. A message that gets lost costs a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any, Final

import structlog
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import transaction

from studies.talk.live.permission import ended_previews, ended_takes
from studies.talk.registry import PREVIEWS, RUNNING, Live

LOOK_EVERY_SEC: Final = 1.0
GROUP: Final = "live"
LOOK: Final = {"type": "look"}

log = structlog.get_logger(__name__)


class Watch:
    """Of one event loop: there while anything on it is live."""

    def __init__(self) -> None:
        self._looking: asyncio.Task[None] | None = None
        self._now = asyncio.Event()

    def start(self) -> None:
        """On the loop, whenever something becomes live there."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._run(), context=Context())

    def look(self) -> None:
        """Sooner than in its turn."""
        self._now.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        listening = loop.create_task(_listen(self.look))
        try:
            while _live_on(loop):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._now.wait(), LOOK_EVERY_SEC)
                self._now.clear()
                try:
                    await _end_what_may_not_go_on(loop)
                except Exception:  # a database that is away for a moment: asked again in a second
                    log.exception("live_not_looked_at")
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening


_WATCHES: dict[asyncio.AbstractEventLoop, Watch] = {}


def watch() -> None:
    """Something is live on this event loop from now on."""
    loop = asyncio.get_running_loop()
    for gone in [other for other in _WATCHES if other.is_closed()]:
        del _WATCHES[gone]
    _WATCHES.setdefault(loop, Watch()).start()


def look_now() -> None:
    """What may go on has changed: told to every process once that is committed. From any thread but an event loop's."""
    transaction.on_commit(_tell)


def _tell() -> None:
    for loop, watching in list(_WATCHES.items()):
        with suppress(RuntimeError):  # it has closed, and all that was live with it
            loop.call_soon_threadsafe(watching.look)
    layer = get_channel_layer()
    if layer is None or isinstance(layer, InMemoryChannelLayer):
        return
    try:
        async_to_sync(layer.group_send)(GROUP, LOOK)
    except Exception:  # whatever the layer's transport raises: they look by themselves within a second
        log.exception("live_not_told")


async def _listen(look: Callable[[], None]) -> None:
    """Passes on what other processes say."""
    layer: Any = get_channel_layer()
    while layer is not None and not isinstance(layer, InMemoryChannelLayer):
        try:
            channel = await layer.new_channel()
            await layer.group_add(GROUP, channel)
            while True:
                await layer.receive(channel)
                look()
        except Exception:
            log.exception("live_not_listened")
            await asyncio.sleep(LOOK_EVERY_SEC)


async def _end_what_may_not_go_on(loop: asyncio.AbstractEventLoop) -> None:
    takes = {take_id: relay for take_id, relay in RUNNING.items() if relay.loop is loop}
    previews = [preview for preview in PREVIEWS if preview.loop is loop]
    if takes:
        over = await database_sync_to_async(ended_takes)({take_id: relay.epoch for take_id, relay in takes.items()})
        for take_id, why in over.items():
            takes[take_id].end(why)
    if previews:
        tokens = await database_sync_to_async(ended_previews)({preview.token for preview in previews})
        for preview in previews:
            if preview.token in tokens:
                preview.end("session_over")


def _live_on(loop: asyncio.AbstractEventLoop) -> bool:
    live: list[Live] = [*RUNNING.values(), *PREVIEWS]
    return any(one.loop is loop for one in live)
