"""Moshi clients for the benchmark: each says the same frames as fast as it is answered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

import numpy as np
import sphn
from websockets.asyncio.client import ClientConnection, connect

from inference.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from inference.wire import Kind

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


async def _talk(address: str, said: list[bytes], silent: int, answers: int, began: float) -> Talked:
    # no keepalive: the stock server does not answer it while it talks with somebody else
    async with connect(f"{address}/api/chat", compression=None, ping_interval=None, proxy=None) as socket:
        while (await socket.recv())[0] != Kind.HANDSHAKE:
            pass
        sent, heard, first_sound = 0, 0, 0.0
        while heard < answers:
            while sent < len(said) and sent - heard < WINDOW_FRAMES:
                await socket.send(said[sent])
                sent += 1
            await _next_sound(socket)
            heard += 1
            if heard == silent + 1:
                first_sound = time.perf_counter() - began
        return Talked(first_sound, time.perf_counter() - began)


async def _next_sound(socket: ClientConnection) -> None:
    while (await socket.recv())[0] != Kind.OPUS:
        pass
