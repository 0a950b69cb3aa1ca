"""A small server of our pages and of the wire, that does to the talk page what a test tells it to."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import uvicorn
from django.conf import settings

from inference.contract import wire
from inference.contract.audio import FRAME_MS, FRAME_SAMPLES
from studies.talk.live.endings import ENDINGS, ending_by_page

Send = Callable[[dict[str, Any]], Any]
STATIC = {"studies": settings.BASE_DIR / "studies/static/studies", "npm": settings.BASE_DIR / "node_modules"}
POLICY = "default-src 'none'; script-src 'self' 'nonce-test'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; media-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:"  # noqa: E501
LEAD_STEPS = 4  # agent frames sent ahead, for the stalls of a busy machine; below what the page would jump over


@dataclass
class Script:
    """What happens to the take. `drops`: after so many frames the socket breaks and stays away for so many seconds."""

    agent_pcm: bytes = b""
    agent_events: dict[int, list[wire.Metadata]] = field(default_factory=dict)
    queue: list[int] = field(default_factory=list)
    queue_sec: float = 0.3
    drops: list[tuple[int, float]] = field(default_factory=list)
    acknowledge: bool = True
    refuse_take: tuple[int, str, str] | None = None  # HTTP status, code, message
    refuse_socket: tuple[int, str, str] | None = None  # close code, code, message
    ends_after: tuple[int, str, str] | None = None  # frames, reason, message
    limit_ms: int = 120_000
    machine: bool = True  # whether probes of the way to the inference worker are answered


@dataclass
class Recording:
    """What arrived."""

    frames: dict[int, tuple[int, bytes]] = field(default_factory=dict)  # sequence -> sample, PCM16
    duplicates: int = 0
    events: list[wire.Metadata] = field(default_factory=list)
    playback: list[wire.Playback] = field(default_factory=list)
    connections: int = 0
    tickets: int = 0
    agent_steps: int = 0

    @property
    def next_sequence(self) -> int:
        return len(self.frames)

    def of(self, event: str) -> list[wire.Metadata]:
        return [message for message in self.events if message.event == event]


class PageServer:
    """`pages`: path -> HTML, `files`: path -> file, `answers`: path -> JSON, or a function that makes it."""

    def __init__(self) -> None:
        self.script = Script()
        self.recording = Recording()
        self.pages: dict[str, str] = {}
        self.files: dict[str, Path] = {}
        self.answers: dict[str, Any] = {}
        self.posts: list[tuple[str, bytes]] = []
        self.url = ""
        self._away_until = 0.0

    def reset(self, script: Script | None = None) -> Recording:
        self.script, self.recording, self._away_until = script or Script(), Recording(), 0.0
        self.posts = []
        return self.recording

    @contextmanager
    def running(self) -> Iterator[Self]:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            server = uvicorn.Server(uvicorn.Config(self, lifespan="off", log_level="warning", ws="websockets-sansio"))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
            thread.start()
            try:
                yield self
            finally:
                server.should_exit = True
                thread.join(10)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["path"].endswith("/preview/"):
            await self._preview(receive, send)
        else:
            await self._talk(receive, send)

    # -- pages -----------------------------------------------------------------------------------------------------

    async def _http(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        path = scope["path"]
        body = b""
        while True:
            event = await receive()
            body += event.get("body", b"")
            if not event.get("more_body"):
                break
        if scope["method"] == "POST":
            self.posts.append((path, body))
        kind, content, status = "application/json", b"{}", 404
        if path == "/takes/":
            status, answer = self._open_take(scope)
            content = json.dumps(answer).encode()
        elif path == "/ticket/":
            self.recording.tickets += 1
            away = self._now() < self._away_until
            status, content = (503, b"{}") if away else (200, b'{"ticket": "again"}')
        elif path in self.answers:
            answer = self.answers[path]
            status, answer = answer() if callable(answer) else (200, answer)
            content = json.dumps(answer).encode()
        elif path in self.pages:
            kind, content, status = "text/html", self.pages[path].encode(), 200
        elif (file := self._file(path)) is not None:
            kind, content, status = mimetypes.guess_type(file.name)[0] or "audio/flac", file.read_bytes(), 200
        headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
        if kind == "text/html":
            headers.append((b"content-security-policy", POLICY.encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _file(self, path: str) -> Path | None:
        if path in self.files:
            return self.files[path]
        parts = path.split("/", 3)
        if len(parts) == 4 and parts[1] == "static" and parts[2] in STATIC:
            file: Path = STATIC[parts[2]] / parts[3]
            return file if file.is_file() else None
        return None

    def _open_take(self, scope: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        headers = dict(scope["headers"])
        if headers.get(b"x-csrftoken") != b"test-csrf":
            return 403, {"code": "csrf", "message": "The page did not send its token."}
        if self.script.refuse_take is not None:
            status, code, message = self.script.refuse_take
            return status, {"code": code, "message": message}
        urls = {"socketUrl": "/talk/", "ticketUrl": "/ticket/", "statusUrl": "/status/"}
        return 201, {"take": "0", **urls, "ticket": "first", "limitMs": self.script.limit_ms, "graceMs": 15_000}

    # -- the wire --------------------------------------------------------------------------------------------------

    async def _talk(self, receive: Any, send: Send) -> None:
        await receive()
        recording, script = self.recording, self.script
        if self._now() < self._away_until:
            await send({"type": "websocket.close", "code": 1013})
            return
        await send({"type": "websocket.accept"})
        recording.connections += 1

        async def say(message: wire.Message) -> None:
            await send({"type": "websocket.send", "bytes": wire.encode(message)})

        if script.refuse_socket is not None:
            close_code, code, text = script.refuse_socket
            await say(wire.ErrorMessage(code, text))
            await send({"type": "websocket.close", "code": close_code})
            return
        hello = {"next_sequence": recording.next_sequence, "limit_ms": script.limit_ms, "elapsed_ms": 0}
        await say(wire.Metadata("hello", hello))
        speaking = asyncio.create_task(self._speak(say))
        try:
            await self._listen(receive, send, say)
        finally:
            speaking.cancel()
            with suppress(asyncio.CancelledError):
                await speaking

    async def _preview(self, receive: Any, send: Send) -> None:
        """Pings come back, and so do probes, unless there is no machine."""
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            message = wire.decode(event["bytes"])
            answer: wire.Message = message
            if isinstance(message, wire.Metadata):
                probed = wire.Metadata("probed", {"number": message.data["number"], "latency_samples": 1_440})
                answer = probed if self.script.machine else wire.ErrorMessage("no_worker", "Nobody is there.")
            await send({"type": "websocket.send", "bytes": wire.encode(answer)})

    async def _listen(self, receive: Any, send: Send, say: Any) -> None:
        recording, script = self.recording, self.script
        while (event := await receive())["type"] == "websocket.receive":
            message = wire.decode(event["bytes"])
            match message:
                case wire.AudioFrame(wire.Kind.PARTICIPANT, sequence, sample, pcm):
                    recording.duplicates += sequence in recording.frames
                    recording.frames[sequence] = (sample, pcm)
                    if script.acknowledge and sequence % 10 == 9:
                        await say(wire.Ack(sequence))
                    if script.drops and sequence + 1 >= script.drops[0][0]:
                        self._away_until = self._now() + script.drops.pop(0)[1]
                        await send({"type": "websocket.close", "code": 1012})
                        return
                    if script.ends_after is not None and sequence + 1 >= script.ends_after[0]:
                        _, reason, text = script.ends_after
                        await say(wire.Metadata("ended", {"reason": reason, "message": text}))
                        await send({"type": "websocket.close", "code": 1000})
                        return
                case wire.Metadata("end"):
                    recording.events.append(message)
                    reason = ending_by_page(message.data.get("reason"))
                    text = str(ENDINGS[reason].message)
                    await say(wire.Metadata("ended", {"reason": reason, "message": text}))
                    await send({"type": "websocket.close", "code": 1000})
                    return
                case wire.Metadata():
                    recording.events.append(message)
                case wire.Playback():
                    recording.playback.append(message)

    async def _speak(self, say: Any) -> None:
        """The queue, then the agent's track in real time, silence once it is over, as an engine does."""
        if self.recording.connections == 1:
            for position in self.script.queue:
                await say(wire.Metadata("queue", {"position": position}))
                await asyncio.sleep(self.script.queue_sec)
        await say(wire.Metadata("live", {"engine": "test", "resumed": self.recording.connections > 1}))
        started = self._now() - (self.recording.agent_steps + LEAD_STEPS) * FRAME_MS / 1_000
        while True:
            step = self.recording.agent_steps
            await asyncio.sleep(max(0.0, started + step * FRAME_MS / 1_000 - self._now()))
            pcm = self.script.agent_pcm[step * 2 * FRAME_SAMPLES :][: 2 * FRAME_SAMPLES]
            await say(wire.AudioFrame(wire.Kind.AGENT, step, step * FRAME_SAMPLES, pcm.ljust(2 * FRAME_SAMPLES, b"\0")))
            for event in self.script.agent_events.get(step, []):
                await say(event)
            self.recording.agent_steps += 1

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
