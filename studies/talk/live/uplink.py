"""Microphone frames on their way to the engine, which alone misses what a full queue drops: four make a step."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from inference.contract.audio import BYTES_PER_SAMPLE, FRAME_MS, UPLINK_PER_FRAME, UPLINK_SAMPLES
from inference.contract.wire import AUDIO_HEADER, Kind

MAX_STEPS: Final = 1_000 // FRAME_MS  # a second: what is older than that, an answer no longer needs
REMEMBERED_STEPS: Final = 2_000 // FRAME_MS  # of those sent: what a broken connection can have swallowed
CATCH_UP_SEC: Final = FRAME_MS / 3_000  # between steps that are late already: a slot's inbox holds a second of them
_SILENCE: Final = bytes(UPLINK_SAMPLES * BYTES_PER_SAMPLE)


class Uplink:
    """Step k holds the frames 4k to 4k+3, so that a step's number needs no memory of earlier ones. Frames that are
    missing in a step are silence for the engine.

    It begins paused: `resume` says from which step on the slot that carries the take wants to hear."""

    def __init__(self, on_overflow: Callable[[int], None]) -> None:
        """`on_overflow(steps)` is told how many were dropped, once the queue moves again."""
        self._on_overflow = on_overflow
        self._queue: deque[tuple[int, bytes]] = deque()
        self._sent: deque[tuple[int, bytes]] = deque(maxlen=REMEMBERED_STEPS)
        self._dropped = 0
        self._wake = asyncio.Event()
        self._step = -1
        self._sample = 0
        self._frames: dict[int, bytes] = {}
        self._catching_up = False
        self.paused = True

    def frame(self, sequence: int, sample: int, message: bytes) -> None:
        """Takes one microphone frame of 480 samples as it came over the wire; sequences grow."""
        step, place = divmod(sequence, UPLINK_PER_FRAME)
        if step != self._step:
            self._push()
            self._step = step
            self._sample = max(0, sample - place * UPLINK_SAMPLES)
        self._frames[place] = message[AUDIO_HEADER.size :]
        if place == UPLINK_PER_FRAME - 1:
            self._push()

    def pause(self) -> None:
        """The slot is gone, or about to be. What comes waits for the next one, up to a second more than it used to."""
        self.paused = True

    def resume(self, next_step: int) -> None:
        """A slot is there that has heard everything before `next_step`: what was sent of the rest is sent again, at
        three times the speed of sound that comes in."""
        while self._sent and self._sent[-1][0] >= next_step:
            self._queue.appendleft(self._sent.pop())
        self.paused = False
        self._catching_up = True
        self._wake.set()

    def sent_between(self, first: int, last: int) -> int:
        """How many of the remembered steps were sent after `first` and before `last`."""
        return sum(first < step < last for step, _ in self._sent)

    async def run(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Sends steps as they come while not paused, until cancelled. Raises what `send` raises."""
        while True:
            while self._queue and not self.paused:
                self._sent.append(self._queue.popleft())  # before it is known to have arrived
                await send(self._sent[-1][1])
                if self._dropped:
                    dropped, self._dropped = self._dropped, 0
                    self._on_overflow(dropped)
                if self._catching_up:
                    await asyncio.sleep(CATCH_UP_SEC)
            self._catching_up = self._catching_up and self.paused
            self._wake.clear()
            await self._wake.wait()

    def _push(self) -> None:
        if not self._frames:
            return
        pcm = b"".join([self._frames.get(place, _SILENCE) for place in range(UPLINK_PER_FRAME)])
        self._frames = {}
        if len(self._queue) >= MAX_STEPS + (REMEMBERED_STEPS if self.paused else 0):
            self._queue.popleft()
            self._dropped += 1
        self._queue.append((self._step, AUDIO_HEADER.pack(Kind.PARTICIPANT, self._step, self._sample) + pcm))
        self._wake.set()
