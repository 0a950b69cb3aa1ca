"""All takes in an inference worker: who waits, who talks, who may still come back. Runs on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog

from inference.conversation import Carrier, Conversation
from inference.engines.base import Engine
from inference.errors import InferenceError
from inference.slots import Lease, SlotTable
from inference.statistics import StepStatistics
from inference.steps import Delivery, Seat, StepLoop
from inference.tokens import SlotRequest
from inference.wire import ErrorMessage, Message, Metadata

ENDINGS: Final = {
    "released": "The talk is over.",
    "replaced": "This talk goes on over another connection.",
    "grace_over": "Nobody came back to this talk in time.",
    "engine_failed": "The conversation partner stopped because of a fault. You can start again.",
    "converter_failed": "The change of voice stopped because of a fault. You can start again.",
    "open_failed": "The conversation partner could not be started. You can try again.",
    "stopping": "The conversation partner is being restarted. You can start again in a moment.",
}

log = structlog.get_logger(__name__)


def ended(reason: str) -> Metadata:
    """The last word to a client."""
    return Metadata("ended", {"reason": reason, "message": ENDINGS[reason]})


class Takes:
    """Joins sockets, leases and seats. `broken` is set when the step loop is gone: then the process must go too."""

    def __init__(
        self,
        slots: int,
        grace_sec: float,
        engines: Mapping[str, Callable[[], Engine]],
        converters: Sequence[str],
    ) -> None:
        self.statistics = StepStatistics()
        self.table = SlotTable(slots)
        self.steps = StepLoop(engines, converters, self, self.statistics)
        self.broken = asyncio.Event()
        self.draining = False  # nobody new is taken in
        self._grace_sec = grace_sec
        self._loop = asyncio.get_running_loop()
        self._by_take: dict[str, Conversation] = {}
        self._by_seat: dict[Seat, Conversation] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def join(self, request: SlotRequest) -> tuple[Conversation, Message | None]:
        """The take's conversation, begun now or taken up again, and what its new socket is to be told first."""
        conversation = self._by_take.get(request.take)
        if conversation is None:
            conversation = self._by_take[request.take] = Conversation(self.table.ask(request))
        if conversation.expiry:
            conversation.expiry.cancel()
            conversation.expiry = None
        conversation.lease.attached = True
        conversation.position = 0  # to be told again
        self._lend()
        return conversation, self._live(conversation, resumed=True) if conversation.seat else None

    def hear(self, conversation: Conversation, data: bytes) -> None:
        """One encoded microphone frame; passed over while the take still waits. Raises WireError."""
        if conversation.seat is not None and (frame := conversation.gather(data)):
            self.steps.submit(conversation.seat, *frame)

    def leave(self, conversation: Conversation, carrier: Carrier) -> None:
        """The socket is gone; the take may come back within the grace."""
        if not conversation.drop(carrier) or not self._is_open(conversation):
            return
        conversation.lease.attached = False
        conversation.expiry = self._loop.call_later(
            self._grace_sec, lambda: self._start(self.end(conversation, ended("grace_over")))
        )

    async def end(self, conversation: Conversation, message: Message) -> None:
        """Releases the lease, cleans its row, says `message` to whoever is connected, lets the next one in."""
        if not self._is_open(conversation):
            return
        lease = conversation.lease
        del self._by_take[lease.request.take]
        if conversation.expiry:
            conversation.expiry.cancel()
        if conversation.opening and conversation.opening is not asyncio.current_task():
            await asyncio.wait([conversation.opening])
        seat, conversation.seat = conversation.seat, None
        row = self.table.release(lease)
        if row is not None:
            await self._clean(row, seat)
        reason = message.data["reason"] if isinstance(message, Metadata) else "open_failed"
        self.statistics.slots_ended[reason] += 1
        log.info("take ended", take=lease.request.take, row=row, reason=reason, steps=conversation.next_step)
        conversation.finish(message)
        self._lend()

    async def end_all(self) -> None:
        """The worker stops."""
        await asyncio.gather(*(self.end(each, ended("stopping")) for each in list(self._by_take.values())))

    # the step loop's thread calls these three

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        self._from_steps(self._deliver, deliveries)

    def seat_failed(self, seat: Seat, reason: str, error: Exception) -> None:
        log.error("slot failed", row=seat.row, engine=seat.engine, reason=reason, exc_info=error)
        self._from_steps(self._end_failed, seat, reason)

    def loop_ended(self, error: Exception | None) -> None:
        if error:
            log.critical("step loop failed", exc_info=error)
            self._from_steps(self.broken.set)

    def _from_steps(self, function: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the event loop is closed: the process ends
            self._loop.call_soon_threadsafe(function, *arguments)

    def _deliver(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            if conversation := self._by_seat.get(delivery.seat):
                self.statistics.frames_dropped["downlink"] += conversation.deliver(delivery)

    def _end_failed(self, seat: Seat, reason: str) -> None:
        if conversation := self._by_seat.get(seat):
            self._start(self.end(conversation, ended(reason)))

    def _lend(self) -> None:
        for lease in self.table.lend():
            conversation = self._of(lease)
            conversation.opening = self._start(self._open(conversation))
        for position, lease in enumerate(self.table.queue, 1):
            conversation = self._of(lease)
            if conversation.position != position:
                conversation.position = position
                conversation.tell(Metadata("queue", {"position": position}))

    async def _open(self, conversation: Conversation) -> None:
        lease = conversation.lease
        assert lease.row is not None
        try:
            seat = await asyncio.wrap_future(self.steps.open(lease.row, lease.request))
        except Exception as error:
            log.error("slot not opened", take=lease.request.take, row=lease.row, exc_info=error)
            if isinstance(error, InferenceError):
                refusal = ErrorMessage(error.code, str(error))
            else:
                refusal = ErrorMessage("open_failed", ENDINGS["open_failed"])
            await self.end(conversation, refusal)
            return
        conversation.seat = seat
        self._by_seat[seat] = conversation
        conversation.tell(self._live(conversation, resumed=False))
        log.info("take live", take=lease.request.take, row=lease.row, engine=seat.engine)

    async def _clean(self, row: int, seat: Seat | None) -> None:
        if seat is None:
            self.table.put_back(row)
            return
        try:
            await asyncio.wrap_future(self.steps.close(seat))
        except Exception as error:
            log.error("row not clean, out of service", row=row, exc_info=error)
            self.table.retire(row)
        else:
            self.table.put_back(row)
        del self._by_seat[seat]

    def _live(self, conversation: Conversation, *, resumed: bool) -> Metadata:
        seat = conversation.seat
        assert seat is not None
        fields: dict[str, Any] = {
            "engine": seat.engine,
            "snapshot": self.steps.snapshots[seat.engine],
            "voices": seat.voices.snapshots,
            "latency_samples": seat.voices.latency_samples,
            "resumed": resumed,
            "next_step": conversation.next_step,
        }
        return Metadata("live", fields)

    def _of(self, lease: Lease) -> Conversation:
        return self._by_take[lease.request.take]

    def _is_open(self, conversation: Conversation) -> bool:
        return self._by_take.get(conversation.lease.request.take) is conversation

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)  # or it could be collected in the middle of its work
        task.add_done_callback(self._tasks.discard)
        return task
