"""Implements the engine contract for a remote model: rows and steps. The sessions handle the network."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar, Final, NamedTuple

import numpy as np
import structlog

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.errors import EngineUnavailable, RemoteLost
from inference.contract.wire import Metadata
from inference.engines.base import Engine, SlotConfig, StepOutput
from inference.engines.remote.playout import Playout, TooMuchSound
from inference.remote import LoopThread

UPLINK_FRAMES: Final = 25  # two seconds; when a server is further behind, it misses the oldest frames
log = structlog.get_logger(__name__)


class Heard(NamedTuple):
    """A frame of the participant: `sample` is its place on the slot's clock; `pcm` is float32 [FRAME_SAMPLES]."""

    sample: int
    pcm: Float32


class Line:
    """The link between the step thread and the task of one conversation; neither ever waits for the other.

    The step thread calls `exchange`, the task everything else. `hold` says whether speech that comes before the server
    listens is kept (at most UPLINK_FRAMES) or discarded."""

    def __init__(self, loop: asyncio.AbstractEventLoop, playout: Playout, *, hold: bool) -> None:
        self.playout = playout
        self.failure: Exception | None = None
        self._loop = loop
        self._uplink: deque[Heard] = deque()
        self._filled = asyncio.Event()
        self._hold = hold
        self._listening = False
        self._sample = 0
        self._unheard = 0  # frames discarded before the server listened
        self._dropped = 0  # frames a full uplink dropped
        self._reported = 0

    def exchange(self, frame: Float32) -> StepOutput:
        """Takes the participant's frame and returns the agent's. Raises what ended the conversation."""
        if self.failure is not None:
            raise self.failure
        if self._listening or self._hold:
            self._uplink.append(Heard(self._sample, frame.copy()))
            if len(self._uplink) > UPLINK_FRAMES:
                self._drop_oldest()
            with suppress(RuntimeError):  # raised once the loop is closed, when the engine stops
                self._loop.call_soon_threadsafe(self._filled.set)
        else:
            self._unheard += 1
        self._sample += FRAME_SAMPLES
        output = self.playout.take()
        if self._dropped > self._reported:
            lost = Metadata("overflow", {"direction": "uplink", "frames": self._dropped - self._reported})
            self._reported = self._dropped
            output = StepOutput(output.pcm, (*output.events, lost))
        return output

    def listen(self) -> None:
        """Notes that the server is ready for the participant's audio."""
        self._listening = True

    async def heard(self) -> Heard:
        """Waits for the participant's next frame and returns it."""
        while not self._uplink:
            self._filled.clear()
            if not self._uplink:
                await self._filled.wait()
        return self._uplink.popleft()

    def fail(self, error: Exception) -> None:
        """Ends the conversation at its next step."""
        self.failure = error

    def counts(self) -> Counter[str]:
        """Returns the counts of lost frames and samples since the conversation began."""
        return Counter(unheard_frames=self._unheard, dropped_uplink_frames=self._dropped, **self.playout.counts())

    def _drop_oldest(self) -> None:
        with suppress(IndexError):  # raised when the task has just taken them
            self._uplink.popleft()
            self._dropped += 1


class Session(ABC):
    """A conversation with a server: one task on the engine's event loop."""

    address: str  # without credentials, fit to be shown

    @abstractmethod
    async def run(self, line: Line) -> None:
        """Connects to the server and converses until it is cancelled. Raises RemoteLost."""


@dataclass(slots=True)
class _Row:
    line: Line
    session: Session
    task: Future[None]
    begun: float


class RemoteEngine(Engine):
    """The base of remote engines. A subclass makes a session (`begin`) and checks that its server works (`warm_up`)."""

    NAME: ClassVar[str]
    LIVE: ClassVar[bool]  # whether the server sends a frame for every frame it gets; see playout.py

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        super().__init__(slots, settings)
        self.counts: Counter[str] = Counter()  # summed over all ended conversations; see Line.counts
        self._rows: dict[int, _Row] = {}
        self._thread = LoopThread(self.NAME)

    @abstractmethod
    def begin(self, slot: int, config: SlotConfig) -> Session:
        """Returns the session of row `slot`; called after `check`. It uses the network only in `Session.run`."""

    def end(self, slot: int) -> None:
        """Called when the row's session is over."""
        return

    def open(self, slot: int, config: SlotConfig) -> None:
        self.check(config)
        self.close(slot)
        session = self.begin(slot, config)
        line = Line(self._thread.loop, Playout(live=self.LIVE), hold=not self.LIVE)
        self._rows[slot] = _Row(line, session, self._thread.start(_talk(session, line)), monotonic())

    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        outputs = {}
        for slot, frame in frames.items():
            try:
                outputs[slot] = self._rows[slot].line.exchange(frame)
            except Exception as error:  # one slot's failure must not affect the others
                self.failed[slot] = error
                outputs[slot] = StepOutput(np.zeros(FRAME_SAMPLES, np.float32))
        return outputs

    def close(self, slot: int) -> None:
        row = self._rows.pop(slot, None)
        if row is None:
            return
        row.task.cancel()
        self.end(slot)
        counts = row.line.counts()
        self.counts += counts
        log.info(
            "remote conversation ended",
            engine=self.NAME,
            server=row.session.address,
            seconds=round(monotonic() - row.begun, 1),
            **counts,
        )

    def shut_down(self) -> None:
        for slot in list(self._rows):
            self.close(slot)
        self._thread.stop()

    def unavailable(self, lost: RemoteLost, remedy: str) -> EngineUnavailable:
        """Returns the error that tells the operator of a server that cannot be used."""
        return EngineUnavailable(self.NAME, f"{lost.address}: {lost.reason}", remedy)


async def _talk(session: Session, line: Line) -> None:
    """Runs the session to its end; whatever ends it is a failure of this slot alone."""
    try:
        await session.run(line)
        line.fail(RemoteLost(session.address, "it ended the conversation"))
    except asyncio.CancelledError:
        raise
    except TooMuchSound:
        line.fail(RemoteLost(session.address, "it sent more than ten minutes of speech ahead of its time"))
    except Exception as error:
        line.fail(error)
