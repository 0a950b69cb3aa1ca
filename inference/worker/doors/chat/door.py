"""Admits clients of `/api/chat` and serves their conversations from handshake to end.

Nothing is recorded here: these conversations belong to no study and use no journal and no database.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs
from weakref import WeakKeyDictionary

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from inference.contract.errors import InferenceError, SlotLost, TokenError
from inference.contract.tokens import SLOT, TokenReader
from inference.contract.wire import Kind
from inference.worker.doors.chat.carrier import ChatCarrier
from inference.worker.doors.chat.encoding import Encoders
from inference.worker.doors.chat.query import ChatRequest, read_query
from inference.worker.doors.slot import POLICY_VIOLATION, bearer, count_refused, json_response, refusal
from inference.worker.takes import Takes, ended

CHAT_PATH: Final = "/api/chat"
MAX_REASON_BYTES: Final = 123  # limit of a close frame
SHUT: Final = "This worker does not serve chat clients. Its operator can let them in with WORKER_CHAT=token or open."


class ChatDoor:
    """`policy` is WORKER_CHAT: `off`; `token`, for anyone with a slot token; `open`, for anyone who reaches the port.

    A token contains the whole request, and a query beside it is not read. The token is in `Authorization: Bearer`, in
    `token=`, or before the path (`/<token>/api/chat`) for clients that add the path themselves."""

    def __init__(self, takes: Takes, tokens: TokenReader, policy: str) -> None:
        self._takes = takes
        self._tokens = tokens
        self._policy = policy
        self._encoders = Encoders()
        self._requests: WeakKeyDictionary[ServerConnection, ChatRequest | InferenceError] = WeakKeyDictionary()

    async def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if self._policy == "off":
            return json_response(HTTPStatus.FORBIDDEN, {"code": "door_shut", "message": SHUT, "fields": {}})
        try:
            if self._takes.draining:
                raise SlotLost("stopping")
            chat = self._requested(request)
            await asyncio.wrap_future(self._takes.steps.check(chat.slot))
        except (TokenError, SlotLost) as error:
            return refusal(error, self._takes)
        except InferenceError as error:
            self._requests[connection] = error  # sent in a message, because browsers do not show a refused handshake
        else:
            self._requests[connection] = chat
        return None

    async def serve(self, connection: ServerConnection) -> None:
        try:
            match self._requests.pop(connection):
                case ChatRequest() as chat:
                    await self._converse(connection, chat)
                case error:
                    raise error
        except InferenceError as error:
            count_refused(error, self._takes)
            with suppress(ConnectionClosed):
                await connection.send(bytes([Kind.ERROR]) + str(error).encode())
                reason = str(error).encode()[:MAX_REASON_BYTES].decode(errors="ignore")
                await connection.close(POLICY_VIOLATION, reason)

    async def stop(self) -> None:
        """Stops the encoders once nobody talks any more."""
        await self._encoders.stop()

    def _requested(self, request: Request) -> ChatRequest:
        """Raises TokenError, UnknownName, OptionError."""
        path, _, query = request.path.partition("?")
        token = path.removesuffix(CHAT_PATH).strip("/") or parse_qs(query).get("token", [""])[0] or bearer(request)
        if token:
            return ChatRequest(self._tokens.read(SLOT, token))
        if self._policy != "open":
            raise TokenError("missing")
        return read_query(query, tuple(self._takes.steps.engines))

    async def _converse(self, connection: ServerConnection, chat: ChatRequest) -> None:
        """Serves one conversation; frees the slot as soon as the socket closes, as these clients do not reconnect.

        Raises WireError if the client cannot be understood and SlotLost if the encoder is lost."""
        stream = await self._encoders.open()
        conversation, greeting = self._takes.join(chat.slot)
        carrier = ChatCarrier(
            connection,
            chat,
            stream,
            hear=partial(self._takes.hear_exactly, conversation),
            is_waiting=lambda: conversation.lease.row is None,
        )
        sending = asyncio.create_task(conversation.carry(carrier, greeting))
        reading = asyncio.create_task(carrier.read())
        watching = asyncio.create_task(carrier.watch())
        tasks = (reading, watching, sending)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await self._takes.end(conversation, ended("released"))
            with suppress(ConnectionClosed):
                for task in tasks:
                    if task.done():
                        task.result()
                await sending
                await connection.close()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            stream.close()
