"""The thread that owns the network, and the talkers whose blocks it steps together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import lru_cache, partial
from typing import Any, Final, TypeVar

import numpy as np
import structlog

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.errors import InferenceError
from inference.contract.resampling import Resampler
from inference.converter_server.network import Network

MAX_BLOCKS: Final = 4  # A talker further behind gets silence for the oldest block, and a message.
WAIT_SHARE: Final = 0.25  # of a block's duration, for which the first talker's block waits for the others'
Result = TypeVar("Result")
log = structlog.get_logger(__name__)


class Framing:
    """The framing of one talker: after the network's latency, output sample k is the converted input sample k."""

    def __init__(self, rate_hz: int, block_samples: int) -> None:
        self._down = Resampler(SAMPLE_RATE_HZ, rate_hz)
        self._up = Resampler(rate_hz, SAMPLE_RATE_HZ)
        self._block_samples = block_samples
        self._gathered = np.zeros(0, np.float32)

    def gather(self, samples: Float32) -> list[Float32]:
        """Takes float32 [n] at 24 kHz; returns the blocks that are full now, float32 [block_samples] each."""
        gathered = np.concatenate([self._gathered, self._down.push(samples)])
        full = len(gathered) // self._block_samples * self._block_samples
        self._gathered = gathered[full:]
        return list(gathered[:full].reshape(-1, self._block_samples))

    def release(self, block: Float32) -> Float32:
        """Takes float32 [block_samples]; returns what can be played of it at 24 kHz, float32 [m]."""
        return self._up.push(block)


