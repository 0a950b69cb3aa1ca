"""The step loop: one thread that owns the engines, the converters and the device.

submit (any thread) -> inbox of the seat -> `pacing` chooses -> `batch` steps -> deliver
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any, Final, TypeVar

import structlog

from inference.contract.audio import Float32
from inference.contract.catalog import ENGINES, NOT_CONFIGURED, converter_class, variants_of
from inference.contract.errors import EngineUnavailable, SlotLost, UnknownName
from inference.contract.tokens import SlotRequest, VoiceSegment
from inference.engines.base import Engine
from inference.voices.base import Converter
from inference.voices.schedule import VoiceSchedule, check_voices
from inference.worker.batch import Batch
from inference.worker.handover.state import MovedState
from inference.worker.pacing import Turn, next_turn
from inference.worker.seats import Frame, Listener, Seat
from inference.worker.statistics import StepStatistics

STOPPING: Final = "the inference worker is stopping"
JOIN_SEC: Final = 3.0  # an engine that is stuck in a step is not waited for any longer

SPARE_SEC: Final = 0.01  # the least time before the next step for work that can wait; converting a frame takes less

Result = TypeVar("Result")
Work = deque[tuple[Future[Any], Callable[[], Any]]]
log = structlog.get_logger(__name__)


class StepLoop:
    """Start it, then open seats and submit frames."""

    def __init__(
        self,
        engines: Mapping[str, Callable[[], Engine]],
        converters: Sequence[str],
        listener: Listener,
        statistics: StepStatistics,
    ) -> None:
        self.batches: dict[str, Batch] = {}  # an engine's variants have batches of their own
        self._loaded: list[Engine] = []
        self.converters: dict[str, Converter] = {}
        self._make_engine = engines
        self._converter_names = converters
        self._listener = listener
        self._statistics = statistics
        self._changed = threading.Condition()
        self._commands: Work = deque()
        self._spare: Work = deque()  # work that can wait: it runs only while no step is due
        self._closing: dict[Seat, Future[None]] = {}
        self._stopping = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="steps", daemon=True)

    @property
    def rows(self) -> int:
        """The number of rows that every engine has."""
        return min(batch.engine.slots for batch in self.batches.values())

    @property
    def engines(self) -> dict[str, Engine]:
        """The loaded engines by every name under which they serve."""
        return {name: batch.engine for name, batch in self.batches.items()}

    @property
    def snapshots(self) -> dict[str, dict[str, Any]]:
        """What a researcher must know to repeat a take, by engine."""
        return {name: batch.snapshot for name, batch in self.batches.items()}

    def start(self) -> Future[None]:
        """Loads and warms up everything on the loop's own thread. The future fails with EngineUnavailable."""
        loaded = self._call(self._load)
        self._thread.start()
        return loaded

    def stop(self) -> None:
        """Ends the loop and the engines; returns when the thread has ended, or after JOIN_SEC if it is stuck."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(JOIN_SEC)
        if self._thread.is_alive():
            log.error("step thread is stuck, left behind")

    def check(self, request: SlotRequest) -> Future[None]:
        """The future fails with OptionError or UnknownName unless all of `request` can be honoured here."""
        return self._call(lambda: self._check(request))

    def open(self, row: int, request: SlotRequest) -> Future[Seat]:
        """Starts a conversation in a clean row. The future fails with whatever the engine or a converter raised."""
        return self._call(lambda: self._checked(request).open(row, request))

    def seat(self, row: int, request: SlotRequest) -> Future[Seat]:
        """Makes a seat for a conversation that moves here: `replay` then takes what it last heard, and `go_on`
        continues it. The future fails as in `open`."""
        return self._call(lambda: self._checked(request).seat(row, request))

    def replay(self, seat: Seat, frames: Sequence[Frame]) -> Future[None]:
        """Warms up the voice of a seat. Pass only a few frames at once, because no row is stepped meanwhile."""
        return self._call(lambda: self.batches[seat.engine].replay(seat, frames))

    def go_on(self, seat: Seat, request: SlotRequest, moved: MovedState) -> Future[None]:
        """Continues a moved conversation in the seat's clean row. The future fails with SlotNotMovable."""
        return self._call(lambda: self.batches[seat.engine].go_on(seat, request, moved))

    def freeze(self, seat: Seat) -> Future[None]:
        """Stops stepping the seat and leaves it as it is, including the frames in its inbox."""
        return self._call(lambda: self.batches[seat.engine].freeze(seat))

    def export(self, seat: Seat) -> Future[bytes]:
        """Returns the engine's state of a frozen seat. The future fails with SlotNotMovable."""
        return self._call(lambda: self.batches[seat.engine].engine.export_slot(seat.row))

    def close(self, seat: Seat) -> Future[None]:
        """Ends the conversation after the frames left in its inbox have been stepped, each in its turn. Nothing of it
        stays in the row unless the future fails."""
        future: Future[None] = Future()
        with self._changed:
            if self._ended:
                future.set_exception(SlotLost(STOPPING))
            else:
                self._closing[seat] = future
                self._changed.notify()
        return future

    def open_voices(self, voices: Sequence[VoiceSegment], latency_samples: int | None) -> Future[VoiceSchedule]:
        """Returns a voice schedule that belongs to no seat. The future fails with OptionError, UnknownName or what a
        converter raised."""
        return self._call(lambda: VoiceSchedule(voices, self.converters, latency_samples))

    def convert(self, voices: VoiceSchedule, sample: int, samples: Float32) -> Future[Float32]:
        """Converts one frame, float32 [FRAME_SAMPLES], with a schedule that belongs to no seat. It runs only while no
        step is due, so that no conversation waits for it. The future fails with what a converter raised."""
        return self._put(self._spare, lambda: voices.push(sample, samples)[0])

    def submit(self, seat: Seat, frame: Frame) -> None:
        """Queues one frame of a seat for stepping."""
        with self._changed:
            if not seat.put(frame, time.monotonic()):
                self._statistics.frames_dropped["uplink"] += 1
            self._changed.notify()

    def _call(self, function: Callable[[], Result]) -> Future[Result]:
        return self._put(self._commands, function)

    def _put(self, queue: Work, function: Callable[[], Result]) -> Future[Result]:
        future: Future[Result] = Future()
        with self._changed:
            if self._ended:
                future.set_exception(SlotLost(STOPPING))
            else:
                queue.append((future, function))
                self._changed.notify()
        return future

    def _run(self) -> None:
        error: Exception | None = None
        try:
            while work := self._next_work():
                work()
        except Exception as caught:
            error = caught
        with self._changed:
            self._ended = True
            for future in (*(future for future, _ in (*self._commands, *self._spare)), *self._closing.values()):
                if future.set_running_or_notify_cancel():
                    future.set_exception(SlotLost(STOPPING))
        for engine in self._loaded:
            engine.shut_down()
        for converter in self.converters.values():
            converter.shut_down()
        self._listener.loop_ended(error)

    def _next_work(self) -> Callable[[], None] | None:
        """Sleeps until there is work and returns it, or None when the loop is to stop. Commands come first, since they
        open and clean rows."""
        with self._changed:
            while not self._stopping:
                if self._commands:
                    return partial(_answer, *self._commands.popleft())
                for seat in self._closing:
                    batch = self.batches[seat.engine]
                    if not batch.is_behind(seat):
                        return partial(_answer, self._closing.pop(seat), partial(batch.close, seat))
                now = time.monotonic()
                seats = chain.from_iterable(batch.seats.values() for batch in self.batches.values())
                turn = next_turn(seats, self._statistics.expected_sec, now)
                if isinstance(turn, Turn):
                    return partial(self._step, turn.engine, {seat: seat.take(now) for seat in turn.seats})
                if self._spare and turn - now > SPARE_SEC:
                    return partial(_answer, *self._spare.popleft())
                self._changed.wait(None if turn == math.inf else turn - now)
        return None

    def _load(self) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="converters") as beside:  # parallel, as the engines take longer
            converters = beside.submit(self._load_converters)
            for name, make in self._make_engine.items():
                engine = make()
                engine.warm_up()
                self._loaded.append(engine)
                self.batches[name] = Batch(name, engine, self.converters, self._listener)
                for variant in variants_of(name):
                    fixed = ENGINES[variant].fixed
                    self.batches[variant] = Batch(variant, engine, self.converters, self._listener, fixed)
            converters.result()

    def _load_converters(self) -> None:
        started = time.monotonic()
        for name in self._converter_names:
            try:
                self.converters[name] = converter_class(name)()
            except EngineUnavailable as error:
                tell = log.debug if error.reason == NOT_CONFIGURED else log.warning
                tell("converter unavailable", converter=name, reason=error.reason, remedy=error.remedy)
        log.info("loaded", part="voices", seconds=round(time.monotonic() - started, 1))

    def _check(self, request: SlotRequest) -> None:
        if request.engine not in self.batches:
            raise UnknownName("engine", request.engine, tuple(self.batches))
        self.batches[request.engine].check(request)
        check_voices(request.voices, self.converters, request.latency_samples)

    def _checked(self, request: SlotRequest) -> Batch:
        self._check(request)
        return self.batches[request.engine]

    def _step(self, engine: str, frames: Mapping[Seat, Frame]) -> None:
        started = self._statistics.clock()
        rows = self.batches[engine].step(frames)
        self._statistics.add_step(engine, self._statistics.clock() - started, rows)


def _answer(future: Future[Any], function: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except Exception as error:
        future.set_exception(error)
