"""Previews a voice before a conversation: audio comes straight back, converted. A preview takes no row of an engine.

    GET /preview   WebSocket, `Authorization: Bearer <preview token>`

The worker sends `preview` with the latency; it then returns every microphone frame of a whole step as a heard frame,
delayed by that latency as in a conversation. The step thread converts while no step is due. Nothing is kept.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from inference.contract.audio import BYTES_PER_SAMPLE, FRAME_SAMPLES, FRAME_SEC, float32_to_pcm16, pcm16_to_float32
from inference.contract.errors import InferenceError, SlotLost, WireError
from inference.contract.latency import latency_samples
from inference.contract.tokens import PREVIEW, PreviewRequest, TokenReader
from inference.contract.wire import AudioFrame, ErrorMessage, Kind, Metadata, decode, encode, encode_audio
from inference.voices.schedule import VoiceSchedule
from inference.worker.doors.slot import POLICY_VIOLATION, bearer, count_refused, refusal
from inference.worker.handover.arrive import enrol
from inference.worker.takes import Takes

PREVIEW_PATH: Final = "/preview"
MAX_PREVIEWS: Final = 8  # at once
MAX_STEPS: Final = 250  # of one connection: 20 s
IDLE_SEC: Final = 20.0
FRAME_BYTES: Final = FRAME_SAMPLES * BYTES_PER_SAMPLE

log = structlog.get_logger(__name__)


class PreviewDoor:
    """The door at `/preview`."""

    def __init__(self, takes: Takes, tokens: TokenReader) -> None:
        self._takes = takes
        self._tokens = tokens
        self._requests: WeakKeyDictionary[ServerConnection, PreviewRequest] = WeakKeyDictionary()
        self._open = 0

    async def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        try:
            preview = self._tokens.read(PREVIEW, bearer(request))
            if self._takes.draining:
                raise SlotLost("stopping")
            if self._open + len(self._requests) >= MAX_PREVIEWS:  # those who are being let in count, too
                raise SlotLost("others are listening to their voices just now")
        except InferenceError as error:
            return refusal(error, self._takes)
        self._requests[connection] = preview
        return None

    async def serve(self, connection: ServerConnection) -> None:
        request = self._requests.pop(connection)
        self._open += 1
        try:
            await self._answer(connection, request)
        except ConnectionClosed:
            pass
        except InferenceError as error:
            count_refused(error, self._takes)
            await _refuse(connection, error.code, str(error))
        except Exception as error:
            log.error("preview failed", exc_info=error)
            await _refuse(connection, "converter_failed", "The voice conversion stopped because of a fault.")
        finally:
            self._open -= 1

    async def _answer(self, connection: ServerConnection, request: PreviewRequest) -> None:
        """Serves one preview. Raises InferenceError, ConnectionClosed or what a converter raised."""
        steps = self._takes.steps
        await enrol(steps, self._takes.targets, request.voices)
        voices = await asyncio.wrap_future(steps.open_voices(request.voices, request.latency_samples))
        try:
            fields = {"latency_samples": voices.latency_samples, "voices": voices.snapshots}
            await connection.send(encode(Metadata("preview", fields)))
            await self._convert(connection, voices, 0.0 if _is_instant(request) else FRAME_SEC)
        finally:
            voices.close()

    async def _convert(self, connection: ServerConnection, voices: VoiceSchedule, every_sec: float) -> None:
        """Converts at most MAX_STEPS frames, until the client ends. Frames are at least `every_sec` apart."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for step in range(MAX_STEPS):
            pcm = await _next_frame(connection)
            if pcm is None:
                return
            await asyncio.sleep(due - loop.time())
            due = max(due, loop.time()) + every_sec
            sample = step * FRAME_SAMPLES
            heard = await asyncio.wrap_future(self._takes.steps.convert(voices, sample, pcm16_to_float32(pcm)))
            if not np.isfinite(heard).all():
                raise ValueError("the converter returned samples that are not numbers")
            await connection.send(encode_audio(Kind.HEARD, step, sample, float32_to_pcm16(heard)))
        await connection.close()


def _is_instant(request: PreviewRequest) -> bool:
    """Returns whether audio may come faster than real time, which a remote converter server does not allow."""
    return all(latency_samples(segment.converter, segment.parameters) is not None for segment in request.voices)


async def _next_frame(connection: ServerConnection) -> bytes | None:
    """Returns PCM16 [FRAME_SAMPLES], or None when the client has ended or has sent nothing for IDLE_SEC.

    Raises WireError and ConnectionClosed."""
    try:
        async with asyncio.timeout(IDLE_SEC):
            data = await connection.recv()
    except TimeoutError:
        return None
    match decode(data if isinstance(data, bytes) else b""):
        case AudioFrame(kind=Kind.PARTICIPANT, pcm=pcm) if len(pcm) == FRAME_BYTES:
            return pcm
        case Metadata(event="end"):
            return None
        case other:
            raise WireError(f"microphone frames of {FRAME_BYTES} bytes or an end", other.kind.name.lower())


async def _refuse(connection: ServerConnection, code: str, message: str) -> None:
    with suppress(ConnectionClosed):
        await connection.send(encode(ErrorMessage(code, message)))
        await connection.close(POLICY_VIOLATION, code)
