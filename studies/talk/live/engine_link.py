"""The inference worker's side of a take: finds one, holds its slot, goes back to it or along with it to another worker,
and says why it came to an end."""

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
from studies.talk.live.uplink import Uplink
from studies.talk.workers import reports
from studies.talk.workers.needs import Needs

PATIENCE_SEC: Final = 30.0  # an inference worker that died is back within seconds
LOOK_AGAIN_SEC: Final = 0.5
CLOSE_SLOT_SEC: Final = 2.0
TRY_AGAIN_SEC: Final = 0.5
MOVE_WITHIN_SEC: Final = 5.0  # two heartbeats, in which a worker with room is heard of
TRANSFER_SEC: Final = 30.0  # gigabytes, with some engines
TELL_EVERY_SEC: Final = 2.0  # sooner than the page takes silence for a broken connection
MAX_OPENINGS: Final = 5  # of a take that waits, when one worker after another goes away

log = structlog.get_logger(__name__)


class Place(NamedTuple):
    """Where a slot is."""

    name: str
    address: str


class Listener(Protocol):
    """Who holds a conversation. `recording` is whether the engine has begun to hear, `fingerprint` what an engine must
    have to take the conversation over."""

    @property
    def recording(self) -> bool: ...

    @property
    def fingerprint(self) -> str: ...

    def note(self, event: str, data: Mapping[str, Any]) -> None:
        """Journals an event."""

    def tell_away(self, away: bool) -> None:
        """No engine hears just now, or one does again; said again every TELL_EVERY_SEC."""

    async def on_engine_message(self, data: bytes) -> None:
        """One encoded message; resumes the uplink with a `live`. Raises SlotLost when it is the last, Moving when the
        worker hands over, TakeRefused when there may be no more."""


async def converse(request: SlotRequest, needs: Needs, address: str, uplink: Uplink, listener: Listener) -> str:
    """From queue to end; returns which of ENDINGS it is. Gives the slot back, also when cancelled.

    `address`: of the inference worker that has the slot already, or empty."""
    link = EngineLink(request, needs, uplink, listener)
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
        return {"unsuitable_worker": "refused", "study_closed": "study_closed"}.get(error.code, "withdrawn")
    except Exception:
        log.exception("conversation_failed", take=request.take)
        return "engine_lost"
    finally:
        await link.release()


class EngineLink:
    """One take's slot, wherever it is just now."""

    def __init__(self, request: SlotRequest, needs: Needs, uplink: Uplink, listener: Listener) -> None:
        self.place = Place("", "")
        self._request = request
        self._needs = needs
        self._uplink = uplink
        self._listener = listener
        self._slot: Slot | None = None
        self._sending: asyncio.Task[None] | None = None
        self._openings = 0

    async def hold(self, address: str) -> NoReturn:
        """Carries the conversation until it cannot go on. Raises SlotLost, InferenceError, TakeRefused."""
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
                await self._find()  # it waited in the queue of a worker that stops

    async def release(self) -> None:
        """Gives the slot back, if there is one."""
        await _close(await self._detach(), end=True)

    async def _find(self) -> None:
        await _close(await self._detach(), end=True)
        self._openings += 1
        if self._openings > MAX_OPENINGS:
            raise SlotLost("one inference worker after another went away")
        worker, slot = await find_slot(self._request, self._needs)
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
        """To the slot that the same worker keeps for the grace. Raises SlotLost when it does not, or is gone."""
        await _close(await self._detach(), end=False)
        give_up_at = _now() + settings.RECONNECT_GRACE_SEC
        while True:
            try:
                slot = await open_slot(self.place.address, self._request, settings.WORKER_SECRET)
            except SlotLost as error:
                if error.reason == "stopping" and self._listener.fingerprint:
                    return await self._move()  # that it moves was said on the connection that broke
                # nobody listens there any more: the process has died, and what it knew of the take with it
                if isinstance(error.__cause__, ConnectionRefusedError) or _now() > give_up_at:
                    await database_sync_to_async(reports.mark_gone)(self.place.address)
                    raise
                await asyncio.sleep(TRY_AGAIN_SEC)
                continue
            self._enter(self.place, slot)
            if not self._listener.recording:
                return None  # it waits in the queue there
            try:
                await self._until_live(settings.RECONNECT_GRACE_SEC)
            except Moving:
                return await self._move()
            self._listener.note("returned", {"worker": self.place.name})
            return None

    async def _move(self) -> None:
        """To another worker that fetches the conversation from the one that stops. Raises SlotLost without one."""
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
            await _close(left, end=not moved)  # what nobody fetched need not be kept

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
        found = await database_sync_to_async(reports.find_twins)(self._needs, self._listener.fingerprint, leaving)
        return [Place(worker.name, worker.address) for worker in found if worker.address not in tried]

    async def _until_live(self, within_sec: float) -> None:
        """Raises SlotLost, also when the slot is not live in time."""
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
        """Nothing is sent to the slot any more, which is still open."""
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


async def find_slot(request: SlotRequest, needs: Needs) -> tuple[InferenceWorker, Slot]:
    """The first worker that answers, and the slot (or the place in its queue) there.

    A worker that does not answer counts as gone until it reports again. Raises NoWorker after PATIENCE_SEC, and at
    once what a worker refused the request with."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + PATIENCE_SEC
    while True:
        try:
            worker = await database_sync_to_async(reports.pick)(needs)
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
    """`end` gives the slot up; without it, it waits for somebody to come back."""
    if slot is not None:
        with suppress(SlotLost, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_SLOT_SEC):
                await slot.close(end=end)


def _now() -> float:
    return asyncio.get_running_loop().time()
