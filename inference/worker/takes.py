"""All takes in an inference worker: those queued, live or within the reconnect grace. It runs on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.errors import InferenceError
from inference.contract.tokens import SlotRequest
from inference.contract.wire import ErrorMessage, Message, Metadata
from inference.engines.base import Engine
from inference.voices.targets import TargetVoices
from inference.worker.connection import Carrier, Connection
from inference.worker.handover.arrive import SeatedTake, seated
from inference.worker.handover.state import MovedState
from inference.worker.seats import Delivery, Frame, Seat
from inference.worker.settings import WorkerSettings
from inference.worker.slots import Lease, SlotTable
from inference.worker.statistics import Load, StepStatistics
from inference.worker.steps import StepLoop

WATCH_SEC: Final = 0.5  # how often the load is checked
ENDINGS: Final = {
    "released": "The conversation has ended.",
    "replaced": "This conversation continues over another connection.",
    "grace_over": "Nobody came back to this conversation in time.",
    "engine_failed": "The conversation partner stopped because of a fault. You can start again.",
    "converter_failed": "The voice conversion stopped because of a fault. You can start again.",
    "open_failed": "The conversation partner could not be started. You can try again.",
    "stopping": "The conversation partner is being restarted. You can start again in a moment.",
    "moved": "This conversation continues in another inference worker.",
}

log = structlog.get_logger(__name__)


def ended(reason: str) -> Metadata:
    """Returns the last message to a client."""
    return Metadata("ended", {"reason": reason, "message": ENDINGS[reason]})


class Takes:
    """Connects sockets, leases and seats. `broken` is set when the step loop has failed, after which the process must
    end. While `draining`, no new take is admitted."""

    def __init__(
        self,
        settings: WorkerSettings,
        engines: Mapping[str, Callable[[], Engine]],
        converters: Sequence[str],
        statistics: StepStatistics | None = None,
    ) -> None:
        self.statistics = statistics or StepStatistics()
        self.table = SlotTable(0)
        self.steps = StepLoop(engines, converters, self, self.statistics)
        self.broken = asyncio.Event()
        self.draining = False
        self._settings = settings
        self.targets = TargetVoices(settings.web_url, settings.worker_secret)
        self._load = Load(self.statistics, settings.max_step_ms)
        self._loop = asyncio.get_running_loop()
        self._by_take: dict[str, Connection] = {}
        self._by_seat: dict[Seat, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Loads the engines, which determine the number of rows. Raises EngineUnavailable."""
        await asyncio.wrap_future(self.steps.start())
        self.table = SlotTable(self.steps.rows)
        self._start(self._watch())

    @property
    def accepting(self) -> bool:
        """Whether free rows are lent: not while the steps take too long, and not once the worker drains."""
        return not self.draining and not self._load.overloaded()

    @property
    def conversations(self) -> list[Connection]:
        """All conversations that are not over, including those that wait for a row."""
        return list(self._by_take.values())

    def find(self, take: str) -> Connection | None:
        """Returns the take's conversation, or None if it is not here."""
        return self._by_take.get(take)

    def join(self, request: SlotRequest, *, can_move: bool = False) -> tuple[Connection, Message | None]:
        """Begins or resumes a take's conversation; returns it with the first message for its new socket, if any.

        `can_move` says that the client understands `moving`."""
        conversation = self._by_take.get(request.take)
        if conversation is None:
            lease = self.table.ask(request)
            conversation = self._by_take[request.take] = Connection(lease, can_move=can_move)
        if conversation.expiry:
            conversation.expiry.cancel()
            conversation.expiry = None
        conversation.lease.attached = True
        conversation.told = None
        self._lend()
        return conversation, self._live(conversation, resumed=True) if conversation.seat else None

    def hear(self, conversation: Connection, data: bytes) -> None:
        """Queues one encoded microphone frame, which is ignored while the take waits or moves. Raises WireError."""
        if conversation.seat is not None and not conversation.frozen and (frame := conversation.read(data)):
            self.steps.submit(conversation.seat, Frame(*frame))

    def hear_exactly(self, conversation: Connection, step: int, samples: Float32) -> None:
        """Queues one frame, float32 [FRAME_SAMPLES], of an unrecorded conversation; the engine hears it unrounded."""
        if conversation.seat is not None:
            conversation.next_step = step + 1
            self.steps.submit(conversation.seat, Frame(step, step * FRAME_SAMPLES, b"", samples))

    def leave(self, conversation: Connection, carrier: Carrier) -> None:
        """Notes that the socket is gone; the take may come back within the reconnect grace."""
        if not conversation.drop(carrier) or not self._is_open(conversation):
            return
        conversation.lease.attached = False
        conversation.expiry = self._loop.call_later(
            self._settings.reconnect_grace_sec, lambda: self._start(self.end(conversation, ended("grace_over")))
        )

    async def freeze(self, conversation: Connection) -> bool:
        """Freezes a live take so that another worker can continue it, and tells its client. Returns False if it cannot
        move."""
        seat = conversation.seat
        if seat is None or not conversation.can_move or not self.steps.batches[seat.engine].fingerprint:
            return False
        conversation.frozen = True
        await asyncio.wrap_future(self.steps.freeze(seat))
        if self._is_open(conversation):
            conversation.tell(Metadata("moving", {"next_step": conversation.next_step}))
            log.info("take ready to move", take=conversation.lease.request.take, row=seat.row)
        return True

    async def export(self, conversation: Connection) -> MovedState:
        """Returns the state of a frozen take. Raises SlotNotMovable or SlotLost."""
        seat = conversation.seat
        assert seat is not None
        return MovedState(
            take=conversation.lease.request.take,
            engine=seat.engine,
            fingerprint=self.steps.batches[seat.engine].fingerprint,
            next_step=conversation.next_step,
            remembered=tuple(seat.remembered),
            waiting=tuple(seat.inbox),
            engine_state=await asyncio.wrap_future(self.steps.export(seat)),
        )

    async def end(self, conversation: Connection, message: Message) -> None:
        """Releases the lease, cleans its row, sends `message` to the client and lets the next take in."""
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
        conversation.over.set()
        self._lend()

    async def end_all(self) -> None:
        """Ends all takes because the worker stops."""
        self.draining = True
        await asyncio.gather(*(self.end(each, ended("stopping")) for each in self.conversations))

    # the three methods of a Listener, which the step loop's thread calls

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
        with suppress(RuntimeError):  # raised once the event loop is closed, when the process ends
            self._loop.call_soon_threadsafe(function, *arguments)

    def _deliver(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            if conversation := self._by_seat.get(delivery.seat):
                self.statistics.frames_dropped["downlink"] += conversation.deliver(delivery)

    def _end_failed(self, seat: Seat, reason: str) -> None:
        if conversation := self._by_seat.get(seat):
            self._start(self.end(conversation, ended(reason)))

    async def _watch(self) -> None:
        """Lends rows again when steps have become fast enough, and tells waiting clients why they wait."""
        while not self.draining:
            self._lend()
            await asyncio.sleep(WATCH_SEC)

    def _lend(self) -> None:
        accepting = self.accepting
        for lease in self.table.lend() if accepting else []:
            conversation = self._of(lease)
            conversation.opening = self._start(self._open(conversation))
        why = {} if accepting else {"reason": "overloaded"}
        for position, lease in enumerate(self.table.queue, 1):
            conversation = self._of(lease)
            place = Metadata("queue", {"position": position, **why})
            if conversation.told != place and not self.draining:
                conversation.told = place
                conversation.tell(place)

    async def _open(self, conversation: Connection) -> None:
        row, request = conversation.lease.row, conversation.lease.request
        assert row is not None
        try:
            async with seated(self.steps, self.targets, row, request, self._settings.worker_secret) as taken:
                self._seated(conversation, taken)
        except Exception as error:
            log.error("slot not opened", take=request.take, row=row, exc_info=error)
            if isinstance(error, InferenceError):
                refusal = ErrorMessage(error.code, str(error))
            else:
                refusal = ErrorMessage("open_failed", ENDINGS["open_failed"])
            await self.end(conversation, refusal)

    def _seated(self, conversation: Connection, taken: SeatedTake) -> None:
        """Makes the conversation live: tells its client, then queues the frames that wait."""
        seat, request = taken.seat, conversation.lease.request
        conversation.seat, conversation.next_step = seat, taken.next_step
        self._by_seat[seat] = conversation
        conversation.tell(self._live(conversation, resumed=bool(request.moved_from)))
        for frame in taken.waiting:
            self.steps.submit(seat, frame)
        log.info("take live", take=request.take, row=seat.row, engine=seat.engine, moved=bool(request.moved_from))

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

    def _live(self, conversation: Connection, *, resumed: bool) -> Metadata:
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

    def _of(self, lease: Lease) -> Connection:
        return self._by_take[lease.request.take]

    def _is_open(self, conversation: Connection) -> bool:
        return self._by_take.get(conversation.lease.request.take) is conversation

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)  # without this reference it could be collected in the middle of its work
        task.add_done_callback(self._tasks.discard)
        return task
