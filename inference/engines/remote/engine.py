"""Implements the engine contract for a remote model: rows and steps. The sessions handle the network."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar

import numpy as np
import structlog

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.errors import EngineUnavailable, RemoteLost
from inference.engines.base import Engine, SlotConfig, StepOutput
from inference.engines.remote.line import Line
from inference.engines.remote.playout import Playout, TooMuchSound
from inference.remote.loop import LoopThread

log = structlog.get_logger(__name__)


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
