"""Ends the takes and previews in this process that may no longer go on, whichever process decided so.

The reason may be that somebody withdrew, that another tab took over or that the study was closed. The database is the
authority: it is queried once a second in a thread, so that audio never waits, and a few queries cover everything live
in the process. Code that makes such a decision also asks for an immediate look, directly within the process and over
the channel layer, where that is Redis, in other processes. A lost message only delays the ending by a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from contextvars import Context
from typing import Any, Final
from uuid import UUID

import structlog
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import transaction

from studies.errors import TakeRefused
from studies.models import Session, Take
from studies.talk.live.endings import ENDINGS, ending_of
from studies.talk.registry import PREVIEWS, RUNNING, Live, LiveTake
from studies.talk.takes import OPEN_STATES, check_visit, may_talk, with_rights

LOOK_EVERY_SEC: Final = 1.0
GROUP: Final = "live"
LOOK: Final = {"type": "look"}

log = structlog.get_logger(__name__)


class Watch:
    """The watch of one event loop, which exists while anything on that loop is live."""

    def __init__(self) -> None:
        self._looking: asyncio.Task[None] | None = None
        self._now = asyncio.Event()

    def start(self) -> None:
        """Starts watching. It is called on the loop whenever something becomes live there."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._run(), context=Context())

    def look(self) -> None:
        """Makes the next look happen at once."""
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
                except Exception:  # the database may be briefly unavailable; it is asked again in a second
                    log.exception("live_not_looked_at")
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening


_WATCHES: dict[asyncio.AbstractEventLoop, Watch] = {}


def watch() -> None:
    """Starts the watch of this event loop, on which something is now live."""
    loop = asyncio.get_running_loop()
    for gone in [other for other in _WATCHES if other.is_closed()]:
        del _WATCHES[gone]
    _WATCHES.setdefault(loop, Watch()).start()


def look_now() -> None:
    """Tells every process, after the commit, to look again. Must not be called from an event loop's thread."""
    transaction.on_commit(_tell)


def _tell() -> None:
    for loop, watching in list(_WATCHES.items()):
        with suppress(RuntimeError):  # the loop has closed and ended everything live on it
            loop.call_soon_threadsafe(watching.look)
    layer = get_channel_layer()
    if layer is None or isinstance(layer, InMemoryChannelLayer):
        return
    try:
        async_to_sync(layer.group_send)(GROUP, LOOK)
    except Exception:  # the transport may raise anything, and the others look by themselves within a second
        log.exception("live_not_told")


async def _listen(look: Callable[[], None]) -> None:
    """Looks whenever another process asks for it."""
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
        over = await database_sync_to_async(ended_takes)(takes)
        for take_id, why in over.items():
            takes[take_id].end(why)
    if previews:
        in_use: dict[str, frozenset[str]] = {}
        for preview in previews:
            in_use[preview.token] = in_use.get(preview.token, frozenset()) | preview.purposes
        tokens = await database_sync_to_async(ended_previews)(in_use)
        for preview in previews:
            if preview.token in tokens:
                preview.end("session_over")


def _live_on(loop: asyncio.AbstractEventLoop) -> bool:
    live: list[Live] = [*RUNNING.values(), *PREVIEWS]
    return any(one.loop is loop for one in live)


def ended_takes(live: Mapping[UUID, LiveTake]) -> dict[UUID, str]:
    """Returns the takes that may not go on, each with the reason (one of ENDINGS).

    Talks may finish while their study is paused."""
    found = {take.pk: _why(take, live[take.pk]) for take in with_rights(live)}
    return {pk: why for pk in live if (why := found.get(pk, "withdrawn"))}  # without a row, the take was erased


def ended_previews(in_use: Mapping[str, Collection[str]]) -> set[str]:
    """Returns the sessions whose previews may not go on. `in_use` maps their tokens to the purposes for which the voice
    is used at the moment."""
    sessions = Session.objects.filter(token__in=list(in_use)).select_related("version__study")
    return set(in_use) - {
        session.token for session in sessions.prefetch_related("consents") if _may_be_heard(session, in_use)
    }


def _why(take: Take, live: LiveTake) -> str:
    session = take.trial.session
    if session.state == Session.State.WITHDRAWN:
        return "withdrawn"
    if take.state not in OPEN_STATES:
        return take.end_reason if take.end_reason in ENDINGS else "abandoned"
    try:
        may_talk(take.trial, third_party=live.sends_away)
    except TakeRefused as refusal:
        return ending_of(refusal)
    return "" if session.live_tab(live.epoch) else "another_tab"


def _may_be_heard(session: Session, in_use: Mapping[str, Collection[str]]) -> bool:
    try:
        check_visit(session, in_use[session.token], begins=True)
    except TakeRefused:
        return False
    return True
