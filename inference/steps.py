"""The step loop: one thread that owns the engines, the converters and the device.

    submit (any thread) -> inbox of the seat -> converter -> one batched step of the engine -> deliver

A step runs when every row that talks has a frame, or the oldest waiting frame has waited MAX_WAIT_SEC; rows without
a frame are left out of it and stay as they are.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import numpy as np
import structlog

from inference.audio import FRAME_SAMPLES, float32_to_pcm16, pcm16_to_float32
from inference.catalog import converter_class
from inference.engines.base import Engine, SlotConfig, StepOutput
from inference.errors import EngineUnavailable, SlotLost, UnknownName
from inference.statistics import StepStatistics
from inference.tokens import SlotRequest
from inference.voices.base import Converter
from inference.voices.schedule import VoiceSchedule, check_voices
from inference.wire import Kind, Metadata, encode, encode_audio

MAX_WAIT_SEC: Final = 0.02
QUIET_AFTER_SEC: Final = 0.2  # a row silent for longer is not waited for
INBOX_STEPS: Final = 12  # about a second: an engine further behind than this drops the oldest

FAILED_STEPS: Final = 3  # in a row; then the engine is beyond repair and the process ends

Result = TypeVar("Result")
log = structlog.get_logger(__name__)


class Frame(NamedTuple):
    """One engine step of one row: `pcm` is PCM16 [FRAME_SAMPLES]; `arrived` is of time.monotonic."""

    arrived: float
    step: int
    sample: int
    pcm: bytes


@dataclass(eq=False, slots=True)
class Seat:
    """A take in a row of the batch. `dropped` counts inbox overflow, `reported` what of it the client was told."""

    row: int
    engine: str
    voices: VoiceSchedule
    inbox: deque[Frame] = field(default_factory=deque)
    last_arrival: float = 0.0
    dropped: int = 0
    reported: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one step made of one frame, encoded: heard, agent, then events."""

    seat: Seat
    step: int
    audio: tuple[bytes, bytes]
    events: tuple[bytes, ...]


class Listener(Protocol):
    """Who hears from the step loop; all three are called on its thread."""

    def deliver(self, deliveries: Sequence[Delivery]) -> None: ...

    def seat_failed(self, seat: Seat, reason: str, error: Exception) -> None: ...

    def loop_ended(self, error: Exception | None) -> None: ...


