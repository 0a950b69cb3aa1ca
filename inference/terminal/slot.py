"""A talk over `/slot` of an inference worker: our own wire, nothing lost to a codec. For holders of WORKER_SECRET."""

from __future__ import annotations

from contextlib import suppress

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from inference.contract.audio import FRAME_SAMPLES, Float32, float32_to_pcm16, pcm16_to_float32
from inference.contract.wire import AudioFrame, ErrorMessage, Kind, Message, Metadata, decode, encode, encode_audio
from inference.terminal.dialing import why_closed
from inference.terminal.link import Event, Heard, Live, Over, Paused, Sound, Waiting, Words


class SlotLink:
    """`socket` is open at `/slot`."""

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
            if isinstance(data, bytes) and (event := event_of(decode(data))):
                return event

    async def end(self) -> None:
        with suppress(ConnectionClosed):
            await self._socket.send(encode(Metadata("end")))

    async def close(self) -> None:
        await self._socket.close()


def event_of(message: Message) -> Event | None:
    """What a message of our wire is to somebody who talks; None for what says nothing to them."""
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
        case Metadata("transcript", {"role": "agent"}):
            return Paused()
        case Metadata("ended", fields):
            return Over(fields["message"], fault=fields["reason"] not in {"released", "participant", "limit"})
        case ErrorMessage(_, text):
            return Over(text, fault=True)
    return None
