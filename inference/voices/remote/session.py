"""One talker's connection to a converter server: what is sent, what is received, and why it failed."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.voices.remote.placement import Placement

MAX_WAITING_SAMPLES: Final = 5 * SAMPLE_RATE_HZ  # A server that receives nothing for so long is lost.


@dataclass(frozen=True, slots=True)
class Order:
    """What a stream asks of a server. `reference` is the target's voice, float32 [n] at 24 kHz, if there is one."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    target: str = ""
    reference: Float32 | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """`first_sample` and `hold_samples` of the protocol, at 24 kHz."""

    first_sample: int
    hold_samples: int


class Line:
    """What the step thread (`say`, `failure`) and the connection's task (`said`, the placement) share."""

    def __init__(self, loop: asyncio.AbstractEventLoop, placement: Placement) -> None:
        self.placement = placement
        self.failure: Exception | None = None
        self._loop = loop
        self._said: asyncio.Queue[Float32] = asyncio.Queue()
        self._waiting_samples = 0

    def say(self, samples: Float32) -> None:
        """Queues float32 [n] of the participant, to be sent when the connection is ready."""
        with suppress(RuntimeError):  # The loop is closed because the worker stops.
            self._loop.call_soon_threadsafe(self._put, samples.copy())

    def fail(self, error: Exception) -> None:
        """Ends the stream at its next push."""
        self.failure = error
        self.placement.finish()

    async def said(self) -> Float32:
        """Returns the participant's next samples. Raises TimeoutError if far too much is waiting."""
        samples = await self._said.get()
        self._waiting_samples -= len(samples)
        if self._waiting_samples > MAX_WAITING_SAMPLES:
            raise TimeoutError
        return samples

    def _put(self, samples: Float32) -> None:
        self._waiting_samples += len(samples)
        self._said.put_nowait(samples)


class Dialect(ABC):
    """The protocol of one kind of server. All coroutines run on the converter's own event loop."""

    address: str  # as it may be shown

    @abstractmethod
    async def about(self) -> tuple[Timing, Mapping[str, Any]]:
        """Returns the server's timing and its description of its model. Raises RemoteLost."""

    @abstractmethod
    async def enrol(self, order: Order) -> None:
        """Makes the order's target known to the server. Raises RemoteLost, TargetUnavailable, OptionError."""

    @abstractmethod
    async def talk(self, order: Order, line: Line) -> None:
        """Exchanges sound until it is cancelled. Raises RemoteLost, TargetUnavailable, OptionError."""
