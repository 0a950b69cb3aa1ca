"""A server of the OpenAI Realtime protocol that keeps it to the letter: its final and its preview shape, and Unmute's.

With `talks` it answers whatever is said to it; otherwise a test plays its part through a Visit. What a client sends is
checked against the documented shapes: what is wrong is answered with an error event and kept in `problems`.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping, Sequence
from itertools import count
from queue import Queue
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import numpy as np
import sphn
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from inference.contract.audio import SAMPLE_RATE_HZ, Float32, float32_to_pcm16, pcm16_to_float32

LIMIT_SEC: Final = 20.0
LOUD: Final = 0.01
QUIET_FRAMES: Final = 3
PREVIEW_NAMES: Final[Mapping[str, str]] = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}
FINAL_SESSION: Final = {"type", "output_modalities", "audio", "instructions", "max_output_tokens", "model"}
PREVIEW_SESSION: Final = {
    "modalities",
    "input_audio_format",
    "output_audio_format",
    "turn_detection",
    "voice",
    "instructions",
    "input_audio_transcription",
    "temperature",
    "speed",
    "max_response_output_tokens",
}
UNMUTE_SESSION: Final = {"instructions", "voice", "allow_recording"}
DETECTION: Final = {
    "server_vad": {"threshold", "prefix_padding_ms", "silence_duration_ms"},
    "semantic_vad": {"eagerness"},
}


class Problem(Exception):
    """The client broke the protocol: `code` of the error event, and the parameter."""

    def __init__(self, code: str, param: str = "") -> None:
        super().__init__(f"{code} {param}")
        self.code = code
        self.param = param


class Visit:
    """One connection, as the server saw it. `commands` gets every event of the client but its sound; `heard` that,
    float32 [n]; `items` are the lengths of the answers in samples at 24 kHz."""

    def __init__(self, connection: ServerConnection, dialect: str, rate_hz: int, interrupts: bool) -> None:
        assert connection.request is not None
        self.connection = connection
        self.headers: Mapping[str, str] = connection.request.headers
        self.path = urlsplit(connection.request.path).path
        self.query = {name: values[-1] for name, values in parse_qs(urlsplit(connection.request.path).query).items()}
        self.dialect = dialect
        self.rate_hz = rate_hz
        self.interrupts = interrupts
        self.ready = threading.Event()
        self.ended = threading.Event()
        self.commands: Queue[dict[str, Any]] = Queue()
        self.heard: Queue[Float32] = Queue()
        self.items: dict[str, int] = {}
        self.session: dict[str, Any] = {}
        self.active = ""  # the response that is being made
        self._numbers = count(1)
        self._reader = sphn.OpusStreamReader(SAMPLE_RATE_HZ)
        self._writer = sphn.OpusStreamWriter(SAMPLE_RATE_HZ)

    # events of the server

    def send(self, kind: str, **fields: Any) -> None:
        name = PREVIEW_NAMES.get(kind, kind) if self.dialect != "ga" else kind
        self.connection.send(json.dumps({"type": name, "event_id": f"event_{next(self._numbers)}", **fields}))

    def fail(self, code: str, *, kind: str = "invalid_request_error", **fields: Any) -> None:
        self.send(
            "error", error={"type": kind, "code": code, "message": "in the server's own words", "param": None, **fields}
        )

    def speech_started(self, at_ms: int = 0) -> str:
        item = f"heard_{next(self._numbers)}"
        self.send("input_audio_buffer.speech_started", audio_start_ms=at_ms, item_id=item)
        return item

    def speech_stopped(self, item: str, at_ms: int = 1_000) -> None:
        self.send("input_audio_buffer.speech_stopped", audio_end_ms=at_ms, item_id=item)
        self.send("input_audio_buffer.committed", previous_item_id=None, item_id=item)

    def transcribed(self, item: str, text: str) -> None:
        place = {"item_id": item, "content_index": 0}
        self.send("conversation.item.input_audio_transcription.delta", **place, delta=text)
        self.send("conversation.item.input_audio_transcription.completed", **place, transcript=text)

    def respond(self) -> dict[str, Any]:
        """Begins an answer; returns what its events say they belong to."""
        self.active, item = f"resp_{next(self._numbers)}", f"item_{next(self._numbers)}"
        self.items[item] = 0
        self.send("response.created", response={"id": self.active, "status": "in_progress", "status_details": None})
        place = {"response_id": self.active, "output_index": 0}
        self.send("response.output_item.added", **place, item={"id": item, "type": "message", "role": "assistant"})
        place |= {"item_id": item, "content_index": 0}
        self.send("response.content_part.added", **place, part={"type": "audio", "transcript": ""})
        return place

    def say(self, place: Mapping[str, Any], pcm: Float32, *sizes: int) -> None:
        """float32 [n] at the server's rate, in deltas of `sizes` bytes, over and over; in one without."""
        data = float32_to_pcm16(pcm)
        self.items[place["item_id"]] += len(pcm) * SAMPLE_RATE_HZ // self.rate_hz
        start, step = 0, 0
        while start < len(data):
            end = start + (sizes[step % len(sizes)] if sizes else len(data))
            self.send("response.output_audio.delta", **place, delta=base64.b64encode(data[start:end]).decode())
            start, step = end, step + 1

    def write(self, place: Mapping[str, Any], *deltas: str) -> None:
        for delta in deltas:
            self.send("response.output_audio_transcript.delta", **place, delta=delta)

    def complete(self, place: Mapping[str, Any], text: str, status: str = "completed", **details: Any) -> None:
        """All that ends an answer."""
        self.send("response.output_audio.done", **place)
        self.send("response.output_audio_transcript.done", **place, transcript=text)
        self.done(status, **details)

    def done(self, status: str = "completed", **details: Any) -> None:
        response, self.active = self.active, ""
        self.send("response.done", response={"id": response, "status": status, "status_details": details or None})

    def answer(self, pcm: Float32, text: str, *sizes: int) -> dict[str, Any]:
        place = self.respond()
        self.write(place, *[f" {word}" if number else word for number, word in enumerate(text.split())])
        self.say(place, pcm, *sizes)
        self.complete(place, text)
        return place

    def say_opus(self, pcm: Float32) -> None:
        """As Unmute does: float32 [n · 1920], without saying what it belongs to."""
        for start in range(0, len(pcm), 1_920):
            page = self._writer.append_pcm(pcm[start : start + 1_920])
            self.send("response.output_audio.delta", delta=base64.b64encode(page).decode())

    def break_off(self) -> None:
        import socket

        self.connection.socket.shutdown(socket.SHUT_RDWR)

    def next_command(self) -> dict[str, Any]:
        return self.commands.get(timeout=LIMIT_SEC)

    # events of the client

    def take(self, message: str | bytes) -> None:
        """Raises Problem."""
        event = json.loads(message)
        match event["type"]:
            case "session.update":
                self._check_keys(event, {"type", "session"}, {"event_id"})
                self._take_session(event["session"])
            case "input_audio_buffer.append":
                self._check_keys(event, {"type", "audio"}, {"event_id"})
                if not self.ready.is_set():
                    raise Problem("too_early")
                self.heard.put(self._decode(base64.b64decode(event["audio"], validate=True)))
                return
            case "response.cancel":
                self._check_keys(event, {"type"}, {"event_id", "response_id"})
                self.commands.put(event)
                if event.get("response_id", self.active) != self.active or not self.active:
                    self.fail("response_cancel_not_active", event_id=event.get("event_id"))
                else:
                    self.done("cancelled", type="cancelled", reason="client_cancelled")
                return
            case "conversation.item.truncate":
                self._check_keys(event, {"type", "item_id", "content_index", "audio_end_ms"}, {"event_id"})
                self.commands.put(event)
                self._take_truncation(event)
                return
            case _:
                raise Problem("unknown_event", event["type"])
        self.commands.put(event)

    def _take_session(self, session: dict[str, Any]) -> None:
        match self.dialect:
            case "ga":
                self._check_keys(session, {"type", "audio"}, FINAL_SESSION)
                if session["type"] != "realtime":
                    raise Problem("invalid_value", "session.type")
                self._check_detection(session["audio"]["input"]["turn_detection"])
                session = at_rate(session, self.rate_hz)
            case "beta":
                self._check_keys(session, {"modalities"}, PREVIEW_SESSION)
                self._check_detection(session["turn_detection"])
            case _:
                self._check_keys(session, {"allow_recording"}, UNMUTE_SESSION)
                if not isinstance(session["instructions"], dict) or session["instructions"]["type"] != "constant":
                    raise Problem("invalid_value", "session.instructions")
        self.session = session
        self.ready.set()
        self.send("session.updated", session=session)

    def _check_detection(self, detection: dict[str, Any]) -> None:
        flags = {"type", "create_response", "interrupt_response"}
        self._check_keys(detection, flags, DETECTION[detection["type"]])
        detection["interrupt_response"] &= self.interrupts

    def _take_truncation(self, event: dict[str, Any]) -> None:
        length = self.items.get(event["item_id"])
        if length is None or event["content_index"] != 0 or not isinstance(event["audio_end_ms"], int):
            raise Problem("invalid_value", "item_id")
        if event["audio_end_ms"] * SAMPLE_RATE_HZ > length * 1_000:
            raise Problem("invalid_value", "audio_end_ms")
        self.send(
            "conversation.item.truncated",
            **{name: event[name] for name in ("item_id", "content_index", "audio_end_ms")},
        )

    def _check_keys(self, given: Mapping[str, Any], needed: set[str], allowed: set[str]) -> None:
        if missing := needed - set(given):
            raise Problem("missing_required_parameter", min(missing))
        if unknown := set(given) - needed - allowed:
            raise Problem("unknown_parameter", min(unknown))

    def _decode(self, data: bytes) -> Float32:
        if self.dialect != "unmute":
            return pcm16_to_float32(data)
        pcm: Float32 = self._reader.append_bytes(data)
        return pcm


