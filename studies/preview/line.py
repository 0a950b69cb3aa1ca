"""Sends the sentence of a preview to an inference worker and receives it back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import structlog
from channels.db import database_sync_to_async
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from inference.contract.audio import BYTES_PER_SAMPLE, FRAME_SAMPLES
from inference.contract.client import Slot, open_preview
from inference.contract.errors import InferenceError, SlotLost, WireError
from inference.contract.tokens import PreviewRequest
from inference.contract.wire import AudioFrame, ErrorMessage, Kind, Message, Metadata, decode, encode_audio
from studies.errors import TakeRefused
from studies.talk.workers import reports
from studies.talk.workers.needs import sends_away

FRAME_BYTES: Final = FRAME_SAMPLES * BYTES_PER_SAMPLE
OPEN_SEC: Final = 10.0
RENDER_SEC: Final = 30.0
PROBE_SEC: Final = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The sentence as an engine would hear it, PCM16, with its latency removed."""

    pcm: bytes
    latency_samples: int


class VoiceLine:
    """The connection to one voice at an inference worker."""

    def __init__(self, slot: Slot, latency_samples: int) -> None:
        self.latency_samples = latency_samples
        self._slot = slot
        self._step = 0

    async def say(self, pcm: bytes) -> None:
        """Sends PCM16 [FRAME_SAMPLES]. Raises SlotLost."""
        await self._slot.send(encode_audio(Kind.PARTICIPANT, self._step, self._step * FRAME_SAMPLES, pcm))
        self._step += 1

    async def heard(self) -> bytes:
        """Returns the next PCM16 [FRAME_SAMPLES]. Raises SlotLost, TakeRefused."""
        while True:
            message = await _receive(self._slot)
            if isinstance(message, AudioFrame):
                return message.pcm

    async def close(self) -> None:
        with suppress(SlotLost, OSError):
            await self._slot.close(end=True)


async def open_line(request: PreviewRequest, *, third_party: bool) -> VoiceLine:
    """Opens a line to the least busy inference worker. Raises TakeRefused.

    Unless `third_party`, nothing is said to a converter that sends the voice to somebody else."""
    converters = frozenset(segment.converter for segment in request.voices)
    worker = await database_sync_to_async(reports.find_converting)(converters, third_party=third_party)
    if worker is None:
        raise TakeRefused("no_worker", _("Voices cannot be changed right now. Please try again in a moment."))
    try:
        async with asyncio.timeout(OPEN_SEC):
            slot = await open_preview(worker.address, request, settings.WORKER_SECRET)
            message = await _receive(slot)
    except (InferenceError, TimeoutError) as error:
        raise _refusal(error) from None
    told = message.data if isinstance(message, Metadata) else {}
    line = VoiceLine(slot, told.get("latency_samples", 0))
    if not third_party and sends_away("", {}, told.get("voices", ())):  # it is not as its worker reported
        await line.close()
        raise _refusal(InferenceError("third_party"))
    return line


async def render(request: PreviewRequest, pcm: bytes, *, third_party: bool) -> Rendered:
    """Returns the sentence in the requested voice. Raises TakeRefused."""
    async with _line(request, third_party=third_party) as line:
        late_bytes = line.latency_samples * BYTES_PER_SAMPLE
        steps = -(-(len(pcm) + late_bytes) // FRAME_BYTES)
        padded = pcm.ljust(steps * FRAME_BYTES, b"\0")
        # Both directions run at once, because neither side can buffer the whole sentence.
        saying = asyncio.ensure_future(_say(line, padded))
        try:
            heard = b"".join([await line.heard() for _ in range(steps)])
            await saying
        finally:
            saying.cancel()
        return Rendered(heard[late_bytes : late_bytes + len(pcm)], line.latency_samples)


async def there_and_back(line: VoiceLine) -> None:
    """Sends a silent frame there and back. Raises TakeRefused."""
    try:
        async with asyncio.timeout(PROBE_SEC):
            await line.say(bytes(FRAME_BYTES))
            await line.heard()
    except (InferenceError, TimeoutError) as error:
        raise _refusal(error) from None


@asynccontextmanager
async def _line(request: PreviewRequest, *, third_party: bool) -> AsyncIterator[VoiceLine]:
    line = await open_line(request, third_party=third_party)
    try:
        async with asyncio.timeout(RENDER_SEC):
            yield line
    except (InferenceError, TimeoutError) as error:
        raise _refusal(error) from None
    finally:
        await line.close()


async def _say(line: VoiceLine, padded: bytes) -> None:
    for start in range(0, len(padded), FRAME_BYTES):
        await line.say(padded[start : start + FRAME_BYTES])


async def _receive(slot: Slot) -> Message:
    """Receives a message. Raises SlotLost, and TakeRefused for what the worker refuses."""
    try:
        message = decode(await slot.receive())
    except WireError as error:
        raise SlotLost(str(error)) from None
    if isinstance(message, ErrorMessage):
        raise _refusal(InferenceError(message.code))
    return message


def _refusal(error: Exception) -> TakeRefused:
    log.warning("voice_not_heard", problem=str(error) or type(error).__name__)
    return TakeRefused("not_rendered", _("The voice could not be changed. Please try again in a moment."))
