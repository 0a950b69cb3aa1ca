"""What the web uses to talk with an inference worker: one WebSocket per take. Loads no engine."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from inference.contract.errors import EngineUnavailable, InferenceError, OptionError, SlotLost, TokenError, UnknownName
from inference.contract.tokens import PREVIEW, SLOT, PreviewRequest, SlotRequest, sign
from inference.contract.wire import MAX_OPUS_BYTES, Metadata, encode

PING_SEC: Final = 5.0  # a worker that vanished without a word is noticed within two of these
CLOSE_SEC: Final = 1.0
REFUSALS: Final[dict[str, type[InferenceError]]] = {
    error.code: error for error in (TokenError, UnknownName, OptionError, EngineUnavailable, SlotLost)
}


async def open_slot(address: str, request: SlotRequest, secret: str, *, timeout_sec: float = 5.0) -> Slot:
    """Connects for one take; `queue` and `live` events follow through `Slot.receive`.

    Raises what the worker refused with (TokenError, UnknownName, OptionError), or SlotLost when it cannot be reached.
    """
    return Slot(await _connect(f"{address}/slot", sign(SLOT, request, secret), timeout_sec))


async def open_preview(address: str, request: PreviewRequest, secret: str, *, timeout_sec: float = 5.0) -> Slot:
    """Connects to hear a voice; a `preview` event comes first, then a heard frame for each microphone frame of a whole
    step. Raises as `open_slot`."""
    return Slot(await _connect(f"{address}/preview", sign(PREVIEW, request, secret), timeout_sec))


async def _connect(url: str, token: str, timeout_sec: float) -> ClientConnection:
    try:
        return await connect(
            url,
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,  # costs more than the audio path itself
            max_size=MAX_OPUS_BYTES + 1,
            open_timeout=timeout_sec,
            ping_interval=PING_SEC,
            ping_timeout=PING_SEC,
            close_timeout=CLOSE_SEC,
            proxy=None,
        )
    except InvalidStatus as refusal:
        raise _refusal(refusal.response.status_code, refusal.response.body) from None
    except (OSError, InvalidHandshake, InvalidURI) as error:
        raise SlotLost(f"the inference worker cannot be reached ({type(error).__name__})") from error


class Slot:
    """A take's place in an inference worker, or in its queue; or a voice to be heard there."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, data: bytes) -> None:
        """One encoded wire message. Raises SlotLost."""
        try:
            await self._socket.send(data)
        except ConnectionClosed as closed:
            raise _lost(closed) from None

    async def receive(self) -> bytes:
        """The next encoded wire message. Raises SlotLost when there will be none."""
        try:
            data = await self._socket.recv()
        except ConnectionClosed as closed:
            raise _lost(closed) from None
        if isinstance(data, str):
            raise SlotLost("the inference worker sent text")
        return data

    async def close(self, *, end: bool) -> None:
        """`end` releases the slot at once; without it the slot waits for the reconnect grace."""
        if end:
            with suppress(ConnectionClosed):
                await self._socket.send(encode(Metadata("end")))
        await self._socket.close()


def _lost(closed: ConnectionClosed) -> SlotLost:
    return SlotLost(closed.rcvd.reason or f"closed with code {closed.rcvd.code}" if closed.rcvd else "connection lost")


def _refusal(status: int, body: bytes | bytearray) -> InferenceError:
    """The error that the worker's answer carries; its fields are the arguments it was made with."""
    try:
        answer = json.loads(body)
        return REFUSALS[answer["code"]](**answer["fields"])
    except (ValueError, KeyError, TypeError):
        return SlotLost(f"the inference worker answered {status}")