def at_rate(session: dict[str, Any], rate_hz: int) -> dict[str, Any]:
    """The session with this rate in both formats of its sound."""
    pcm, audio = {"type": "audio/pcm", "rate": rate_hz}, session["audio"]
    return {**session, "audio": {way: {**audio.get(way, {}), "format": pcm} for way in ("input", "output")}}


class RealtimeServer:
    """Runs from `with` to its end. `key` is demanded where it is given; `refusal` is the status that every call gets;
    without `interrupts` it goes on with its answers whoever speaks. With `unasked_hz` it follows its greeting with a
    `session.updated` at that rate, which answers nothing."""

    def __init__(
        self,
        dialect: str = "ga",
        *,
        key: str = "",
        talks: bool = False,
        rate_hz: int = SAMPLE_RATE_HZ,
        interrupts: bool = True,
        greets: bool = True,
        unasked_hz: int = 0,
    ) -> None:
        self.visits: Queue[Visit] = Queue()
        self.problems: list[BaseException] = []
        self.refusal = 0
        self._dialect = dialect
        self._key = key
        self._talks = talks
        self._rate_hz = rate_hz
        self._interrupts = interrupts
        self._greets = greets and dialect != "unmute"
        self._unasked_hz = unasked_hz
        self._server = serve(
            self._serve,
            "127.0.0.1",
            0,
            process_request=self._admit,
            select_subprotocol=self._choose,
            compression=None,
            close_timeout=1,
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/v1/realtime"

    def __enter__(self) -> RealtimeServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        if error is None:
            assert self.problems == []

    def visit(self) -> Visit:
        """The next one that called, when its session is set up."""
        visit = self.visits.get(timeout=LIMIT_SEC)
        assert visit.ready.wait(LIMIT_SEC)
        visit.next_command()
        return visit

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        given = request.headers.get("Authorization") or f"Bearer {request.headers.get('api-key')}"
        if self.refusal:
            return connection.respond(self.refusal, "no")
        if self._key and given != f"Bearer {self._key}":
            return connection.respond(401, "Incorrect API key provided")
        return None

    def _choose(self, connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        """Unmute's server picks `realtime` whatever is offered; a client that did not offer it would hang up."""
        return Subprotocol("realtime") if self._dialect == "unmute" else None

    def _serve(self, connection: ServerConnection) -> None:
        visit = Visit(connection, self._dialect, self._rate_hz, self._interrupts)
        self.visits.put(visit)
        try:
            if self._greets:
                visit.send("session.created", session=self._first_session(visit))
            if self._unasked_hz:  # as vLLM-Omni's duplex endpoint does
                visit.send("session.updated", session=at_rate(self._first_session(visit), self._unasked_hz))
            talker = _Talker(visit) if self._talks else None
            for message in connection:
                self._take(visit, message)
                if talker:
                    talker.listen()
        except ConnectionClosed:
            pass
        except BaseException as error:
            self.problems.append(error)
        finally:
            visit.ended.set()

    def _take(self, visit: Visit, message: str | bytes) -> None:
        try:
            visit.take(message)
        except Problem as problem:
            self.problems.append(problem)
            visit.fail(problem.code, param=problem.param)

    def _first_session(self, visit: Visit) -> dict[str, Any]:
        detection = {"type": "server_vad", "create_response": True, "interrupt_response": self._interrupts}
        model = visit.query.get("model") or visit.query.get("deployment") or "own"
        if self._dialect == "ga":
            return {
                "type": "realtime",
                "id": "sess_1",
                "model": model,
                "audio": {"input": {"turn_detection": detection}},
            }
        return {"id": "sess_1", "model": model, "modalities": ["audio", "text"], "turn_detection": detection}


class _Talker:
    """Answers what was said, when it has been silent for a while."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._item = ""
        self._quiet = 0
        self._heard_ms = 0

    def listen(self) -> None:
        while not self._visit.heard.empty():
            pcm = self._visit.heard.get()
            self._heard_ms += len(pcm) * 1_000 // self._visit.rate_hz
            loud = bool(len(pcm)) and float(np.abs(pcm).max()) > LOUD
            self._quiet = 0 if loud else self._quiet + 1
            if loud and not self._item:
                self._item = self._visit.speech_started(self._heard_ms)
            elif self._item and self._quiet == QUIET_FRAMES:
                item, self._item = self._item, ""
                self._visit.speech_stopped(item, self._heard_ms)
                self._visit.transcribed(item, "how are you")
                time = np.arange(self._visit.rate_hz) / self._visit.rate_hz
                self._visit.answer((0.5 * np.sin(2 * np.pi * 300 * time)).astype(np.float32), "I am well.")
