"""Conversations over our own wire: with a worker at `/slot`, without the loss of a codec, or through a study's site."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from inference.contract.audio import (
    BYTES_PER_SAMPLE,
    FRAME_SAMPLES,
    UPLINK_PER_FRAME,
    UPLINK_SAMPLES,
    Float32,
    float32_to_pcm16,
    pcm16_to_float32,
)
from inference.contract.errors import WireError
from inference.contract.wire import (
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
from inference.terminal.dialing import Event, Heard, Live, Noticed, Over, Paused, Sound, Waiting, Words, why_closed

REPORT_EVERY_STEPS: Final = 5  # how often playback is reported; without reports the site would stop sending
UPLINK_BYTES: Final = UPLINK_SAMPLES * BYTES_PER_SAMPLE
DEVICE: Final = Metadata("device", {"settings": {"client": "terminal"}})


class SlotLink:
    """A link over `socket`, open at a worker's `/slot`."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._step = 0

    async def send(self, frame: Float32) -> None:
        data = encode_audio(Kind.PARTICIPANT, self._step, self._step * FRAME_SAMPLES, float32_to_pcm16(frame))
        self._step += 1
        with suppress(ConnectionClosed):  # `receive` tells
            await self._socket.send(data)

    async def receive(self) -> Event:
        while True:
            try:
                data = await self._socket.recv()
            except ConnectionClosed as closed:
                return Over(why_closed(closed), fault=True)
            try:
                if isinstance(data, bytes) and (event := event_of(decode(data))):
                    return event
            except WireError as error:
                return _not_understood(error)

    async def end(self) -> None:
        with suppress(ConnectionClosed):
            await self._socket.send(encode(Metadata("end")))

    async def close(self) -> None:
        await self._socket.close()


def event_of(message: Message) -> Event | None:
    """Returns the event that a message of our wire means to a participant, or None if it means nothing to them."""
    match message:
        case AudioFrame(Kind.AGENT, _, _, pcm):
            return Sound(pcm16_to_float32(pcm))
        case Metadata("queue", fields):
            return Waiting(fields["position"], fields.get("reason") == "overloaded")
        case Metadata("live", fields):
            return Live(fields["engine"])
        case Metadata("words", fields):
            return Words(f" {fields['text']}")
        case Metadata("transcript", {"role": "participant", "text": text}):
            return Heard(str(text))
        case Metadata("noticed", fields):
            return Noticed(fields["sounded"])
        case Metadata("transcript", {"role": "agent"}):
            return Paused()
        case Metadata("ended", fields):
            return Over(fields["message"], fault=fields["reason"] not in {"released", "participant", "limit"})
        case ErrorMessage(_, text):
            return Over(text, fault=True)
    return None


def _not_understood(error: WireError) -> Over:
    return Over(f"the server sent something that this program does not understand ({error})", fault=True)


class WebLink:
    """A link over `socket`, open at a site's `/ws/talk/<take>/`. If the socket breaks, the conversation ends; the site
    keeps what was said."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._sequence = 0

    async def send(self, frame: Float32) -> None:
        pcm = float32_to_pcm16(frame)
        for part in range(UPLINK_PER_FRAME):
            piece = pcm[part * UPLINK_BYTES : (part + 1) * UPLINK_BYTES]
            await self._tell(encode_audio(Kind.PARTICIPANT, self._sequence, self._sample, piece))
            self._sequence += 1

    async def receive(self) -> Event:
        while True:
            try:
                data = await self._socket.recv()
            except ConnectionClosed as closed:
                return Over(why_closed(closed), fault=True)
            if not isinstance(data, bytes):
                continue
            try:
                message = decode(data)
            except WireError as error:
                return _not_understood(error)
            await self._answer(message)
            match event_of(message):
                case Live():
                    return Live("")  # the site does not reveal the engine and voice
                case None:
                    continue
                case event:
                    return event

    async def end(self) -> None:
        await self._tell(encode(Metadata("end")))

    async def close(self) -> None:
        await self._socket.close()

    @property
    def _sample(self) -> int:
        """The current sample on the microphone clock."""
        return self._sequence * UPLINK_SAMPLES

    async def _answer(self, message: Message) -> None:
        match message:
            case Metadata("hello", fields):
                self._sequence = fields["next_sequence"]
                await self._tell(encode(DEVICE))
            case AudioFrame(Kind.AGENT, step, _, _) if step % REPORT_EVERY_STEPS == 0:
                await self._tell(encode(Playback(step, step, self._sample, 0, 0)))

    async def _tell(self, data: bytes) -> None:
        with suppress(ConnectionClosed):  # `receive` tells
            await self._socket.send(data)
