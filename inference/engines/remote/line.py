"""What the step thread and a conversation's task hand to each other. Neither ever waits for the other."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import suppress
from typing import Final, NamedTuple

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.wire import Metadata
from inference.engines.base import StepOutput
from inference.engines.remote.playout import Playout

UPLINK_FRAMES: Final = 25  # two seconds: what a server is further behind than this, it does not hear


class Heard(NamedTuple):
    """A frame of the participant: `sample` is its place on the slot's clock, `pcm` float32 [FRAME_SAMPLES]."""

    sample: int
    pcm: Float32


class Line:
    """One conversation. `exchange` is the step thread's, everything else the task's.

    `hold` says what happens to speech before the server listens: kept (at most UPLINK_FRAMES) or let go."""

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
