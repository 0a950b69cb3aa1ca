"""A talk page without a browser: it speaks ASGI to the site's own application, from Origin check to consumer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from hearmeout_site.asgi import application
from inference.contract.audio import UPLINK_SAMPLES
from inference.contract.wire import (
    Ack,
    AudioFrame,
    ErrorMessage,
    Kind,
    Message,
    Metadata,
    Playback,
    decode,
    encode,
    encode_audio,
)

HOST = "localhost:8000"


def microphone_frame(sequence: int) -> bytes:
    """PCM16 [UPLINK_SAMPLES] of noise, different for every sequence."""
    return np.random.default_rng(sequence).integers(-8_000, 8_000, UPLINK_SAMPLES, dtype="<i2").tobytes()


class Page:
    """One socket. `messages` is all that came, `closed` the code it was closed with."""

    def __init__(self, take_id: object, ticket: str, origin: str | None = f"http://{HOST}") -> None:
        headers = [(b"host", HOST.encode())] + ([(b"origin", origin.encode())] if origin is not None else [])
        self._scope = {
            "type": "websocket",
            "path": f"/ws/talk/{take_id}/",
            "query_string": f"ticket={ticket}".encode(),
            "headers": headers,
            "subprotocols": [],
        }
        self.messages: list[Message] = []
        self.closed: int | None = None
        self.reports = True  # whether agent frames are reported as received
        self._to_application: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._changed = asyncio.Condition()
        self._running: asyncio.Task[None] | None = None

    async def open(self) -> Self:
        self._to_application.put_nowait({"type": "websocket.connect"})
        self._running = asyncio.create_task(application(self._scope, self._to_application.get, self._from_application))
        return self

    async def _from_application(self, event: dict[str, Any]) -> None:
        if event["type"] == "websocket.send":
            message = decode(event["bytes"])
            self.messages.append(message)
            if self.reports and isinstance(message, AudioFrame):
                self.report(message.sequence, message.sample)
        elif event["type"] == "websocket.close":
            self.closed = event["code"]
            self._to_application.put_nowait({"type": "websocket.disconnect", "code": self.closed})
        async with self._changed:
            self._changed.notify_all()

    def send(self, data: bytes) -> None:
        self._to_application.put_nowait({"type": "websocket.receive", "bytes": data})

    def send_text(self, text: str) -> None:
        self._to_application.put_nowait({"type": "websocket.receive", "text": text})

    def tell(self, event: str, **data: Any) -> None:
        self.send(encode(Metadata(event, data)))

    def say(self, *sequences: int, slipped: int = 0) -> None:
        """Microphone frames; their clock has slipped by so many samples."""
        for sequence in sequences:
            place = sequence * UPLINK_SAMPLES + slipped
            self.send(encode_audio(Kind.PARTICIPANT, sequence, place, microphone_frame(sequence)))

    def report(self, step: int, sample: int, underruns: int = 0) -> None:
        """`step` came, and begins to sound at `sample`."""
        self.send(encode(Playback(step, step, sample, 0, underruns)))

    def drop(self) -> None:
        """The connection breaks."""
        self._to_application.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def gone(self) -> None:
        """The application has ended with this socket."""
        assert self._running is not None
        await asyncio.wait_for(self._running, 20)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [dict(m.data) for m in self.messages if isinstance(m, Metadata) and m.event == name]

    def agent_frames(self) -> list[AudioFrame]:
        return [message for message in self.messages if isinstance(message, AudioFrame)]

    def errors(self) -> list[str]:
        return [message.code for message in self.messages if isinstance(message, ErrorMessage)]

    def acknowledged(self) -> int:
        """Last sequence on disk, -1 for none."""
        return max([-1, *(message.sequence for message in self.messages if isinstance(message, Ack))])

    async def until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), 20)

    async def event(self, name: str) -> dict[str, Any]:
        """The first event of that name."""
        await self.until(lambda: bool(self.events(name)))
        return self.events(name)[0]

    async def until_closed(self) -> int:
        await self.until(lambda: self.closed is not None)
        assert self.closed is not None
        return self.closed
