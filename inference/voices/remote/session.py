"""One talker's connection to a converter server: what is sent, what is received, and why it failed."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, Float32

KEPT_SAMPLES: Final = 30 * SAMPLE_RATE_HZ  # A server that is so far ahead is not converting.
MAX_WAITING_SAMPLES: Final = 5 * SAMPLE_RATE_HZ  # A server that receives nothing for so long is lost.


class Placement:
    """The network's thread calls `arrive`, and the step thread calls `take`.

    A sample that has not arrived at its time is replaced with silence. If it arrives later, it is skipped, so that the
    delay never grows.

    Converted samples, whenever they arrive, are put at their place: a fixed delay after the participant's own."""

    def __init__(self, first_sample: int, latency_samples: int) -> None:
        """The first sample to arrive belongs to the participant's sample `first_sample`. What is taken at the
        participant's sample p belongs to sample p - `latency_samples`."""
        self.first_sample = first_sample
        self.missed_samples = 0
        self._next_arriving = first_sample
        self._next_taken = -latency_samples
        self._held = np.zeros(0, np.float32)  # what has arrived and not been taken; ends at `_next_arriving`
        self._over = False
        self._changed = threading.Condition()

    def arrive(self, samples: Float32) -> None:
        """Adds float32 [n], the next samples of the converted stream."""
        with self._changed:
            self._next_arriving += len(samples)
            joined = np.concatenate([self._held, samples])
            self._held = joined[max(0, len(joined) - max(0, self._next_arriving - self._next_taken)) :][-KEPT_SAMPLES:]
            self._changed.notify_all()

    def finish(self) -> None:
        """Says that nothing more will arrive, so that nobody waits."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def take(self, count: int, patience_sec: float = 0.0) -> Float32:
        """Returns the next float32 [count], silent before the first possible sample. Waits `patience_sec` at most."""
        with self._changed:
            start, end = self._next_taken, self._next_taken + count
            if patience_sec and end > self.first_sample:
                self._changed.wait_for(lambda: self._over or self._next_arriving >= end, patience_sec)
            taken = np.zeros(count, np.float32)
            held_from = self._next_arriving - len(self._held)
            first, last = max(start, held_from), min(end, self._next_arriving)
            if last > first:
                taken[first - start : last - start] = self._held[first - held_from : last - held_from]
            self.missed_samples += max(0, end - max(self._next_arriving, start))
            self._next_taken = end
            self._held = self._held[max(0, min(end, self._next_arriving) - held_from) :]
            return taken


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
