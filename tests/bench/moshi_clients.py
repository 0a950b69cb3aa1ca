"""Moshi clients for the benchmark: each says the same frames as fast as it is answered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

import numpy as np
import sphn
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from inference.contract.wire import Kind

WINDOW_FRAMES: Final = 4  # under way; enough that no server waits for its client
OPUS: Final = bytes([Kind.OPUS])


@dataclass(frozen=True, slots=True)
class Talked:
    """One session, in seconds since all of them began to connect. `first_sound_sec`: when the first frame of the
    model's own sound came."""

    first_sound_sec: float
    ended_sec: float


async def talk_all(address: str, sessions: int, frames: int, silent: int, missing: int) -> list[Talked]:
    """So many sessions at once at `/api/chat`, each saying `frames` frames. The server answers each frame with one
    message, but for the first `missing`; the first `silent` of its messages hold no sound yet."""
    said = opus_messages(frames)
    began = time.perf_counter()
    return list(await asyncio.gather(*(_talk(address, said, silent, frames - missing, began) for _ in range(sessions))))


def opus_messages(frames: int) -> list[bytes]:
    """A gliding tone, a frame in each message."""
    seconds = np.arange(frames * FRAME_SAMPLES) / SAMPLE_RATE_HZ
    samples = (0.3 * np.sin(2 * np.pi * 220 * seconds + 2 * np.sin(4 * np.pi * seconds))).astype(np.float32)
    writer = sphn.OpusStreamWriter(SAMPLE_RATE_HZ)
    return [OPUS + writer.append_pcm(frame) for frame in samples.reshape(frames, FRAME_SAMPLES)]


class _Client(WSListener):
    """One session at a time of its own."""

    def __init__(self, said: list[bytes], silent: int, answers: int, began: float) -> None:
        self.ended: asyncio.Future[Talked] = asyncio.get_running_loop().create_future()
        self._said = said
        self._silent = silent
        self._answers = answers
        self._began = began
        self._sent = self._heard = 0
        self._first_sound = 0.0

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        kind = frame.get_payload_as_memoryview()[0]
        if kind == Kind.OPUS:
            self._heard += 1
            if self._heard == self._silent + 1:
                self._first_sound = time.perf_counter() - self._began
        elif kind != Kind.HANDSHAKE:
            return
        while self._sent < len(self._said) and self._sent - self._heard < WINDOW_FRAMES:
            transport.send(WSMsgType.BINARY, self._said[self._sent])
            self._sent += 1
        if self._heard == self._answers:
            self.ended.set_result(Talked(self._first_sound, time.perf_counter() - self._began))
            transport.send_close()

    def on_ws_disconnected(self, _: WSTransport) -> None:
        if not self.ended.done():
            self.ended.set_exception(ConnectionError("the server ended a session"))


async def _talk(address: str, said: list[bytes], silent: int, answers: int, began: float) -> Talked:
    client = _Client(said, silent, answers, began)
    await ws_connect(lambda: client, f"{address}/api/chat")
    return await client.ended
