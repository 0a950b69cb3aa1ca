"""Translates for one chat client: its audio becomes microphone frames, and our messages become stock messages."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from websockets.asyncio.server import ServerConnection

from inference.contract.audio import Float32
from inference.contract.errors import WireError
from inference.contract.wire import AUDIO_HEADER, MAX_OPUS_BYTES, ErrorMessage, Kind, Message, Metadata, decode
from inference.worker.doors.chat.encoding import EncodedStream
from inference.worker.doors.chat.opus import OpusInput
from inference.worker.doors.chat.query import ChatRequest

PING_SEC: Final = 3.0  # stock web clients disconnect after 10 s without a message
IDLE_SEC: Final = 60.0  # a slot is not kept for a client that sends no sound
WINDOW_STEPS: Final = 6  # frames in flight, half an inbox; a backlog waits in the socket, so that none is dropped
MAX_FAULTS: Final = 25  # consecutive messages that cannot be understood
STOCK_KINDS: Final = frozenset(range(Kind.PING + 1))

Hear = Callable[[int, Float32], None]


class ChatCarrier:
    """Carries one conversation to its end.

    `hear` takes a step and its frame. `is_waiting` says whether the conversation waits for a slot: audio that comes
    then is discarded, but audio that comes while the slot opens is heard."""

    def __init__(
        self,
        connection: ServerConnection,
        request: ChatRequest,
        stream: EncodedStream,
        hear: Hear,
        is_waiting: Callable[[], bool],
    ) -> None:
        self._connection = connection
        self._request = request
        self._stream = stream
        self._hear = hear
        self._is_waiting = is_waiting
        self._input = OpusInput()
        self._step = 0  # step of the next incoming frame
        self._stepped = asyncio.Event()
        self._steps_out = 0
        self._live = asyncio.Event()
        self._sent_at = self._heard_at = time.monotonic()
        self._faults = 0

    async def send(self, message: bytes, /) -> None:
        """Translates and sends one encoded wire message; many have no counterpart in the stock protocol.

        Raises ConnectionClosed or SlotLost."""
        if message[0] == Kind.AGENT:
            _, step, _ = AUDIO_HEADER.unpack_from(message)
            if pages := await self._stream.push(message[AUDIO_HEADER.size :]):
                await self._tell(Kind.OPUS, pages)
            self._steps_out = step + 1
            self._stepped.set()
        elif message[0] != Kind.HEARD:
            for kind, body in translate(decode(message), self._request):
                await self._tell(kind, body)
                if kind == Kind.HANDSHAKE:
                    self._heard_at = time.monotonic()
                    self._live.set()

    async def read(self) -> None:
        """Reads from the client until it has used up its steps.

        Raises ConnectionClosed, and WireError if the client's messages cannot be understood."""
        while True:
            data = await self._connection.recv()
            try:
                body = _sound(data)
                if body is None or self._is_waiting():
                    continue
                await self._live.wait()
                frames = self._input.push(body)
            except WireError as error:
                await self._refuse(error)
                continue
            for frame in frames:
                if self._request.max_steps is not None and self._step >= self._request.max_steps:
                    return
                await self._room()
                self._hear(self._step, frame)
                self._step += 1
                self._faults = 0
                self._heard_at = time.monotonic()

    async def watch(self) -> None:
        """Pings a client that has been sent nothing for a while.

        Raises ConnectionClosed, and WireError if the client has sent nothing for IDLE_SEC."""
        while True:
            now = time.monotonic()
            if self._live.is_set() and now - self._heard_at >= IDLE_SEC:
                raise WireError("sound", f"none for {IDLE_SEC:.0f} s")
            if now - self._sent_at >= PING_SEC:
                await self._tell(Kind.PING, b"")
            await asyncio.sleep(min(PING_SEC, IDLE_SEC) / 3)

    async def _room(self) -> None:
        while self._step - self._steps_out >= WINDOW_STEPS:
            self._stepped.clear()
            await self._stepped.wait()

    async def _refuse(self, error: WireError) -> None:
        self._faults += 1
        if self._faults == MAX_FAULTS:
            raise error
        await self._tell(Kind.ERROR, str(error).encode())

    async def _tell(self, kind: Kind, body: bytes) -> None:
        self._sent_at = time.monotonic()
        await self._connection.send(bytes([kind]) + body)


def translate(message: Message, request: ChatRequest) -> list[tuple[Kind, bytes]]:
    """Translates one of our messages to messages of the stock protocol, in order."""
    match message:
        case Metadata("live", fields):
            told = {"engine": fields["engine"], "seed": request.slot.seed, "unused": request.unused}
            return [(Kind.HANDSHAKE, b""), (Kind.METADATA, _json("live", told))]
        case Metadata("words", fields):
            return [(Kind.TEXT, str(fields.get("raw_text") or f" {fields['text']}").encode())]
        case Metadata("ended", fields):
            why = [] if fields["reason"] == "released" else [(Kind.ERROR, str(fields["message"]).encode())]
            return [*why, (Kind.METADATA, _json("ended", fields))]
        case Metadata("queue" | "turn" as event, fields):
            return [(Kind.METADATA, _json(event, fields))]
        case ErrorMessage(_, text):
            return [(Kind.ERROR, text.encode())]
    return []


def _sound(data: str | bytes) -> bytes | None:
    """Returns the Ogg-Opus body of a message, or None for the protocol's other messages. Raises WireError."""
    if isinstance(data, str):
        raise WireError("binary messages", "text")
    if not data:
        raise WireError("a message", "no bytes")
    if data[0] not in STOCK_KINDS:
        raise WireError("a type byte of the protocol", f"0x{data[0]:02x}")
    if len(data) > MAX_OPUS_BYTES + 1:
        raise WireError(f"at most {MAX_OPUS_BYTES + 1} bytes", str(len(data)))
    return data[1:] if data[0] == Kind.OPUS else None


def _json(event: str, fields: Mapping[str, Any]) -> bytes:
    return json.dumps({"event": event, **fields}, ensure_ascii=False).encode()
