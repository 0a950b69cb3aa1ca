"""Microphone frames on their way to the engine, which alone misses what a full queue drops: four make a step."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from inference.audio import BYTES_PER_SAMPLE, FRAME_MS, UPLINK_PER_FRAME, UPLINK_SAMPLES
from inference.wire import AUDIO_HEADER, Kind

MAX_STEPS: Final = 1_000 // FRAME_MS  # a second: what is older than that, an answer no longer needs
_SILENCE: Final = bytes(UPLINK_SAMPLES * BYTES_PER_SAMPLE)


class Uplink:
    """Step k holds the frames 4k to 4k+3, so that a step's number needs no memory of earlier ones. Frames that are
    missing in a step are silence for the engine."""

    def __init__(self, on_overflow: Callable[[int], None]) -> None:
        """`on_overflow(steps)` is told how many were dropped, once the queue moves again."""
        self._on_overflow = on_overflow
        self._queue: deque[bytes] = deque()
        self._dropped = 0
        self._wake = asyncio.Event()
        self._step = -1
        self._sample = 0
        self._frames: dict[int, bytes] = {}

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

    async def run(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Sends steps as they come, until cancelled. Raises what `send` raises."""
        while True:
            while self._queue:
                await send(self._queue.popleft())
                if self._dropped:
                    dropped, self._dropped = self._dropped, 0
                    self._on_overflow(dropped)
            self._wake.clear()
            await self._wake.wait()

    def _push(self) -> None:
        if not self._frames:
            return
        pcm = b"".join([self._frames.get(place, _SILENCE) for place in range(UPLINK_PER_FRAME)])
        self._frames = {}
        if len(self._queue) >= MAX_STEPS:
            self._queue.popleft()
            self._dropped += 1
        self._queue.append(AUDIO_HEADER.pack(Kind.PARTICIPANT, self._step, self._sample) + pcm)
        self._wake.set()
