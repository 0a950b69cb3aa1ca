"""The worker's side of the encoder process (see encoder.py), which serves all chat clients."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections import deque
from itertools import count
from typing import Final, cast

import structlog

from inference.contract.errors import SlotLost
from inference.contract.settings import ROOT
from inference.worker.doors.chat.encoder import HEADER

COMMAND: Final = (sys.executable, "-m", "inference.worker.doors.chat.encoder")
STOP_SEC: Final = 2.0
LOST: Final = "what it says cannot be encoded any more"

log = structlog.get_logger(__name__)


class EncoderProcess(asyncio.SubprocessProtocol):
    """One encoder process and its requests. Within a stream, answers come in the order of the requests."""

    def __init__(self) -> None:
        self.exited = asyncio.get_running_loop().create_future()
        self.waiting: dict[int, deque[asyncio.Future[bytes]]] = {}
        self._came = bytearray()
        self._asked = bytearray()
        self._transport: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)  # uvloop's has none of asyncio's classes

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        assert isinstance(data, bytes)
        self._came += data
        start = 0
        while len(self._came) - start >= HEADER.size:
            stream, length = HEADER.unpack_from(self._came, start)
            end = start + HEADER.size + length
            if len(self._came) < end:
                break
            if stream in self.waiting and not (encoded := self.waiting[stream].popleft()).done():
                encoded.set_result(bytes(self._came[start + HEADER.size : end]))
            start = end
        del self._came[:start]

    def process_exited(self) -> None:
        assert self._transport is not None
        self._transport.close()
        self.exited.set_result(None)
        lost, self.waiting = self.waiting, {}
        if lost:
            log.error("encoder lost", streams=len(lost))
        for encoded in (each for stream in lost.values() for each in stream):
            if not encoded.done():
                encoded.set_exception(SlotLost(LOST))

    def ask(self, stream: int, pcm: bytes) -> None:
        """Requests encoding. The requests of one turn of the event loop, mostly a step's frames, go out together."""
        if not self._asked:
            asyncio.get_running_loop().call_soon(self._write)
        self._asked += HEADER.pack(stream, len(pcm)) + pcm

    def _write(self) -> None:
        assert self._transport is not None
        asked, self._asked = self._asked, bytearray()
        pipe = cast(asyncio.WriteTransport | None, self._transport.get_pipe_transport(0))
        if pipe is not None and not pipe.is_closing():
            pipe.write(bytes(asked))

    async def stop(self) -> None:
        """Closes the input of the process, and kills it if it does not end."""
        assert self._transport is not None
        pipe = self._transport.get_pipe_transport(0)
        if pipe is not None:
            pipe.close()
        await asyncio.wait([self.exited], timeout=STOP_SEC)
        if not self.exited.done():
            self._transport.kill()
        await self.exited


class Encoders:
    """Starts the process when the first stream is opened, and again if it has died."""

    def __init__(self) -> None:
        self._process: EncoderProcess | None = None
        self._starting = asyncio.Lock()
        self._streams = count(1)

    async def open(self) -> EncodedStream:
        """Opens a new stream. Raises SlotLost if the process cannot be started."""
        async with self._starting:
            if self._process is None or self._process.exited.done():
                loop = asyncio.get_running_loop()
                try:
                    _, self._process = await loop.subprocess_exec(
                        EncoderProcess, *COMMAND, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
                    )
                except OSError as error:
                    raise SlotLost(LOST) from error
        return EncodedStream(self._process, next(self._streams))

    async def stop(self) -> None:
        """Ends the process."""
        if self._process is not None and not self._process.exited.done():
            await self._process.stop()


class EncodedStream:
    """The encoded audio for one client."""

    def __init__(self, process: EncoderProcess, stream: int) -> None:
        self._process = process
        self._stream = stream
        process.waiting[stream] = deque()

    async def push(self, pcm: bytes) -> bytes:
        """Encodes PCM16 of any length and returns the pages that are complete, with the headers before the first.

        Raises SlotLost if the process has died."""
        if self._stream not in self._process.waiting:
            raise SlotLost(LOST)
        encoded: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._process.waiting[self._stream].append(encoded)
        self._process.ask(self._stream, pcm)
        return await encoded

    def close(self) -> None:
        if self._process.waiting.pop(self._stream, None) is not None:
            self._process.ask(self._stream, b"")
