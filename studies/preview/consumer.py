"""The preview socket of a page receives a sentence and returns it in the voices that the study lets participants hear.

browser: microphone frames of 480 samples (a frame with sequence 0 begins a new sentence), `render`, `probe`
web:     `rendered` and the sentence in heard frames, `probed`, a ping for a ping, errors after which it may ask again

The sentence, of MAX_SENTENCE_SEC at most, is held in memory while the socket is open; nothing is written or logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from django.utils.translation import gettext_lazy as _

from inference.contract.audio import BYTES_PER_SAMPLE, FRAME_SAMPLES, SAMPLE_RATE_HZ, UPLINK_SAMPLES, pcm16_to_float32
from inference.contract.errors import WireError
from inference.contract.wire import (
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
from studies.errors import TakeRefused, Unmeasurable
from studies.insights.acoustic import f0_median_hz
from studies.insights.pitch import pitch_contour
from studies.languages import language_of, said
from studies.outage import CODE, OUTAGES, TRY_AGAIN
from studies.preview.hearing import AT_REST, Hearing, hearing_of, session_of
from studies.preview.line import VoiceLine, open_line, render, there_and_back
from studies.talk.live.downlink import Send
from studies.talk.live.endings import CLOSE_MALFORMED, CLOSE_NORMAL, CLOSE_REFUSED, CLOSE_UNAVAILABLE, UNEXPECTED
from studies.talk.live.watch import watch
from studies.talk.registry import PREVIEWS

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MAX_SENTENCE_SEC: Final = 6
MAX_FRAMES: Final = MAX_SENTENCE_SEC * SAMPLE_RATE_HZ // UPLINK_SAMPLES
UPLINK_BYTES: Final = UPLINK_SAMPLES * BYTES_PER_SAMPLE
FRAME_BYTES: Final = FRAME_SAMPLES * BYTES_PER_SAMPLE


class PreviewConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels has no types
    """The socket of one page, which the token of its session identifies."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})  # The page would see a refused handshake only as "failed".
        preview = Preview(scope["url_route"]["kwargs"]["token"], send)
        code = CLOSE_NORMAL
        try:
            await preview.hearing()
            await preview.until_ended(self._read(preview, receive))
        except TakeRefused as refusal:
            code = CLOSE_REFUSED
            await preview.refuse(refusal.code, refusal.message)
        except OUTAGES:
            code = CLOSE_UNAVAILABLE
            await preview.refuse(CODE, TRY_AGAIN)
        except WireError as error:
            code = CLOSE_MALFORMED
            await preview.refuse(error.code, UNEXPECTED, {"problem": str(error)})
        finally:
            await preview.close()
            with suppress(Exception):  # the page may have gone first
                await send({"type": "websocket.close", "code": code})

    async def _read(self, preview: Preview, receive: Any) -> None:
        while (event := await receive())["type"] == "websocket.receive":
            await preview.take(event.get("bytes"))


class Preview:
    """The sentence of one page, and the answers to its requests, one after the other."""

    def __init__(self, token: str, send: Send) -> None:
        self.loop = asyncio.get_running_loop()
        self.token = token
        self.purposes = AT_REST
        self._ended: asyncio.Future[str] = self.loop.create_future()
        self._send = send
        self._sentence = bytearray()
        self._probing: VoiceLine | None = None

    async def hearing(self) -> Hearing:
        """Returns what may be heard now, because consent may be withdrawn at any moment. Raises TakeRefused."""
        found: Hearing = await database_sync_to_async(lambda: hearing_of(session_of(self.token)))()
        return found

    def end(self, reason: str) -> None:
        """Ends the preview: the participant may not hear themselves here any more."""
        if not self._ended.done():
            self._ended.set_result(reason)

    async def until_ended(self, reading: Coroutine[Any, Any, None]) -> None:
        """Reads until the page leaves or `end` is called.

        Raises what reading raises, and TakeRefused when the preview has ended."""
        task = self.loop.create_task(reading)
        PREVIEWS.add(self)
        watch()
        try:
            waits: set[asyncio.Future[Any]] = {task, self._ended}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise TakeRefused(self._ended.result(), _("This session has ended."))
            await task
        finally:
            PREVIEWS.discard(self)
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task

    async def take(self, data: bytes | None) -> None:
        """Handles one message of the page. Raises WireError, and TakeRefused when the session is over."""
        message = decode(data or b"")
        match message:
            case AudioFrame(kind=Kind.PARTICIPANT):
                self._add(message)
            case Metadata(event="render"):
                await self._answer(self._render, message)
            case Metadata(event="probe"):
                await self._answer(self._probe, message)
            case Ping():
                await self._tell(Ping())
            case _:
                raise WireError("microphone frames, a render or a probe", type(message).__name__)

    async def refuse(self, code: str, text: StrOrPromise, values: Mapping[str, str] | None = None) -> None:
        """Sends a refusal in the session's language."""
        language = None
        with suppress(*OUTAGES):
            language = await database_sync_to_async(language_of)(token=self.token)
        with suppress(Exception):  # the page may have gone first
            await self._tell(ErrorMessage(code, said(text, language) % values if values else said(text, language)))

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
            await self.refuse(refusal.code, refusal.message)

    async def _render(self, hearing: Hearing, order: Metadata) -> None:
        request = hearing.request(order.data)
        if not self._sentence:
            raise TakeRefused("nothing_said", _("Nothing has been recorded yet."))
        self.purposes = hearing.purposes
        try:
            rendered = await render(request, bytes(self._sentence), third_party=hearing.third_party)
        finally:
            self.purposes = AT_REST
        fields = {
            "number": order.data["number"],
            "latency_samples": rendered.latency_samples,
            "samples": len(rendered.pcm) // BYTES_PER_SAMPLE,
            "pitch_hz": await asyncio.to_thread(pitch_hz, rendered.pcm),
        }
        await self._tell(Metadata("rendered", fields))
        for step, start in enumerate(range(0, len(rendered.pcm), FRAME_BYTES)):
            pcm = rendered.pcm[start : start + FRAME_BYTES]
            await self._send_bytes(encode_audio(Kind.HEARD, step, step * FRAME_SAMPLES, pcm))

    async def _probe(self, hearing: Hearing, order: Metadata) -> None:
        if self._probing is None:
            self._probing = await open_line(hearing.probe(), third_party=hearing.third_party)
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


def pitch_hz(pcm: bytes) -> float | None:
    """Returns the median pitch of a sentence, PCM16, or None if too little of it is voiced."""
    try:
        return round(f0_median_hz(pitch_contour(pcm16_to_float32(pcm))), 1)
    except Unmeasurable:
        return None
