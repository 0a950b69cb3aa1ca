"""The client of servers that speak the converter server protocol; see protocol.py."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import httpx
import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from inference.contract.errors import OptionError, RemoteLost, TargetUnavailable, WireError
from inference.remote import Trust, call, closed, first_to_end, shown
from inference.voices.remote.protocol import (
    ABOUT_PATH,
    CONVERT_PATH,
    PROTOCOL,
    decode_message,
    decode_sound,
    encode_message,
    encode_sound,
    field,
)
from inference.voices.remote.session import Dialect, Line, Order, Timing

CONNECT_SEC: Final = 5.0
ENROL_SEC: Final = 60.0
PING_SEC: Final = 5.0
ENROL_SAMPLES: Final = 48_000  # in one message

log = structlog.get_logger(__name__)


class ConverterServer(Dialect):
    """The converter server protocol as a dialect. `url` is ws:// or wss:// and host, and a path if a proxy adds one."""

    def __init__(self, url: str, key: str = "", trust: Trust | None = None) -> None:
        self.address = shown(url)
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._trust = trust

    async def about(self) -> tuple[Timing, Mapping[str, Any]]:
        url = "http" + self._url.removeprefix("ws") + ABOUT_PATH
        verify = self._trust.context if self._trust else True
        try:
            async with httpx.AsyncClient(timeout=CONNECT_SEC, trust_env=False, verify=verify) as client:
                response = await client.get(url, headers=self._headers)
        except httpx.HTTPError as error:
            raise RemoteLost(self.address, f"it cannot be reached ({type(error).__name__})") from None
        if response.status_code != 200:
            raise RemoteLost(self.address, f"it answered {response.status_code}", status=response.status_code)
        try:
            fields = response.json()
            return _timing(fields), dict(field(fields, "model", dict))
        except (ValueError, TypeError, AttributeError, WireError):
            raise RemoteLost(self.address, "it is no converter server: its /about is something else") from None

    async def enrol(self, order: Order) -> None:
        connection, _ = await self._open(order)
        await connection.close()

    async def talk(self, order: Order, line: Line) -> None:
        connection, timing = await self._open(order)
        try:
            if timing.first_sample != line.placement.first_sample:
                raise RemoteLost(self.address, "it has another delay than when the worker asked; restart the worker")
            await first_to_end(self._send(connection, line), self._receive(connection, line))
        except ConnectionClosed as error:
            raise closed(self._url, error) from None
        except TimeoutError:
            raise RemoteLost(self.address, "it takes no more sound") from None
        except WireError as error:
            raise RemoteLost(self.address, f"it sent something unexpected ({error})") from None
        finally:
            await connection.close()

    async def _open(self, order: Order) -> tuple[ClientConnection, Timing]:
        """Returns a connection that is ready for sound; enrols the target if the server does not know it."""
        connection = await call(
            self._url + CONVERT_PATH,
            timeout_sec=CONNECT_SEC,
            trust=self._trust,
            headers=self._headers,
            ping_sec=PING_SEC,
        )
        try:
            async with asyncio.timeout(ENROL_SEC):
                kind, fields = await self._ask(connection, order)
                if kind == "unknown_target":
                    await self._teach(connection, order)
                    kind, fields = await self._ask(connection, order)
                if kind != "ready":
                    raise WireError("ready", kind[:40])
                return connection, _timing(fields)
        except BaseException as error:
            await connection.close()
            match error:
                case ConnectionClosed():
                    raise closed(self._url, error) from None
                case TimeoutError():
                    raise RemoteLost(self.address, f"it was not ready within {ENROL_SEC:g} s") from None
                case WireError():
                    raise RemoteLost(self.address, f"it sent something unexpected ({error})") from None
                case _:
                    raise

    async def _ask(self, connection: ClientConnection, order: Order) -> tuple[str, dict[str, Any]]:
        message = {"target": order.target, "parameters": dict(order.parameters), "seed": order.seed}
        await connection.send(encode_message("open", protocol=PROTOCOL, **message))
        return await self._answer(connection)

    async def _teach(self, connection: ClientConnection, order: Order) -> None:
        if order.reference is None:
            raise TargetUnavailable("the converter server does not know it, and no reference audio was given")
        await connection.send(encode_message("enrol", target=order.target, samples=len(order.reference)))
        for start in range(0, len(order.reference), ENROL_SAMPLES):
            await connection.send(encode_sound(order.reference[start : start + ENROL_SAMPLES]))
        kind, _ = await self._answer(connection)
        if kind != "enrolled":
            raise WireError("enrolled", kind[:40])

    async def _answer(self, connection: ClientConnection) -> tuple[str, dict[str, Any]]:
        data = await connection.recv()
        if isinstance(data, bytes):
            raise WireError("a text message", "sound")
        kind, fields = decode_message(data)
        if kind == "error":
            raise self._refusal(fields)
        return kind, fields

    def _refusal(self, fields: Mapping[str, Any]) -> RemoteLost | TargetUnavailable | OptionError:
        code, message = str(fields.get("code", "")), str(fields.get("message", ""))[:300]
        match code:
            case "bad_option":
                return OptionError(str(fields.get("name", "parameters")), fields.get("value"), message)
            case "target_unavailable":
                return TargetUnavailable(message)
            case _:
                return RemoteLost(self.address, message or code or "it refused")

    async def _send(self, connection: ClientConnection, line: Line) -> None:
        while True:
            await connection.send(encode_sound(await line.said()))

    async def _receive(self, connection: ClientConnection, line: Line) -> None:
        async for data in connection:
            if isinstance(data, bytes):
                line.placement.arrive(decode_sound(data))
                continue
            kind, fields = decode_message(data)
            match kind:
                case "overrun":
                    log.warning("conversion too late", address=self.address, samples=field(fields, "samples", int))
                case "error":
                    raise self._refusal(fields)
                case _:
                    raise WireError("sound, overrun or error", kind[:40])
        raise RemoteLost(self.address, "it closed the connection")


def _timing(fields: Mapping[str, Any]) -> Timing:
    """Raises WireError."""
    return Timing(field(fields, "first_sample", int), field(fields, "hold_samples", int))
