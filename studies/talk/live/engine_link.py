"""A take's link to its inference worker.

It finds a worker and holds its slot, reconnects to it, follows the conversation when it moves to another worker, and
says why the conversation ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Final, NamedTuple, NoReturn, Protocol

import structlog
from channels.db import database_sync_to_async
from django.conf import settings

from inference.contract.client import Slot, open_slot
from inference.contract.errors import InferenceError, NoWorker, SlotLost
from inference.contract.tokens import SlotRequest
from studies.errors import Moving, SlotBroken, TakeRefused
from studies.models import InferenceWorker
from studies.talk.live.asking import Ask, ask_database
from studies.talk.live.endings import ending_of
from studies.talk.live.uplink import Uplink
from studies.talk.workers import reports

PATIENCE_SEC: Final = 30.0  # an inference worker that died restarts within seconds
LOOK_AGAIN_SEC: Final = 0.5
CLOSE_SLOT_SEC: Final = 2.0
TRY_AGAIN_SEC: Final = 0.5
MOVE_WITHIN_SEC: Final = 5.0  # two heartbeats, in which a worker with a free slot reports
TRANSFER_SEC: Final = 30.0  # the state of some engines takes gigabytes
TELL_EVERY_SEC: Final = 2.0  # before the page mistakes silence for a broken connection
MAX_OPENINGS: Final = 5  # for a waiting take, if one worker after another goes away

log = structlog.get_logger(__name__)


class Place(NamedTuple):
    """The location of a slot."""

    name: str
    address: str


class Listener(Protocol):
    """The owner of a conversation.

    `recording` says whether the engine has begun to hear. `fingerprint` is the one that an engine must have to take
    over the conversation."""

    @property
    def recording(self) -> bool: ...

    @property
    def fingerprint(self) -> str: ...

    def note(self, event: str, data: Mapping[str, Any]) -> None:
        """Journals an event."""

    def tell_away(self, away: bool) -> None:
        """Tells the browser, again every TELL_EVERY_SEC, that no engine hears at the moment, or that one does again."""

    async def on_engine_message(self, data: bytes) -> None:
        """Handles one encoded message; a `live` resumes the uplink.

        Raises SlotLost if the message is the last, Moving if the worker hands the take over, and TakeRefused if the
        take may not go on."""


async def converse(request: SlotRequest, ask: Ask, address: str, uplink: Uplink, listener: Listener) -> str:
    """Runs a conversation from the queue to its end and returns one of ENDINGS. It releases the slot even if cancelled.

    `ask` is called before every connection to a worker. `address` is that of the worker that already holds the slot, or
    empty."""
    link = EngineLink(request, ask, uplink, listener)
    try:
        await link.hold(address)
    except SlotLost as error:
        log.warning("slot_lost", take=request.take, reason=error.reason)
        listener.note("slot_lost", {"reason": error.reason, "worker": link.place.name})
        return "engine_lost" if listener.recording else "refused"
    except InferenceError as error:
        log.warning("slot_refused", take=request.take, code=error.code, problem=str(error))
        listener.note("slot_refused", {"code": error.code})
        return "refused"
    except TakeRefused as error:
        listener.note("refused", {"code": error.code})
        return ending_of(error)
    except Exception:
        log.exception("conversation_failed", take=request.take)
        return "engine_lost"
    finally:
        await link.release()


class EngineLink:
    """One take's slot, on whichever worker it currently is."""

    def __init__(self, request: SlotRequest, ask: Ask, uplink: Uplink, listener: Listener) -> None:
        self.place = Place("", "")
        self._request = request
        self._ask = ask
        self._uplink = uplink
        self._listener = listener
        self._slot: Slot | None = None
        self._sending: asyncio.Task[None] | None = None
        self._openings = 0

    async def hold(self, address: str) -> NoReturn:
        """Carries the conversation until it cannot continue. Raises SlotLost, InferenceError or TakeRefused."""
        if address:
            self.place = Place(await database_sync_to_async(reports.name_of)(address), address)
            await self._go_back()
        else:
            await self._find()
        while True:
            try:
                await self._listen()
            except Moving:
                await self._move()
            except SlotBroken as error:
                await self._recover(error)
            except SlotLost as error:
                if error.reason != "stopping" or self._listener.recording:
                    raise
                await self._find()  # it was queued at a worker that is stopping

    async def release(self) -> None:
        """Releases the slot, if there is one."""
        await _close(await self._detach(), end=True)

    async def _find(self) -> None:
        await _close(await self._detach(), end=True)
        self._openings += 1
        if self._openings > MAX_OPENINGS:
            raise SlotLost("one inference worker after another went away")
        worker, slot = await find_slot(self._request, self._ask)
        self._enter(Place(worker.name, worker.address), slot)

    async def _listen(self) -> NoReturn:
        while True:
            await self._hear()

    async def _hear(self) -> None:
        assert self._slot is not None
        try:
            data = await self._slot.receive()
        except SlotLost as error:
            raise SlotBroken(error.reason) from error
        await self._listener.on_engine_message(data)

    async def _recover(self, error: SlotLost) -> None:
        self._listener.note("slot_lost", {"reason": error.reason, "worker": self.place.name})
        log.warning("slot_broken", take=self._request.take, worker=self.place.name, reason=error.reason)
        if not self._listener.recording:
            await database_sync_to_async(reports.mark_gone)(self.place.address)
            await self._find()
            return
        async with self._away():
            await self._go_back()

    async def _go_back(self) -> None:
        """Reconnects to the slot that the same worker keeps for the reconnect grace.

        Raises SlotLost if the worker has not kept it or is gone."""
        await _close(await self._detach(), end=False)
        give_up_at = _now() + settings.RECONNECT_GRACE_SEC
        while True:
            await ask_database(self._ask)
            try:
                slot = await open_slot(self.place.address, self._request, settings.WORKER_SECRET)
            except SlotLost as error:
                if error.reason == "stopping" and self._listener.fingerprint:
                    return await self._move()  # the move was announced on the connection that broke
                # nothing listens there any more: the process has died and its state of the take is lost
                if isinstance(error.__cause__, ConnectionRefusedError) or _now() > give_up_at:
                    await database_sync_to_async(reports.mark_gone)(self.place.address)
                    raise
                await asyncio.sleep(TRY_AGAIN_SEC)
                continue
            self._enter(self.place, slot)
            if not self._listener.recording:
                return None  # the take is in the queue there
            try:
                await self._until_live(settings.RECONNECT_GRACE_SEC)
            except Moving:
                return await self._move()
            self._listener.note("returned", {"worker": self.place.name})
            return None

    async def _move(self) -> None:
        """Moves to another worker, which fetches the conversation from the one that is stopping.

        Raises SlotLost if there is none."""
        leaving, left = self.place, await self._detach()
        moved = False
        try:
            if not self._listener.recording:
                await self._find()
                return
            async with self._away():
                moved = await self._find_twin(leaving)
            if not moved:
                self.place = leaving
                raise SlotLost("moving, and no other inference worker can take it over")
        finally:
            await _close(left, end=not moved)  # a state that nobody fetched need not be kept

    async def _find_twin(self, leaving: Place) -> bool:
        request = replace(self._request, moved_from=leaving.address)
        give_up_at = _now() + MOVE_WITHIN_SEC
        tried: set[str] = set()
        while _now() < give_up_at and self._listener.fingerprint:
            for place in await self._twins(leaving.address, tried):
                tried.add(place.address)
                try:
                    self._enter(place, await open_slot(place.address, request, settings.WORKER_SECRET))
                    await self._until_live(TRANSFER_SEC)
                except (InferenceError, Moving) as error:
                    self._listener.note("move_refused", {"worker": place.name, "problem": str(error) or "moving"})
                    log.warning("move_refused", take=request.take, worker=place.name, problem=str(error))
                    await _close(await self._detach(), end=True)
                else:
                    self._listener.note("moved", {"from": leaving.name, "to": place.name})
                    log.info("take_moved", take=request.take, source=leaving.name, worker=place.name)
                    return True
            await asyncio.sleep(TRY_AGAIN_SEC)
        return False

    async def _twins(self, leaving: str, tried: set[str]) -> list[Place]:
        needs = await ask_database(self._ask)
        found = await database_sync_to_async(reports.find_twins)(needs, self._listener.fingerprint, leaving)
        return [Place(worker.name, worker.address) for worker in found if worker.address not in tried]

    async def _until_live(self, within_sec: float) -> None:
        """Handles messages until the slot is live. Raises SlotLost, including when it is not live in time."""
        try:
            async with asyncio.timeout(within_sec):
                while self._uplink.paused:
                    await self._hear()
        except TimeoutError:
            raise SlotLost("not live in time") from None

    def _enter(self, place: Place, slot: Slot) -> None:
        self.place, self._slot = place, slot
        self._listener.note("slot", {"worker": place.name, "address": place.address})
        self._sending = asyncio.get_running_loop().create_task(self._uplink.run(slot.send))

    async def _detach(self) -> Slot | None:
        """Stops sending to the slot, which stays open."""
        self._uplink.pause()
        sending, self._sending = self._sending, None
        slot, self._slot = self._slot, None
        if sending is not None:
            sending.cancel()
            with suppress(asyncio.CancelledError, SlotLost):
                await sending
        return slot

    @asynccontextmanager
    async def _away(self) -> AsyncIterator[None]:
        async def tell() -> NoReturn:
            while True:
                self._listener.tell_away(True)
                await asyncio.sleep(TELL_EVERY_SEC)

        telling = asyncio.get_running_loop().create_task(tell())
        try:
            yield
        finally:
            telling.cancel()
            self._listener.tell_away(False)


async def find_slot(request: SlotRequest, ask: Ask) -> tuple[InferenceWorker, Slot]:
    """Returns the first worker that answers and the slot, or the place in its queue, there.

    A worker that does not answer counts as gone until it reports again. Raises NoWorker after PATIENCE_SEC; if a
    worker refuses the request, its error is raised at once, and so is the TakeRefused of `ask`."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + PATIENCE_SEC
    while True:
        try:
            worker = await database_sync_to_async(reports.pick)(await ask_database(ask))
        except NoWorker:
            if loop.time() > give_up_at:
                raise
        else:
            try:
                return worker, await open_slot(worker.address, request, settings.WORKER_SECRET)
            except SlotLost as error:
                log.warning("worker_does_not_answer", worker=worker.name, reason=error.reason)
                await database_sync_to_async(reports.mark_gone)(worker.address)
        await asyncio.sleep(LOOK_AGAIN_SEC)


async def _close(slot: Slot | None, *, end: bool) -> None:
    """Closes the connection. With `end` the slot is released; otherwise it is kept for a reconnect."""
    if slot is not None:
        with suppress(SlotLost, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_SLOT_SEC):
                await slot.close(end=end)


def _now() -> float:
    return asyncio.get_running_loop().time()
