"""The WebSockets of a converter server."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import numpy as np
import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.errors import InferenceError, OptionError, WireError
from inference.converter_server.network import Network
from inference.converter_server.rows import MAX_BLOCKS, Rows, Talker, hold_samples
from inference.voices.remote.protocol import (
    ABOUT_PATH,
    CONVERT_PATH,
    MAX_MESSAGE_BYTES,
    PROTOCOL,
    decode_message,
    decode_sound,
    encode_message,
    encode_sound,
    field,
)

MAX_TARGET_SAMPLES: Final = 15 * 60 * SAMPLE_RATE_HZ
MAX_UNSENT: Final = 100  # messages; a client that reads none of them is disconnected
PING_SEC: Final = 5.0
POLICY_VIOLATION: Final = 1008

log = structlog.get_logger(__name__)


class ConverterServer:
    """The server. With an empty `key` it admits every client that can reach the port.

    A talker who is more than `max_blocks` behind gets silence for the oldest blocks."""

    def __init__(
        self,
        make: Callable[[], Network],
        host: str = "127.0.0.1",
        port: int = 0,
        key: str = "",
        max_blocks: int = MAX_BLOCKS,
    ) -> None:
        self.rows = Rows(make, max_blocks)
        self.address = ""
        self._host, self._port, self._key = host, port, key
        self._server: Server | None = None
        self._about: dict[str, Any] = {}

    async def start(self) -> None:
        """Loads the network, then listens. Raises what loading raised, and OSError."""
        await asyncio.wrap_future(self.rows.start())
        network = self.rows.network
        hold = hold_samples(network.sample_rate_hz, network.block_samples, network.latency_samples)
        first = -(-network.latency_samples * SAMPLE_RATE_HZ // network.sample_rate_hz)
        self._about = {
            "first_sample": -first,
            "hold_samples": hold,
            "model": {
                **network.about(),
                "parameters": {name: list(ends) for name, ends in network.parameters.items()},
                "needs_target": network.needs_target,
                "sample_rate_hz": network.sample_rate_hz,
                "block_samples": network.block_samples,
                "rows": network.rows,
            },
        }
        self._server = await serve(
            self._serve,
            self._host,
            self._port,
            process_request=self._answer,
            compression=None,
            max_size=MAX_MESSAGE_BYTES,
            ping_interval=PING_SEC,
            ping_timeout=2 * PING_SEC,
        )
        host, port, *_ = next(iter(self._server.sockets)).getsockname()
        self.address = f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"
        log.info("converter server listens", address=self.address)

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()
        await asyncio.to_thread(self.rows.stop)

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path not in {CONVERT_PATH, ABOUT_PATH}:
            return _json(HTTPStatus.NOT_FOUND, {"message": f"{CONVERT_PATH} converts, {ABOUT_PATH} describes"})
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._key and not hmac.compare_digest(given.encode(), self._key.encode()):
            return _json(HTTPStatus.UNAUTHORIZED, {"message": "the key is missing or wrong"})
        return _json(HTTPStatus.OK, self._about) if path == ABOUT_PATH else None

    async def _serve(self, connection: ServerConnection) -> None:
        visit = _Visit(connection, self.rows, self._about)
        try:
            await visit.run()
        except ConnectionClosed:
            pass
        except InferenceError as error:
            log.warning("stream refused", code=error.code, problem=str(error))
            extra = {"name": error.name, "value": error.value} if isinstance(error, OptionError) else {}
            with suppress(ConnectionClosed, WireError):
                await connection.send(encode_message("error", code=error.code, message=str(error), **extra))
            await connection.close(POLICY_VIOLATION, error.code)
        finally:
            await visit.leave()


class _Visit:
    """One connection, from its opening to its end."""

    def __init__(self, connection: ServerConnection, rows: Rows, about: dict[str, Any]) -> None:
        self._connection = connection
        self._rows = rows
        self._about = about
        self._loop = asyncio.get_running_loop()
        self._unsent: asyncio.Queue[bytes | str | None] = asyncio.Queue()
        self._talker: Talker | None = None

    async def run(self) -> None:
        """Runs the connection. Raises WireError, and the error with which the network refused."""
        await self._open()
        sending = asyncio.create_task(self._send())
        try:
            async for data in self._connection:
                if isinstance(data, str):
                    raise WireError("sound", "text")
                assert self._talker is not None
                self._rows.say(self._talker, decode_sound(data))
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError, ConnectionClosed):
                await sending

    async def leave(self) -> None:
        if self._talker is not None:
            await asyncio.wrap_future(self._rows.close(self._talker))

    async def _open(self) -> None:
        while self._talker is None:
            kind, fields = decode_message(await self._text())
            if kind == "enrol":
                await self._enrol(fields)
                continue
            if kind != "open" or field(fields, "protocol", int) != PROTOCOL:
                raise WireError(f"open of protocol {PROTOCOL}", kind[:40])
            target = field(fields, "target", str)
            if target and not await asyncio.wrap_future(self._rows.knows(target)):
                await self._connection.send(encode_message("unknown_target"))
                continue
            if not target and self._rows.network.needs_target:
                raise OptionError("target", "", "a target voice: this converter needs one")
            opening = self._rows.open(
                target, field(fields, "parameters", dict), field(fields, "seed", int), self._deliver, self._fail
            )
            self._talker = await asyncio.wrap_future(opening)
        await self._connection.send(encode_message("ready", **self._about))

    async def _enrol(self, fields: dict[str, Any]) -> None:
        target, expected = field(fields, "target", str), field(fields, "samples", int)
        if not target or not 0 < expected <= MAX_TARGET_SAMPLES:
            raise WireError(f"a target of 1 to {MAX_TARGET_SAMPLES} samples", f"{expected}")
        parts: list[Float32] = []
        while (missing := expected - sum(map(len, parts))) > 0:
            data = await self._connection.recv()
            if isinstance(data, str):
                raise WireError("sound", "text")
            parts.append(decode_sound(data))
        if missing:
            raise WireError(f"{expected} samples", f"{-missing} more")
        await asyncio.wrap_future(self._rows.enrol(target, np.concatenate(parts)))
        await self._connection.send(encode_message("enrolled"))

    async def _text(self) -> str:
        data = await self._connection.recv()
        if isinstance(data, bytes):
            raise WireError("a text message first", "sound")
        return data

    def _deliver(self, samples: Float32, late_samples: int) -> None:
        messages: list[bytes | str] = [encode_sound(samples)] if len(samples) else []
        if late_samples:
            messages.append(encode_message("overrun", samples=late_samples))
        with suppress(RuntimeError):  # The loop is closed because the server stops.
            self._loop.call_soon_threadsafe(self._queue, messages)

    def _fail(self, error: Exception) -> None:
        message = str(error) if isinstance(error, InferenceError) else "the conversion stopped because of a fault"
        last = (encode_message("error", code="failed", message=message), None)
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._queue, last)

    def _queue(self, messages: Sequence[bytes | str | None]) -> None:
        for message in messages:
            self._unsent.put_nowait(message)
        if self._unsent.qsize() > MAX_UNSENT:
            self._connection.transport.abort()

    async def _send(self) -> None:
        while (message := await self._unsent.get()) is not None:
            await self._connection.send(message)
        await self._connection.close(POLICY_VIOLATION, "failed")


def _json(status: HTTPStatus, body: dict[str, Any]) -> Response:
    data = json.dumps(body, default=str).encode()
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(data)), "Connection": "close"})
    return Response(status.value, status.phrase, headers, data)
