"""The doors of a worker: each is a protocol over WebSockets at a path of its own.

`/slot` is the web's door: our wire, one take for a signed token. A request that is refused is answered before the
WebSocket opens, with the error as JSON {"code", "message", "fields"}.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from inference.contract.errors import InferenceError, SlotLost, TokenError, WireError
from inference.contract.tokens import SLOT, SlotRequest, TokenReader
from inference.contract.wire import MAX_OPUS_BYTES, ErrorMessage, Kind, Message, Metadata, Ping, decode, encode
from inference.worker.connection import Connection
from inference.worker.takes import Takes, ended

MAX_MESSAGE_BYTES: Final = MAX_OPUS_BYTES + 1
POLICY_VIOLATION: Final = 1008
_PARTICIPANT: Final = bytes([Kind.PARTICIPANT])

log = structlog.get_logger(__name__)


class Door(Protocol):
    """One protocol. A door joins a take (`Takes.join`), has its messages sent over an object with `send`
    (`Connection.carry`), passes on what it hears (`Takes.hear`) and reports a lost socket (`Takes.leave`)."""

    async def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Returns None to open the WebSocket, after which `serve` begins, or a response that refuses it."""

    async def serve(self, connection: ServerConnection) -> None:
        """Serves the connection until it is over."""


class SlotDoor:
    """The door at `/slot`, which needs `Authorization: Bearer <slot token>`."""

    def __init__(self, takes: Takes, tokens: TokenReader) -> None:
        self._takes = takes
        self._tokens = tokens
        self._requests: WeakKeyDictionary[ServerConnection, SlotRequest] = WeakKeyDictionary()

    async def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        try:
            slot = self._tokens.read(SLOT, bearer(request))
            if self._takes.draining:
                raise SlotLost("stopping")
            await asyncio.wrap_future(self._takes.steps.check(slot))
        except InferenceError as error:
            return refusal(error, self._takes)
        self._requests[connection] = slot
        return None

    async def serve(self, connection: ServerConnection) -> None:
        conversation, greeting = self._takes.join(self._requests.pop(connection), can_move=True)
        sending = asyncio.create_task(_send(connection, conversation, greeting))
        try:
            await self._read(connection, conversation)
            await self._takes.end(conversation, ended("released"))
            await sending
        except WireError as error:
            count_refused(error, self._takes)
            with suppress(ConnectionClosed):
                await connection.send(encode(ErrorMessage(error.code, str(error))))
                await connection.close(POLICY_VIOLATION, error.code)
        except ConnectionClosed:
            pass
        finally:
            self._takes.leave(conversation, connection)
            sending.cancel()

    async def _read(self, connection: ServerConnection, conversation: Connection) -> None:
        """Reads until the client ends the conversation. Raises WireError and ConnectionClosed."""
        while True:
            data = await connection.recv()
            if isinstance(data, str):
                raise WireError("binary messages", "text")
            if data[:1] == _PARTICIPANT:
                self._takes.hear(conversation, data)
                continue
            if len(data) > MAX_MESSAGE_BYTES:
                raise WireError(f"at most {MAX_MESSAGE_BYTES} bytes", f"{len(data)}")
            match decode(data):
                case Metadata(event="end"):
                    return
                case Ping():
                    continue
                case other:
                    raise WireError("microphone frames or an end", other.kind.name.lower())


async def _send(connection: ServerConnection, conversation: Connection, greeting: Message | None) -> None:
    """Sends the conversation's messages to its end or until another connection takes over."""
    with suppress(ConnectionClosed):
        await conversation.carry(connection, greeting)
        if not conversation.finished:
            await connection.send(encode(ended("replaced")))
        await connection.close()


def bearer(request: Request) -> str:
    """Returns the token in `Authorization`, or ""."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def refusal(error: InferenceError, takes: Takes) -> Response:
    """Returns the error as the response that refuses a WebSocket, and counts and logs it."""
    count_refused(error, takes)
    status = HTTPStatus.BAD_REQUEST
    if isinstance(error, TokenError):
        status = HTTPStatus.UNAUTHORIZED
    elif isinstance(error, SlotLost):
        status = HTTPStatus.SERVICE_UNAVAILABLE
    return json_response(status, {"code": error.code, "message": str(error), "fields": vars(error)})


def count_refused(error: InferenceError, takes: Takes) -> None:
    """Counts a refusal for Prometheus and the log, without anything that was sent."""
    takes.statistics.refused[error.code] += 1
    log.warning("refused", code=error.code)


def json_response(status: HTTPStatus, body: Mapping[str, Any]) -> Response:
    """Returns a JSON answer over plain HTTP."""
    return response(status, "application/json", json.dumps(body, default=str).encode())


def response(status: HTTPStatus, content_type: str, body: bytes) -> Response:
    """Returns an answer over plain HTTP, after which the connection closes."""
    headers = Headers({"Content-Type": content_type, "Content-Length": str(len(body)), "Connection": "close"})
    return Response(status.value, status.phrase, headers, body)
