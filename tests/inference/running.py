"""An inference worker in this process, on a free port, and what a client says and hears."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.client import Slot, open_slot
from inference.contract.errors import OptionError, SlotLost
from inference.contract.tokens import SLOT, SlotRequest, sign
from inference.contract.wire import AudioFrame, Kind, Message, Metadata, decode, encode, encode_audio
from inference.engines.base import Engine, SlotConfig, StepOutput
from inference.engines.echo import EchoEngine
from inference.worker.__main__ import Worker
from inference.worker.settings import WorkerSettings
from inference.worker.statistics import StepStatistics

SECRET = "a secret of the tests, long enough"
NOWHERE = "http://127.0.0.1:9"  # the discard port: no web listens there


class FaultyEngine(EchoEngine):
    """Echoes, but for the text prompts that name a fault."""

    def open(self, slot: int, config: SlotConfig) -> None:
        if config.text_prompt == "refuse":
            raise OptionError("text_prompt", "refuse", "anything else")
        if config.text_prompt == "break at open":
            raise RuntimeError("broken")
        super().open(slot, config)

    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        outputs = super().step(frames)
        for slot in frames:
            match self._rows[slot].words:
                case "fail":
                    self.failed[slot] = RuntimeError("failed")
                case "raise":
                    raise RuntimeError("raised")
                case "short":
                    outputs[slot] = StepOutput(np.zeros(FRAME_SAMPLES - 1, np.float32))
                case "not a number":
                    outputs[slot] = StepOutput(np.full(FRAME_SAMPLES, np.nan, np.float32))
        return outputs

    def close(self, slot: int) -> None:
        words = self._rows[slot].words if slot in self._rows else ""
        super().close(slot)
        if words == "break at close":
            raise RuntimeError("not clean")


class HeldEngine(EchoEngine):
    """Echoes while `go` is set; `entered` tells that a step has begun."""

    go = threading.Event()
    entered = threading.Event()

    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        self.entered.set()
        assert self.go.wait(20)
        return super().step(frames)


class Stopwatch:
    """Time that passes only as it is told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class TimedEngine(EchoEngine):
    """Echoes; each step takes `step_sec` on the stopwatch, whatever it really takes."""

    stopwatch = Stopwatch()
    step_sec = 0.0

    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        self.stopwatch.seconds += self.step_sec
        return super().step(frames)


@asynccontextmanager
async def running_worker(
    engine: Callable[..., Engine] = EchoEngine,
    statistics: StepStatistics | None = None,
    converters: Sequence[str] = ("none", "transform"),
    **settings: Any,
) -> AsyncIterator[Worker]:
    """Serves `engine` under the name echo."""
    asked = WorkerSettings(**{"worker_secret": SECRET, "port": 0, "web_url": NOWHERE, "engines": ("echo",), **settings})
    worker = Worker(asked, {"echo": partial(engine, asked.slots, {})}, converters, statistics)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


async def open_take(worker: Worker, take: str = "take-1", secret: str = SECRET, **request: Any) -> Slot:
    return await open_slot(worker.address, SlotRequest(take, request.pop("engine", "echo"), **request), secret)


async def raw_connection(worker: Worker, authorization: str | None = "", take: str = "raw") -> ClientConnection:
    """A socket that can send anything. `authorization` "" for a good token, None for no header at all."""
    if authorization == "":
        authorization = f"Bearer {sign(SLOT, SlotRequest(take, 'echo'), SECRET, to=worker.address)}"
    headers = {"Authorization": authorization} if authorization else {}
    return await connect(f"{worker.address}/slot", additional_headers=headers, proxy=None)


def noise_frame(step: int) -> bytes:
    """PCM16 of one step, different for every step."""
    return np.random.default_rng(step).integers(-8_000, 8_000, FRAME_SAMPLES, dtype="<i2").tobytes()


async def say(slot: Slot, *steps: int) -> None:
    """One frame of noise for every step."""
    for step in steps:
        await slot.send(encode_audio(Kind.PARTICIPANT, step, step * FRAME_SAMPLES, noise_frame(step)))


async def converse(slot: Slot, steps: Iterable[int]) -> list[Message]:
    """Says each step when the one before has been answered. Returns all that came, but for what follows the last."""
    messages: list[Message] = []
    for step in steps:
        await say(slot, step)
        while True:
            message = decode(await slot.receive())
            messages.append(message)
            if isinstance(message, AudioFrame) and (message.kind, message.sequence) == (Kind.AGENT, step):
                break
    return messages


async def next_event(slot: Slot, event: str) -> Mapping[str, Any]:
    """The next event of that name; what comes before it is passed over."""
    while True:
        message = decode(await slot.receive())
        if isinstance(message, Metadata) and message.event == event:
            return message.data


async def next_frames(slot: Slot, kind: Kind, count: int) -> list[AudioFrame]:
    """The next frames of that kind."""
    frames: list[AudioFrame] = []
    while len(frames) < count:
        message = decode(await slot.receive())
        if isinstance(message, AudioFrame) and message.kind == kind:
            frames.append(message)
    return frames


async def everything(slot: Slot) -> tuple[list[Message], SlotLost]:
    """All that comes until the worker closes, and how it closed."""
    messages: list[Message] = []
    while True:
        try:
            messages.append(decode(await slot.receive()))
        except SlotLost as lost:
            return messages, lost


async def end(slot: Slot) -> list[Message]:
    """Ends the talk and returns all that was still to come."""
    await slot.send(encode(Metadata("end")))
    messages, _ = await everything(slot)
    return messages
