"""A participant's browser without the browser: speaks the wire as js/talk/worker.js does, for tests that need many of
them or that kill things under them. Keeps what is not acknowledged and sends it again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from inference.contract import wire
from inference.contract.audio import UPLINK_MS, UPLINK_SAMPLES, float32_to_pcm16

REPORT_EVERY_STEPS = 5
AS_PAGE = {"Accept": "application/json"}  # as the page asks for takes and tickets


def noise_frame(sequence: int, seed: int = 0) -> bytes:
    """480 samples of PCM16 that no other sequence has: a frame out of place is seen."""
    generator = np.random.default_rng((seed, sequence))
    return float32_to_pcm16(generator.uniform(-0.5, 0.5, UPLINK_SAMPLES).astype(np.float32))


@dataclass
class TalkOver:
    """How a talk ended: the reason of the `ended` event or the code of an error."""

    reason: str
    message: str = ""


def refused(answer: httpx.Response) -> TalkOver:
    """What the server said in place of a take or a ticket; `http_500` and the like where it was no JSON."""
    if answer.headers.get("Content-Type", "").startswith("application/json"):
        return TalkOver(answer.json()["code"], answer.json()["message"])
    return TalkOver(f"http_{answer.status_code}")


@dataclass
class BrowserTwin:
    """One participant with the link `token`, at `url`."""

    url: str
    token: str
    seed: int = 0
    sequence: int = 0  # next frame to capture
    acknowledged: int = -1
    frames: dict[int, bytes] = field(default_factory=dict)  # captured, not yet acknowledged
    events: list[wire.Metadata] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    take: str = ""
    reconnects: int = 0
    live: bool = False  # connected, and heard by the engine

    async def talk(self, position: int, duration_sec: float, grace_sec: float = 15.0) -> TalkOver:
        """Start a take and hold it for `duration_sec` of captured sound; reconnects as the page does."""
        self.sequence, self.acknowledged, self.frames = 0, -1, {}
        self.events, self.steps, self.reconnects = [], [], 0
        async with httpx.AsyncClient(base_url=self.url, timeout=10) as http:
            answer = await self._post(http, f"/p/{self.token}/trials/{position}/takes/")
            if answer.status_code != 201:
                return refused(answer)
            start = answer.json()
            self.take = start["take"]
            ticket = start["ticket"]
            lost_at = None
            while True:
                if ticket:
                    over = await self._connection(start["socketUrl"], ticket, duration_sec)
                    if over is not None:
                        return over
                    lost_at = time.monotonic()
                    self.reconnects += 1
                if lost_at is not None and time.monotonic() - lost_at > grace_sec:
                    return TalkOver("abandoned", "could not reconnect")
                await asyncio.sleep(0.3)
                ticket = ""
                try:
                    answer = await self._post(http, start["ticketUrl"])
                except httpx.TransportError:
                    continue
                if answer.status_code in (200, 201):
                    ticket = answer.json()["ticket"]
                elif answer.status_code < 500:
                    return refused(answer)

    async def _post(self, http: httpx.AsyncClient, path: str) -> httpx.Response:
        """As the page does: with the CSRF cookie and its header."""
        if "csrftoken" not in http.cookies:
            await http.get(f"/p/{self.token}/", follow_redirects=True)
        csrf = http.cookies.get("csrftoken") or ""
        return await http.post(path, headers={**AS_PAGE, "X-CSRFToken": csrf, "Origin": self.url, "Referer": self.url})

    async def _connection(self, path: str, ticket: str, duration_sec: float) -> TalkOver | None:
        """One socket; None when it broke and the talk can go on."""
        address = self.url.replace("http", "ws", 1) + f"{path}?ticket={ticket}"
        try:
            async with connect(address, origin=self.url, compression=None, max_queue=None) as socket:  # type: ignore[arg-type]
                live = asyncio.Event()
                sending = asyncio.create_task(self._send(socket, live, duration_sec))
                try:
                    return await self._receive(socket, live)
                finally:
                    self.live = False
                    sending.cancel()
        except (ConnectionClosed, InvalidStatus, OSError, TimeoutError):
            return None

    async def _receive(self, socket: ClientConnection, live: asyncio.Event) -> TalkOver | None:
        async for data in socket:
            assert isinstance(data, bytes)
            match wire.decode(data):
                case wire.Ack(sequence):
                    assert sequence >= self.acknowledged, "an acknowledgement went backwards"
                    self.acknowledged = sequence
                    self.frames = {number: pcm for number, pcm in self.frames.items() if number > sequence}
                case wire.Metadata("hello", fields):
                    for number in range(fields["next_sequence"], self.sequence):
                        await socket.send(self._encoded(number, self.frames[number]))
                case wire.Metadata("live") as event:
                    self.events.append(event)
                    self.live = True
                    live.set()
                case wire.Metadata("ended", fields):
                    return TalkOver(fields["reason"], fields["message"])
                case wire.ErrorMessage(code, message):
                    return TalkOver(code, message)
                case wire.AudioFrame(wire.Kind.AGENT, step, sample, _):
                    self.steps.append(step)
                    if step % REPORT_EVERY_STEPS == 0:
                        await socket.send(wire.encode(wire.Playback(step, max(step - 2, 0), sample, 3_840, 0)))
                case wire.Metadata() as event:
                    self.events.append(event)
                case _:
                    pass
        return None

    async def _send(self, socket: ClientConnection, live: asyncio.Event, duration_sec: float) -> None:
        await live.wait()
        due = time.monotonic()
        while self.sequence * UPLINK_MS < duration_sec * 1_000:
            pcm = noise_frame(self.sequence, self.seed)
            self.frames[self.sequence] = pcm
            await socket.send(self._encoded(self.sequence, pcm))
            self.sequence += 1
            due += UPLINK_MS / 1_000
            await asyncio.sleep(max(0, due - time.monotonic()))
        await socket.send(wire.encode(wire.Metadata("end", {})))

    def _encoded(self, sequence: int, pcm: bytes) -> bytes:
        return wire.encode_audio(wire.Kind.PARTICIPANT, sequence, sequence * UPLINK_SAMPLES, pcm)


async def status(url: str, token: str, take: str) -> dict[str, Any]:
    """The take's JSON status as the page polls it."""
    async with httpx.AsyncClient(base_url=url, timeout=10) as http:
        answer: dict[str, Any] = (await http.get(f"/p/{token}/takes/{take}/")).json()
        return answer
