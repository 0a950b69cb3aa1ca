"""A conversation over `/api/chat`, with an inference worker or any other server of Moshi's protocol."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from inference.contract.audio import Float32
from inference.contract.errors import WireError
from inference.contract.wire import Kind
from inference.terminal.dialing import NO_REASON, Event, Live, Over, Sound, Unused, Waiting, Words, why_closed
from inference.worker.doors.chat.opus import OpusInput, OpusOutput

LAST_SOUND_SEC: Final = 3.0  # how long to wait for the last frames of sound
NO_HANDSHAKE_SEC: Final = 2.0  # a server that is silent for longer is taken to be busy with another client
BUSY_SEC: Final = 60.0  # ... and one that is silent for this long after that, to be none of this protocol
NEVER_BEGAN: Final = (
    f"The server accepted the connection but did not begin within {BUSY_SEC:.0f} s. It is talking with somebody else, "
    "or it does not speak Moshi's protocol."
)


class ChatLink:
    """A link over `socket`, open at `/api/chat`. The protocol has no message to end a conversation, so it ends when
    every frame has been answered."""

    def __init__(self, socket: ClientConnection, uncertain: Sequence[str] = ()) -> None:
        """`uncertain` names what was asked for of a server that does not say whether it uses it."""
        self._socket = socket
        self._pending: deque[Event] = deque([Unused(uncertain, certain=False)] if uncertain else [])
        self._input = OpusInput()
        self._output = OpusOutput()
        self._frames_out = 0
        self._frames_in = 0
        self._ending = False
        self._greeted = False
        self._told_waiting = False
        self._is_queued = False  # by a server that will say when the wait is over
        self._error = ""

    async def send(self, frame: Float32) -> None:
        pages = self._output.push(frame)
        self._frames_out += 1
        if pages:
            with suppress(ConnectionClosed):  # `receive` reports it
                await self._socket.send(bytes([Kind.OPUS]) + pages)

    async def receive(self) -> Event:
        if self._pending:
            return self._pending.popleft()
        while True:
            if self._ending and self._frames_in >= self._frames_out - 1:  # some servers do not answer the first frame
                return Over("", fault=False)
            try:
                async with asyncio.timeout(self._patience_sec()):
                    data = await self._socket.recv()
            except TimeoutError:
                if self._ending:
                    return Over("", fault=False)
                if self._told_waiting:
                    return Over(NEVER_BEGAN, fault=True)
                self._told_waiting = True
                return Waiting(0)
            except ConnectionClosed as closed:
                return Over(self._error or why_closed(closed), fault=not self._ending)
            if isinstance(data, bytes) and data and (event := self._event(data[0], data[1:])):
                return event

    async def end(self) -> None:
        self._ending = True

    async def close(self) -> None:
        await self._socket.close()

    def _patience_sec(self) -> float | None:
        if self._ending:
            return LAST_SOUND_SEC
        if self._greeted or self._is_queued:
            return None
        return BUSY_SEC if self._told_waiting else NO_HANDSHAKE_SEC

    def _event(self, kind: int, body: bytes) -> Event | None:
        match kind:
            case Kind.HANDSHAKE:
                self._greeted = True
                return Live("")
            case Kind.OPUS:
                with suppress(WireError):  # sound that cannot be decoded is not played
                    frames = self._input.push(body)
                    self._frames_in += len(frames)
                    return Sound(np.concatenate([np.zeros(0, np.float32), *frames]))
            case Kind.TEXT:
                return Words(body.decode(errors="replace"))
            case Kind.METADATA:
                return self._metadata(body)
            case Kind.ERROR:
                self._error = body.decode(errors="replace")
        return None

    def _metadata(self, body: bytes) -> Event | None:
        try:
            fields: Any = json.loads(body)
        except (ValueError, RecursionError):
            return None
        match fields:
            case {"event": "queue", "position": int(position)}:
                self._is_queued = True
                return Waiting(position, fields.get("reason") == "overloaded")
            case {"event": "live", "engine": str(engine)}:
                if unused := fields.get("unused"):
                    self._pending.append(Unused([str(name) for name in unused], certain=True))
                return Live(engine)
            case {"event": "ended", "reason": reason}:
                return Over(self._error or NO_REASON, fault=True) if reason != "released" else Over("", fault=False)
        return None
