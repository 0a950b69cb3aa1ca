"""Ends the takes and previews in this process that may no longer go on, whichever process decided so.

The reason may be that somebody withdrew, that another tab took over or that the study was closed. The database is the
authority: it is queried once a second in a thread, so that audio never waits, and two queries cover everything live in
the process. Code that makes such a decision also asks for an immediate look, directly within the process and over the
channel layer, where that is Redis, in other processes. A lost message only delays the ending by a second."""

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
from django.db.models import Exists, OuterRef, Q, Subquery

from studies.errors import TakeRefused
from studies.models import ConsentEvent, PinnedVoice, Session, Study, Take
from studies.talk.live.endings import ENDINGS
from studies.talk.registry import PREVIEWS, RUNNING, Live
from studies.talk.takes import OPEN_STATES, may_talk

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


def ended_takes(epochs: Mapping[UUID, int]) -> dict[UUID, str]:
    """Returns the takes of `epochs` that may not go on, each with the reason (one of ENDINGS).

    `epochs` maps takes to their session's epoch when they were admitted, because another tab may have taken over since.
    Talks may finish while their study is paused."""
    target_withdrawn = PinnedVoice.objects.filter(
        condition=OuterRef("trial__condition"), voice_version__voice__withdrawn_at__isnull=False
    )
    taken_back = ConsentEvent.objects.filter(
        session=OuterRef("trial__session"), granted=False, at__gt=OuterRef("created_at")
    )
    rows = (
        Take.objects.filter(pk__in=list(epochs))
        .annotate(target_withdrawn=Exists(target_withdrawn), taken_back=Exists(taken_back))
        .select_related("trial__session__version__study", "trial__condition")
    )
    found = {take.pk: _why(take, epochs[take.pk]) for take in rows}
    return {pk: why for pk in epochs if (why := found.get(pk, "withdrawn"))}  # without a row, the take was erased


def ended_previews(tokens: Collection[str]) -> set[str]:
    """Returns the sessions whose previews may not go on."""
    newest = ConsentEvent.objects.filter(session=OuterRef("pk"), purpose=ConsentEvent.Purpose.RECORD).order_by("-id")
    live = Session.objects.annotate(may_record=Subquery(newest.values("granted")[:1])).filter(
        token__in=list(tokens),
        state=Session.State.STARTED,
        may_record=True,
    )
    live = live.filter(
        Q(version__study__state=Study.State.OPEN)
        | (~Q(mode=Session.Mode.LIVE) & ~Q(version__study__state=Study.State.CLOSED))
    )
    return set(tokens) - set(live.values_list("token", flat=True))


def _why(take: Take, epoch_then: int) -> str:
    session = take.trial.session
    if session.state == Session.State.WITHDRAWN:
        return "withdrawn"
    if take.state not in OPEN_STATES:
        return take.end_reason if take.end_reason in ENDINGS else "abandoned"
    if take.target_withdrawn:  # type: ignore[attr-defined]  # annotated
        return "voice_withdrawn"
    if session.study.state == Study.State.CLOSED:
        return "study_closed"
    if take.taken_back and not _is_agreed(take):  # type: ignore[attr-defined]  # annotated
        return "withdrawn"
    return "" if session.live_tab(epoch_then) else "another_tab"


def _is_agreed(take: Take) -> bool:
    """Whether the consents that this take needs still hold. Only others may have been withdrawn."""
    try:
        may_talk(take.trial.session, take.trial.condition)
    except TakeRefused:
        return False
    return True
