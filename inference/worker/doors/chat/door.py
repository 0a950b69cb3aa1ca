"""Admits clients of `/api/chat` and serves their conversations from handshake to end.

Nothing is recorded here: these conversations belong to no study and use no journal and no database.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs
from weakref import WeakKeyDictionary

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from inference.contract.audio import Float32
from inference.contract.errors import InferenceError, SlotLost, TokenError, WireError
from inference.contract.tokens import SLOT, TokenReader
from inference.contract.wire import AUDIO_HEADER, MAX_OPUS_BYTES, ErrorMessage, Kind, Message, Metadata, decode
from inference.worker.doors.chat.encoding import EncodedStream, Encoders
from inference.worker.doors.chat.opus import OpusInput
from inference.worker.doors.chat.query import ChatRequest, read_query
from inference.worker.doors.slot import POLICY_VIOLATION, bearer, count_refused, json_response, refusal
from inference.worker.takes import Takes, ended

PING_SEC: Final = 3.0  # stock web clients disconnect after 10 s without a message
IDLE_SEC: Final = 60.0  # a slot is not kept for a client that sends no sound
WINDOW_STEPS: Final = 6  # frames in flight, half an inbox; a backlog waits in the socket, so that none is dropped
MAX_FAULTS: Final = 25  # consecutive messages that cannot be understood
STOCK_KINDS: Final = frozenset(range(Kind.PING + 1))

Hear = Callable[[int, Float32], None]
CHAT_PATH: Final = "/api/chat"
MAX_REASON_BYTES: Final = 123  # limit of a close frame
SHUT: Final = "This worker does not serve chat clients. Its operator can let them in with WORKER_CHAT=token or open."


class ChatCarrier:
    """Carries one conversation to its end.

    `hear` takes a step and its frame. `is_waiting` says whether the conversation waits for a slot: audio that comes
    then is discarded, but audio that comes while the slot opens is heard."""

    def __init__(
        self,
        connection: ServerConnection,
        request: ChatRequest,
        stream: EncodedStream,
        hear: Hear,
        is_waiting: Callable[[], bool],
    ) -> None:
        self._connection = connection
        self._request = request
        self._stream = stream
        self._hear = hear
        self._is_waiting = is_waiting
        self._input = OpusInput()
        self._step = 0  # step of the next incoming frame
        self._stepped = asyncio.Event()
        self._steps_out = 0
        self._live = asyncio.Event()
        self._sent_at = self._heard_at = time.monotonic()
        self._faults = 0

    async def send(self, message: bytes, /) -> None:
        """Translates and sends one encoded wire message; many have no counterpart in the stock protocol.

        Raises ConnectionClosed or SlotLost."""
        if message[0] == Kind.AGENT:
            _, step, _ = AUDIO_HEADER.unpack_from(message)
            if pages := await self._stream.push(message[AUDIO_HEADER.size :]):
                await self._tell(Kind.OPUS, pages)
            self._steps_out = step + 1
            self._stepped.set()
        elif message[0] != Kind.HEARD:
            for kind, body in translate(decode(message), self._request):
                await self._tell(kind, body)
                if kind == Kind.HANDSHAKE:
                    self._heard_at = time.monotonic()
                    self._live.set()

    async def read(self) -> None:
        """Reads from the client until it has used up its steps.

        Raises ConnectionClosed, and WireError if the client's messages cannot be understood."""
        while True:
            data = await self._connection.recv()
            try:
                body = _sound(data)
                if body is None or self._is_waiting():
                    continue
                await self._live.wait()
                frames = self._input.push(body)
            except WireError as error:
                await self._refuse(error)
                continue
            for frame in frames:
                if self._request.max_steps is not None and self._step >= self._request.max_steps:
                    return
                await self._room()
                self._hear(self._step, frame)
                self._step += 1
                self._faults = 0
                self._heard_at = time.monotonic()

    async def watch(self) -> None:
        """Pings a client that has been sent nothing for a while.

        Raises ConnectionClosed, and WireError if the client has sent nothing for IDLE_SEC."""
        while True:
            now = time.monotonic()
            if self._live.is_set() and now - self._heard_at >= IDLE_SEC:
                raise WireError("sound", f"none for {IDLE_SEC:.0f} s")
            if now - self._sent_at >= PING_SEC:
                await self._tell(Kind.PING, b"")
            await asyncio.sleep(min(PING_SEC, IDLE_SEC) / 3)

    async def _room(self) -> None:
        while self._step - self._steps_out >= WINDOW_STEPS:
            self._stepped.clear()
            await self._stepped.wait()

    async def _refuse(self, error: WireError) -> None:
        self._faults += 1
        if self._faults == MAX_FAULTS:
            raise error
        await self._tell(Kind.ERROR, str(error).encode())

    async def _tell(self, kind: Kind, body: bytes) -> None:
        self._sent_at = time.monotonic()
        await self._connection.send(bytes([kind]) + body)


def translate(message: Message, request: ChatRequest) -> list[tuple[Kind, bytes]]:
    """Translates one of our messages to messages of the stock protocol, in order."""
    match message:
        case Metadata("live", fields):
            told = {"engine": fields["engine"], "seed": request.slot.seed, "unused": request.unused}
            return [(Kind.HANDSHAKE, b""), (Kind.METADATA, _json("live", told))]
        case Metadata("words", fields):
            return [(Kind.TEXT, str(fields.get("raw_text") or f" {fields['text']}").encode())]
        case Metadata("ended", fields):
            why = [] if fields["reason"] == "released" else [(Kind.ERROR, str(fields["message"]).encode())]
            return [*why, (Kind.METADATA, _json("ended", fields))]
        case Metadata("queue" | "turn" as event, fields):
            return [(Kind.METADATA, _json(event, fields))]
        case ErrorMessage(_, text):
            return [(Kind.ERROR, text.encode())]
    return []


def _sound(data: str | bytes) -> bytes | None:
    """Returns the Ogg-Opus body of a message, or None for the protocol's other messages. Raises WireError."""
    if isinstance(data, str):
        raise WireError("binary messages", "text")
    if not data:
        raise WireError("a message", "no bytes")
    if data[0] not in STOCK_KINDS:
        raise WireError("a type byte of the protocol", f"0x{data[0]:02x}")
    if len(data) > MAX_OPUS_BYTES + 1:
        raise WireError(f"at most {MAX_OPUS_BYTES + 1} bytes", str(len(data)))
    return data[1:] if data[0] == Kind.OPUS else None


def _json(event: str, fields: Mapping[str, Any]) -> bytes:
    return json.dumps({"event": event, **fields}, ensure_ascii=False).encode()


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
        """Stops the encoder process once all conversations have ended."""
        await self._encoders.stop()

    def _requested(self, request: Request) -> ChatRequest:
        """Returns the request of the token or else of the query. Raises TokenError, UnknownName and OptionError."""
        path, _, query = request.path.partition("?")
        token = path.removesuffix(CHAT_PATH).strip("/") or parse_qs(query).get("token", [""])[0] or bearer(request)
        if token:
            return ChatRequest(self._tokens.read(SLOT, token))
        if self._policy != "open":
            raise TokenError("missing")
        return read_query(query, tuple(self._takes.steps.engines), self._takes.steps.snapshots)

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