@lru_cache
def hold_samples(rate_hz: int, block_samples: int, latency_samples: int) -> int:
    """Returns how far the input is ahead of the output at most, in samples at 24 kHz.

    That is the time to gather a block, the network's latency, and what the resamplers hold back, which is measured."""
    framing = Framing(rate_hz, block_samples)
    piece = SAMPLE_RATE_HZ // 1_000
    went_in = came_out = ahead = 0
    silence = np.zeros(piece, np.float32)
    while went_in < 4 * SAMPLE_RATE_HZ:
        went_in += piece
        ahead = max(ahead, went_in - came_out)
        came_out += sum(len(framing.release(block)) for block in framing.gather(silence))
    return ahead + -(-latency_samples * SAMPLE_RATE_HZ // rate_hz)


class NoRow(InferenceError):
    """Raised when all rows are taken."""

    code = "busy"

    def __init__(self, rows: int) -> None:
        super().__init__(f"all {rows} places of this converter server are taken")
        self.rows = rows


class Talker:
    """One stream. The rows' thread calls `deliver(samples, late_samples)`, with float32 [m] at 24 kHz each time.

    If the stream fails, it calls `fail(error)` once, and `deliver` no more."""

    def __init__(
        self, row: int, framing: Framing, deliver: Callable[[Float32, int], None], fail: Callable[[Exception], None]
    ) -> None:
        self.row = row
        self.framing = framing
        self.deliver = deliver
        self.fail = fail
        self.blocks: deque[tuple[float, Float32]] = deque()  # (time when it was full, block)
        self.skipped = 0  # blocks that will be silence before the next one
        self.over = False


class Rows:
    """The rows of the network. Its methods are called from any thread but its own."""

    def __init__(self, make: Callable[[], Network], max_blocks: int = MAX_BLOCKS) -> None:
        self.network: Network
        self._max_blocks = max_blocks
        self.steps = self.blocks = 0
        self._make = make
        self._talkers: dict[int, Talker] = {}
        self._changed = threading.Condition()
        self._commands: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)

    def start(self) -> Future[None]:
        """Loads the network on its own thread. The future fails with what loading raised."""
        loaded = self._call(self._load)
        self._thread.start()
        return loaded

    def stop(self) -> None:
        """Ends the thread and returns when it has ended."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def knows(self, target: str) -> Future[bool]:
        return self._call(lambda: self.network.knows(target))

    def enrol(self, target: str, reference: Float32) -> Future[None]:
        return self._call(lambda: self.network.enrol(target, reference))

    def open(
        self,
        target: str,
        parameters: Mapping[str, Any],
        seed: int,
        deliver: Callable[[Float32, int], None],
        fail: Callable[[Exception], None],
    ) -> Future[Talker]:
        """Opens a stream. The future fails with NoRow, OptionError, TargetUnavailable."""
        return self._call(partial(self._open, target, parameters, seed, deliver, fail))

    def close(self, talker: Talker) -> Future[None]:
        return self._call(lambda: self._close(talker))

    def say(self, talker: Talker, samples: Float32) -> None:
        """Adds float32 [n] at 24 kHz to a talker's stream. For each talker, only one thread may call this."""
        blocks = talker.framing.gather(samples)
        now = time.monotonic()
        with self._changed:
            for block in blocks:
                talker.blocks.append((now, block))
                if len(talker.blocks) > self._max_blocks:
                    talker.blocks.popleft()
                    talker.skipped += 1
            self._changed.notify()

    def _call(self, function: Callable[[], Result]) -> Future[Result]:
        future: Future[Result] = Future()
        with self._changed:
            self._commands.append((future, function))
            self._changed.notify()
        return future

    def _load(self) -> None:
        self.network = self._make()

    def _open(
        self,
        target: str,
        parameters: Mapping[str, Any],
        seed: int,
        deliver: Callable[[Float32, int], None],
        fail: Callable[[Exception], None],
    ) -> Talker:
        free = [row for row in range(self.network.rows) if row not in self._talkers]
        if not free:
            raise NoRow(self.network.rows)
        self.network.open(free[0], target, parameters, seed)
        framing = Framing(self.network.sample_rate_hz, self.network.block_samples)
        talker = self._talkers[free[0]] = Talker(free[0], framing, deliver, fail)
        return talker

    def _close(self, talker: Talker) -> None:
        if self._talkers.get(talker.row) is talker:
            del self._talkers[talker.row]
            self.network.close(talker.row)

    def _run(self) -> None:
        while work := self._next_work():
            try:
                work()
            except Exception as error:  # whatever it is, the other streams still need this thread
                log.error("work on rows failed", exc_info=error)

    def _next_work(self) -> Callable[[], None] | None:
        """Sleeps until there is work; returns None when the thread must end. Commands come first."""
        with self._changed:
            while not self._stopping:
                if self._commands:
                    return partial(_answer, *self._commands.popleft())
                talkers = [talker for talker in self._talkers.values() if not talker.over]
                waiting = [talker for talker in talkers if talker.blocks]
                wait_sec = None
                if waiting:
                    block_sec = self.network.block_samples / self.network.sample_rate_hz
                    due = min(talker.blocks[0][0] for talker in waiting) + WAIT_SHARE * block_sec
                    wait_sec = due - time.monotonic()
                    if len(waiting) == len(talkers) or wait_sec <= 0:
                        return partial(self._step, {talker: self._take(talker) for talker in waiting})
                self._changed.wait(wait_sec)
        return None

    def _take(self, talker: Talker) -> tuple[int, Float32]:
        skipped, talker.skipped = talker.skipped, 0
        return skipped, talker.blocks.popleft()[1]

    def _step(self, taken: Mapping[Talker, tuple[int, Float32]]) -> None:
        try:
            converted = self.network.step({talker.row: block for talker, (_, block) in taken.items()})
        except Exception as error:  # The network broke its contract, so none of these streams can be trusted.
            for talker in taken:
                self._fail(talker, error)
            return
        self.steps += 1
        self.blocks += len(taken)
        for talker, (skipped, _) in taken.items():
            try:
                if talker.row in self.network.failed:
                    raise self.network.failed.pop(talker.row)
                block = _checked(converted[talker.row], self.network.block_samples)
                silence = np.zeros(self.network.block_samples, np.float32)
                late = [talker.framing.release(silence) for _ in range(skipped)]
                talker.deliver(np.concatenate([*late, talker.framing.release(block)]), sum(map(len, late)))
            except Exception as error:
                self._fail(talker, error)

    def _fail(self, talker: Talker, error: Exception) -> None:
        log.error("stream failed", row=talker.row, exc_info=error)
        talker.over = True
        talker.fail(error)


def _checked(block: Float32, block_samples: int) -> Float32:
    """Returns the block, clipped to [-1, 1]. Raises ValueError if it has another shape or is not finite."""
    if block.shape != (block_samples,) or not np.isfinite(block).all():
        raise ValueError(f"the network returned {block.shape} or no numbers instead of {block_samples} samples")
    return np.clip(block, -1.0, 1.0)


def _answer(future: Future[Any], function: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except Exception as error:
        future.set_exception(error)
