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

UPLINK_FRAMES: Final = 25  # two seconds: what a server is further behind than this, it does not hear
log = structlog.get_logger(__name__)


class Heard(NamedTuple):
    """A frame of the participant: `sample` is its place on the slot's clock, `pcm` float32 [FRAME_SAMPLES]."""

    sample: int
    pcm: Float32


class Line:
    """One conversation. `exchange` is the step thread's, everything else the task's.

    `hold` says what happens to speech before the server listens: kept (at most UPLINK_FRAMES) or let go.

    The step thread and the task never wait for each other."""

    def __init__(self, loop: asyncio.AbstractEventLoop, playout: Playout, *, hold: bool) -> None:
        self.playout = playout
        self.failure: Exception | None = None
        self._loop = loop
        self._uplink: deque[Heard] = deque()
        self._filled = asyncio.Event()
        self._hold = hold
        self._listening = False
        self._sample = 0
        self._unheard = 0  # frames let go before the server listened
        self._dropped = 0  # frames a full uplink dropped
        self._reported = 0

    def exchange(self, frame: Float32) -> StepOutput:
        """The participant's frame for the agent's. Raises what ended the conversation."""
        if self.failure is not None:
            raise self.failure
        if self._listening or self._hold:
            self._uplink.append(Heard(self._sample, frame.copy()))
            if len(self._uplink) > UPLINK_FRAMES:
                self._drop_oldest()
            with suppress(RuntimeError):  # the loop is closed: the engine stops
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
        """The server is ready for what the participant says."""
        self._listening = True

    async def heard(self) -> Heard:
        """The participant's next frame."""
        while not self._uplink:
            self._filled.clear()
            if not self._uplink:
                await self._filled.wait()
        return self._uplink.popleft()

    def fail(self, error: Exception) -> None:
        """Ends the conversation at its next step."""
        self.failure = error

    def counts(self) -> Counter[str]:
        """What did not go as it should, since the beginning."""
        return Counter(unheard_frames=self._unheard, dropped_uplink_frames=self._dropped, **self.playout.counts())

    def _drop_oldest(self) -> None:
        with suppress(IndexError):  # the task has just taken them
            self._uplink.popleft()
            self._dropped += 1


class Session(ABC):
    """A conversation with a server, as one task on the engine's event loop."""

    address: str  # as it may be shown

    @abstractmethod
    async def run(self, line: Line) -> None:
        """Calls the server and talks until it is cancelled. Raises RemoteLost."""


@dataclass(slots=True)
class _Row:
    line: Line
    session: Session
    task: Future[None]
    begun: float


class RemoteEngine(Engine):
    """An engine says how a session is made (`begin`) and whether a server can be used at all (`warm_up`)."""

    NAME: ClassVar[str]
    LIVE: ClassVar[bool]  # the server speaks all the time, a frame for a frame; see playout.py

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        super().__init__(slots, settings)
        self.counts: Counter[str] = Counter()  # of all conversations that are over; see Line.counts
        self._rows: dict[int, _Row] = {}
        self._thread = LoopThread(self.NAME)

    @abstractmethod
    def begin(self, slot: int, config: SlotConfig) -> Session:
        """What row `slot` is to talk with; called after `check`. The network comes later, in `Session.run`."""

    def end(self, slot: int) -> None:
        """The row's session is over."""
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
            except Exception as error:  # one slot's failure is not the others'
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
        """A server that cannot be used, told to the operator."""
        return EngineUnavailable(self.NAME, f"{lost.address}: {lost.reason}", remedy)


async def _talk(session: Session, line: Line) -> None:
    """The session to its end; whatever ends it is the slot's failure and nobody else's."""
    try:
        await session.run(line)
        line.fail(RemoteLost(session.address, "it ended the conversation"))
    except asyncio.CancelledError:
        raise
    except TooMuchSound:
        line.fail(RemoteLost(session.address, "it sent more than ten minutes of speech ahead of its time"))
    except Exception as error:
        line.fail(error)