class StepLoop:
    """Start it, wait for `start`'s future, then open seats and submit frames."""

    def __init__(
        self,
        engines: Mapping[str, Callable[[], Engine]],
        converters: Sequence[str],
        listener: Listener,
        statistics: StepStatistics,
    ) -> None:
        self.engines: dict[str, Engine] = {}
        self.converters: dict[str, Converter] = {}
        self.snapshots: dict[str, dict[str, Any]] = {}
        self._make_engine = engines
        self._converter_names = converters
        self._listener = listener
        self._statistics = statistics
        self._seats: dict[int, Seat] = {}
        self._changed = threading.Condition()
        self._commands: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._failed_steps = 0
        self._stopping = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="steps", daemon=True)

    def start(self) -> Future[None]:
        """Loads and warms up everything on the loop's own thread. The future fails with EngineUnavailable."""
        loaded = self._call(self._load)
        self._thread.start()
        return loaded

    def stop(self) -> None:
        """Ends all seats and the engines; returns when the thread has ended."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def check(self, request: SlotRequest) -> Future[None]:
        """The future fails with OptionError or UnknownName unless all of `request` can be honoured here."""
        return self._call(lambda: self._check(request))

    def open(self, row: int, request: SlotRequest) -> Future[Seat]:
        """Starts a conversation in a clean row. The future fails with whatever the engine or a converter raised."""
        return self._call(lambda: self._open(row, request))

    def close(self, seat: Seat) -> Future[None]:
        """Steps what is left in the inbox, then ends the conversation; nothing of it stays in the row. When the
        future fails, the row is not clean."""
        return self._call(lambda: self._close(seat))

    def submit(self, seat: Seat, step: int, sample: int, pcm: bytes) -> None:
        """Hands over one frame, PCM16 [FRAME_SAMPLES]."""
        now = time.monotonic()
        with self._changed:
            seat.last_arrival = now
            seat.inbox.append(Frame(now, step, sample, pcm))
            if len(seat.inbox) > INBOX_STEPS:
                seat.inbox.popleft()
                seat.dropped += 1
                self._statistics.frames_dropped["uplink"] += 1
            self._changed.notify()

    def _call(self, function: Callable[[], Result]) -> Future[Result]:
        future: Future[Result] = Future()
        with self._changed:
            if self._ended:
                future.set_exception(SlotLost("the inference worker is stopping"))
            else:
                self._commands.append((future, function))
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
            for future, _ in self._commands:
                future.set_exception(SlotLost("the inference worker is stopping"))
        for engine in self.engines.values():
            engine.shut_down()
        self._listener.loop_ended(error)

    def _next_work(self) -> Callable[[], None] | None:
        """Sleeps until there is something to do; None when the loop is to stop. Commands come first, since they open
        and clean rows."""
        with self._changed:
            while not self._stopping:
                if self._commands:
                    return partial(_answer, *self._commands.popleft())
                now = time.monotonic()
                soonest: float | None = None
                for name in self.engines:
                    seats = [seat for seat in self._seats.values() if seat.engine == name]
                    waiting = [seat for seat in seats if seat.inbox]
                    if not waiting:
                        continue
                    due = min(seat.inbox[0].arrived for seat in waiting) + MAX_WAIT_SEC
                    talking = sum(bool(seat.inbox) or now - seat.last_arrival < QUIET_AFTER_SEC for seat in seats)
                    if len(waiting) == talking or now >= due:
                        return partial(self._step, name, {seat: seat.inbox.popleft() for seat in waiting})
                    soonest = due if soonest is None else min(soonest, due)
                self._changed.wait(None if soonest is None else soonest - now)
        return None

    def _load(self) -> None:
        for name in self._converter_names:
            try:
                self.converters[name] = converter_class(name)()
            except EngineUnavailable as error:
                log.warning("converter unavailable", converter=name, reason=error.reason, remedy=error.remedy)
        for name, make in self._make_engine.items():
            engine = make()
            self.engines[name] = engine
            engine.warm_up()
            self.snapshots[name] = engine.snapshot()

    def _check(self, request: SlotRequest) -> None:
        if request.engine not in self.engines:
            raise UnknownName("engine", request.engine, tuple(self.engines))
        self.engines[request.engine].check(slot_config(request))
        check_voices(request.voices, self.converters)

    def _open(self, row: int, request: SlotRequest) -> Seat:
        self._check(request)
        seat = Seat(row, request.engine, VoiceSchedule(request.voices, self.converters))
        self.engines[request.engine].open(row, slot_config(request))
        self._seats[row] = seat
        return seat

    def _close(self, seat: Seat) -> None:
        while seat.inbox and seat.row in self._seats:
            self._step(seat.engine, {seat: seat.inbox.popleft()})
        self._seats.pop(seat.row, None)
        seat.inbox.clear()
        self.engines[seat.engine].close(seat.row)

    def _step(self, name: str, frames: Mapping[Seat, Frame]) -> None:
        started = time.perf_counter()
        engine = self.engines[name]
        heard: dict[Seat, bytes] = {}
        events: dict[Seat, list[Metadata]] = {}
        for seat, frame in frames.items():
            try:
                samples, switches = seat.voices.push(frame.sample, pcm16_to_float32(frame.pcm))
            except Exception as error:
                self._fail(seat, "converter_failed", error)  # never the unconverted voice instead
                continue
            heard[seat] = float32_to_pcm16(samples)
            events[seat] = switches
        # the engine hears exactly what the heard track holds, rounded and clipped
        rows = {seat.row: pcm16_to_float32(pcm) for seat, pcm in heard.items()}
        try:
            outputs = engine.step(rows) if rows else {}
        except Exception as error:  # the engine broke its contract: no row of this step can be trusted
            for seat in heard:
                self._fail(seat, "engine_failed", error)
            self._failed_steps += 1
            if self._failed_steps == FAILED_STEPS:
                raise
            return
        self._failed_steps = 0
        deliveries = []
        for seat, pcm in heard.items():
            try:
                if seat.row in engine.failed:
                    raise engine.failed.pop(seat.row)
                deliveries.append(_delivery(seat, frames[seat], pcm, events[seat], outputs[seat.row]))
            except Exception as error:
                self._fail(seat, "engine_failed", error)
        for row, failure in engine.failed.items():
            if row in self._seats:
                self._fail(self._seats[row], "engine_failed", failure)
        engine.failed.clear()
        self._statistics.add_step((time.perf_counter() - started) * 1_000, len(heard))
        self._listener.deliver(deliveries)

    def _fail(self, seat: Seat, reason: str, error: Exception) -> None:
        """The seat is stepped no more; its row is still to be closed."""
        self._seats.pop(seat.row, None)
        self._listener.seat_failed(seat, reason, error)


def _answer(future: Future[Any], function: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except Exception as error:
        future.set_exception(error)


def slot_config(request: SlotRequest) -> SlotConfig:
    """What of a request is the engine's."""
    return SlotConfig(request.text_prompt, request.voice_prompt, request.seed, request.options)


def _delivery(seat: Seat, frame: Frame, heard: bytes, switches: list[Metadata], output: StepOutput) -> Delivery:
    """Raises ValueError or WireError for an output that is not what engines promise."""
    if output.pcm.shape != (FRAME_SAMPLES,):
        raise ValueError(f"the engine returned {output.pcm.shape} instead of {FRAME_SAMPLES} samples")
    if not np.isfinite(output.pcm).all():
        raise ValueError("the engine returned samples that are not numbers")
    overflow = []
    dropped = seat.dropped
    if dropped > seat.reported:
        overflow.append(Metadata("overflow", {"direction": "uplink", "frames": dropped - seat.reported}))
        seat.reported = dropped
    agent = float32_to_pcm16(output.pcm)
    audio = (
        encode_audio(Kind.HEARD, frame.step, frame.sample, heard),
        encode_audio(Kind.AGENT, frame.step, frame.sample, agent),
    )
    return Delivery(seat, frame.step, audio, tuple(encode(event) for event in (*overflow, *switches, *output.events)))
