"""The web's client for inference workers, with one WebSocket per take. It loads no engine."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from inference.contract.errors import EngineUnavailable, InferenceError, OptionError, SlotLost, TokenError, UnknownName
from inference.contract.tokens import PREVIEW, SLOT, PreviewRequest, SlotRequest, sign
from inference.contract.wire import MAX_OPUS_BYTES, Metadata, encode

PING_SEC: Final = 5.0  # a worker that vanished silently is noticed within two of these
CLOSE_SEC: Final = 1.0
REFUSALS: Final[dict[str, type[InferenceError]]] = {
    error.code: error for error in (TokenError, UnknownName, OptionError, EngineUnavailable, SlotLost)
}


async def open_slot(address: str, request: SlotRequest, secret: str, *, timeout_sec: float = 5.0) -> Slot:
    """Connects for one take; `queue` and `live` events follow through `Slot.receive`.

    Raises the error with which the worker refused (TokenError, UnknownName, OptionError), or SlotLost if the worker
    cannot be reached.
    """
    return Slot(await _connect(f"{address}/slot", sign(SLOT, request, secret, to=address), timeout_sec))


async def open_preview(address: str, request: PreviewRequest, secret: str, *, timeout_sec: float = 5.0) -> Slot:
    """Connects to preview a voice. Raises the same errors as `open_slot`.

    A `preview` event comes first, then a heard frame for each microphone frame of a whole step."""
    return Slot(await _connect(f"{address}/preview", sign(PREVIEW, request, secret, to=address), timeout_sec))


async def _connect(url: str, token: str, timeout_sec: float) -> ClientConnection:
    try:
        return await connect(
            url,
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,  # compression would cost more than the audio path itself
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
    """A take's slot at an inference worker or its place in the queue there, or the preview of a voice."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, data: bytes) -> None:
        """Sends one encoded wire message. Raises SlotLost."""
        try:
            await self._socket.send(data)
        except ConnectionClosed as closed:
            raise _lost(closed) from None

    async def receive(self) -> bytes:
        """Returns the next encoded wire message. Raises SlotLost if there will be none."""
        try:
            data = await self._socket.recv()
        except ConnectionClosed as closed:
            raise _lost(closed) from None
        if isinstance(data, str):
            raise SlotLost("the inference worker sent text")
        return data

    async def close(self, *, end: bool) -> None:
        """Closes the connection. `end` releases the slot at once; otherwise it is kept for the reconnect grace."""
        if end:
            with suppress(ConnectionClosed):
                await self._socket.send(encode(Metadata("end")))
        await self._socket.close()


def _lost(closed: ConnectionClosed) -> SlotLost:
    return SlotLost(closed.rcvd.reason or f"closed with code {closed.rcvd.code}" if closed.rcvd else "connection lost")


def _refusal(status: int, body: bytes | bytearray) -> InferenceError:
    """Returns the error in the worker's answer, built from the answer's fields as its arguments."""
    try:
        answer = json.loads(body)
        return REFUSALS[answer["code"]](**answer["fields"])
    except (ValueError, KeyError, TypeError):
        return SlotLost(f"the inference worker answered {status}")
