"""The preview socket of a page: takes a sentence, gives it back in the voices that the study lets be heard.

browser: microphone frames of 480 samples (a frame with sequence 0 begins a new sentence), `render`, `probe`
web:     `rendered` and the sentence in heard frames, `probed`, errors after which the page may ask again

The sentence is held in memory while the socket is open, MAX_SENTENCE_SEC at most; nothing is written or logged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async

from inference.audio import BYTES_PER_SAMPLE, FRAME_SAMPLES, SAMPLE_RATE_HZ, UPLINK_SAMPLES
from inference.errors import WireError
from inference.wire import (
    AudioFrame,
    ErrorMessage,
    Kind,
    Message,
    Metadata,
    Ping,
    decode,
    encode,
    encode_audio,
)
from studies.errors import TakeRefused
from studies.preview.hearing import Hearing, hearing_of, session_of
from studies.preview.line import VoiceLine, open_line, render, there_and_back
from studies.talk.downlink import Send
from studies.talk.endings import CLOSE_MALFORMED, CLOSE_NORMAL, CLOSE_REFUSED

MAX_SENTENCE_SEC: Final = 6
MAX_FRAMES: Final = MAX_SENTENCE_SEC * SAMPLE_RATE_HZ // UPLINK_SAMPLES
UPLINK_BYTES: Final = UPLINK_SAMPLES * BYTES_PER_SAMPLE
FRAME_BYTES: Final = FRAME_SAMPLES * BYTES_PER_SAMPLE


class PreviewConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels has no types
    """One page's socket, by the token of its session."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})  # a refused handshake would reach the page as a bare "failed"
        preview = Preview(scope["url_route"]["kwargs"]["token"], send)
        code = CLOSE_NORMAL
        try:
            await preview.hearing()
            while (event := await receive())["type"] == "websocket.receive":
                await preview.take(event.get("bytes"))
        except TakeRefused as refusal:
            code = CLOSE_REFUSED
            await preview.refuse(refusal.code, str(refusal))
        except WireError as error:
            code = CLOSE_MALFORMED
            await preview.refuse(error.code, f"The page sent something unexpected: {error}.")
        finally:
            await preview.close()
            with suppress(Exception):  # the page may have gone first
                await send({"type": "websocket.close", "code": code})


class Preview:
    """One page's sentence, and its answers to orders, one after the other."""

    def __init__(self, token: str, send: Send) -> None:
        self._token = token
        self._send = send
        self._sentence = bytearray()
        self._probing: VoiceLine | None = None

    async def hearing(self) -> Hearing:
        """As it is now: what was agreed to may be withdrawn at any moment. Raises TakeRefused."""
        found: Hearing = await database_sync_to_async(lambda: hearing_of(session_of(self._token)))()
        return found

    async def take(self, data: bytes | None) -> None:
        """One message of the page. Raises WireError, and TakeRefused when the visit is over."""
        message = decode(data or b"")
        match message:
            case AudioFrame(kind=Kind.PARTICIPANT):
                self._add(message)
            case Metadata(event="render"):
                await self._answer(self._render, message)
            case Metadata(event="probe"):
                await self._answer(self._probe, message)
            case Ping():
                pass
            case _:
                raise WireError("microphone frames, a render or a probe", type(message).__name__)

    async def refuse(self, code: str, text: str) -> None:
        with suppress(Exception):  # the page may have gone first
            await self._tell(ErrorMessage(code, text))

    async def close(self) -> None:
        self._sentence.clear()
        probing, self._probing = self._probing, None
        if probing is not None:
            await probing.close()

    def _add(self, frame: AudioFrame) -> None:
        if len(frame.pcm) != UPLINK_BYTES:
            raise WireError(f"{UPLINK_BYTES} bytes of audio", f"{len(frame.pcm)}")
        if frame.sequence == 0:
            self._sentence.clear()
        if frame.sequence != len(self._sentence) // UPLINK_BYTES:
            raise WireError("frames in order, the first one numbered 0", f"{frame.sequence}")
        if frame.sequence >= MAX_FRAMES:
            raise WireError(f"a sentence of {MAX_SENTENCE_SEC} s at most", "more")
        self._sentence += frame.pcm

    async def _answer(self, act: Callable[[Hearing, Metadata], Awaitable[None]], order: Metadata) -> None:
        hearing = await self.hearing()
        try:
            await act(hearing, order)
        except TakeRefused as refusal:
            await self._tell(ErrorMessage(refusal.code, str(refusal)))

    async def _render(self, hearing: Hearing, order: Metadata) -> None:
        request = hearing.request(order.data)
        if not self._sentence:
            raise TakeRefused("nothing_said", "Nothing was recorded yet.")
        rendered = await render(request, bytes(self._sentence))
        fields = {
            "number": order.data["number"],
            "latency_samples": rendered.latency_samples,
            "samples": len(rendered.pcm) // BYTES_PER_SAMPLE,
        }
        await self._tell(Metadata("rendered", fields))
        for step, start in enumerate(range(0, len(rendered.pcm), FRAME_BYTES)):
            pcm = rendered.pcm[start : start + FRAME_BYTES]
            await self._send_bytes(encode_audio(Kind.HEARD, step, step * FRAME_SAMPLES, pcm))

    async def _probe(self, hearing: Hearing, order: Metadata) -> None:
        if self._probing is None:
            self._probing = await open_line(hearing.probe())
        try:
            await there_and_back(self._probing)
        except TakeRefused:
            await self._probing.close()
            self._probing = None
            raise
        fields = {"number": order.data["number"], "latency_samples": self._probing.latency_samples}
        await self._tell(Metadata("probed", fields))

    async def _tell(self, message: Message) -> None:
        await self._send_bytes(encode(message))

    async def _send_bytes(self, data: bytes) -> None:
        await self._send({"type": "websocket.send", "bytes": data})
