"""Sends microphone frames to the engine, four in each step. A full queue drops steps only for the engine."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from inference.contract.audio import BYTES_PER_SAMPLE, FRAME_MS, UPLINK_PER_FRAME, UPLINK_SAMPLES
from inference.contract.wire import AUDIO_HEADER, Kind

MAX_STEPS: Final = 1_000 // FRAME_MS  # a second; older sound no longer helps the engine to answer
REMEMBERED_STEPS: Final = 2_000 // FRAME_MS  # sent steps to remember: as many as a broken connection can have lost
CATCH_UP_SEC: Final = FRAME_MS / 3_000  # between late steps, because a slot's inbox holds only a second
_SILENCE: Final = bytes(UPLINK_SAMPLES * BYTES_PER_SAMPLE)


class Uplink:
    """Sends steps to the slot. Step k holds frames 4k to 4k+3, so a step's number does not depend on earlier ones.

    Frames missing from a step are silence for the engine. The uplink begins paused; `resume` is called with the first
    step that the slot still needs."""

    def __init__(self, on_overflow: Callable[[int], None]) -> None:
        """`on_overflow(steps)` is called with the number of dropped steps once the queue moves again."""
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
        """Takes one microphone frame of 480 samples as it came over the wire. Sequences must increase."""
        step, place = divmod(sequence, UPLINK_PER_FRAME)
        if step != self._step:
            self._push()
            self._step = step
            self._sample = max(0, sample - place * UPLINK_SAMPLES)
        self._frames[place] = message[AUDIO_HEADER.size :]
        if place == UPLINK_PER_FRAME - 1:
            self._push()

    def pause(self) -> None:
        """Pauses because the slot is gone or about to go. New steps wait for the next slot, up to the queue's limit."""
        self.paused = True

    def resume(self, next_step: int) -> None:
        """Resumes with a slot that has heard everything before `next_step`.

        Steps from there on that were already sent are sent again, at three times real time."""
        while self._sent and self._sent[-1][0] >= next_step:
            self._queue.appendleft(self._sent.pop())
        self.paused = False
        self._catching_up = True
        self._wake.set()

    def sent_between(self, first: int, last: int) -> int:
        """Returns how many of the remembered steps lie after `first` and before `last`."""
        return sum(first < step < last for step, _ in self._sent)

    async def run(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Sends steps as they come, except while paused, until cancelled. Errors of `send` are raised."""
        while True:
            while self._queue and not self.paused:
                self._sent.append(self._queue.popleft())  # remembered before it is known to have arrived
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
