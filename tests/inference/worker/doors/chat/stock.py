"""Chat clients for tests: one that can say anything, and the moshi package's own with arrays for a sound card."""

from __future__ import annotations

import argparse
import asyncio
import io
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Any

import numpy as np
import pytest
import sphn
from websockets.asyncio.client import ClientConnection, connect

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.contract.wire import Kind

FRAME_SEC = 0.01  # between the frames of the sound card, eight times as fast as sound


def opus_messages(samples: Float32) -> list[bytes]:
    """What a stock client sends, a frame of 80 ms in each message."""
    writer = sphn.OpusStreamWriter(SAMPLE_RATE_HZ)
    starts = range(0, len(samples), FRAME_SAMPLES)
    return [bytes([Kind.OPUS]) + writer.append_pcm(samples[start : start + FRAME_SAMPLES]) for start in starts]


def heard_by_server(messages: list[bytes]) -> Float32:
    """What the sound is once it has been through the codec."""
    reader = sphn.OpusStreamReader(SAMPLE_RATE_HZ)
    samples: Float32 = np.concatenate([reader.append_bytes(message[1:]) for message in messages])
    return samples


class RawClient:
    """A socket at `/api/chat`; `heard` is the sound that came, `text` the words, `others` the rest as (kind, body)."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.heard = np.zeros(0, np.float32)
        self.text = ""
        self.others: list[tuple[Kind, bytes]] = []
        self._reader = sphn.OpusStreamReader(SAMPLE_RATE_HZ)

    @classmethod
    async def open(cls, address: str, query: str = "", **headers: str) -> RawClient:
        url = f"{address}/api/chat{query}"
        return cls(await connect(url, additional_headers=headers, compression=None, proxy=None))

    async def receive(self) -> Kind:
        """Takes in one message. Raises ConnectionClosed."""
        data = await self.socket.recv()
        assert isinstance(data, bytes)
        kind, body = Kind(data[0]), data[1:]
        match kind:
            case Kind.OPUS:
                self.heard = np.concatenate([self.heard, self._reader.append_bytes(body)])
            case Kind.TEXT:
                self.text += body.decode()
            case _:
                self.others.append((kind, body))
        return kind

    async def receive_until(self, kind: Kind) -> bytes:
        """Takes in messages up to one of `kind`, and returns its body."""
        while await self.receive() != kind:
            pass
        return self.others[-1][1] if self.others else b""

    async def hear(self, frames: int) -> None:
        """Takes in messages until so many frames were heard in all."""
        while len(self.heard) < frames * FRAME_SAMPLES:
            await self.receive()


class SoundCard(ModuleType):
    """Stands for the module `sounddevice`: `recorded` is what the microphone hears, `played` what the speaker got."""

    def __init__(self, recorded: Float32) -> None:
        super().__init__("sounddevice")
        self.recorded = recorded
        self.played: list[Float32] = []
        self.PortAudioError = OSError

    def InputStream(self, *, blocksize: int, callback: Callable[..., None], **_: Any) -> Stream:
        blocks = (self.recorded[start : start + blocksize] for start in range(0, len(self.recorded), blocksize))

        def record() -> None:
            block = next(blocks, None)
            if block is not None:
                callback(block[:, None], blocksize, None, None)

        return Stream(record)

    def OutputStream(self, *, blocksize: int, callback: Callable[..., None], **_: Any) -> Stream:
        def play() -> None:
            block = np.zeros((blocksize, 1), np.float32)
            callback(block, blocksize, None, None)
            self.played.append(block[:, 0])

        return Stream(play)


class Stream:
    """Calls `turn` in a thread of its own, as a sound card does, between `with` and its end."""

    def __init__(self, turn: Callable[[], object]) -> None:
        self._stopped = threading.Event()
        self._turn = turn
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stopped.wait(FRAME_SEC):
            self._turn()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def close(self) -> None:
        assert self._stopped.is_set()

    def __enter__(self) -> Stream:
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()


async def stock_client(
    monkeypatch: pytest.MonkeyPatch, address: str, samples: Float32, is_enough: Callable[[Float32, str], bool]
) -> tuple[Float32, str]:
    """`python -m moshi.client --url ADDRESS` says `samples`, until what it played and printed is enough."""
    card = SoundCard(samples)
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    monkeypatch.delitem(sys.modules, "moshi.client", raising=False)
    client = import_module("moshi.client")  # anew, since it keeps the sound card that it found
    from moshi.client_utils import RawPrinter

    printed = io.StringIO()
    printer = RawPrinter(printed, io.StringIO())
    talking = asyncio.create_task(client.run(printer, argparse.Namespace(url=address)))

    def played() -> Float32:
        return np.concatenate([np.zeros(0, np.float32), *card.played])

    while not talking.done() and not is_enough(played(), printed.getvalue()):
        await asyncio.sleep(FRAME_SEC)
    talking.cancel()
    with suppress(asyncio.CancelledError):
        await talking
    return played(), printed.getvalue()
