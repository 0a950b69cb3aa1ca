"""Calls remote servers: their addresses, the connections to them, and the thread on which these connections run.

Credentials in an address go only to the server itself.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from inference.contract.errors import RemoteLost

CLOSE_SEC: Final = 1.0
MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024  # minutes of audio; a longer message cannot be a valid answer
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
REFUSALS: Final[Mapping[int, str]] = {
    401: "it does not accept the key or password (401)",
    403: "the key or password has no right to this (403)",
    404: "it has no such path or model (404)",
    429: "too many requests, or the quota is used up (429)",
    503: "it is overloaded or not ready (503)",
}
STOP_SEC: Final = 2.0  # for connections to close cleanly
Result = TypeVar("Result")


class _Connect(connect):
    """Follows no redirect, so that the participant's voice goes only to the server that the operator named."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def shown(url: str) -> str:
    """Returns the address without user, password and query, to be shown to people and written to logs and snapshots."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def check_url(url: str) -> None:
    """Raises ValueError, saying what is wrong, unless this is an address of a WebSocket server."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("has a port or host that cannot be") from None
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        raise ValueError("should read ws://host:port/path or wss://host/path")
    if parts.fragment:
        raise ValueError("has a #, which no server would see")


def is_private(url: str) -> bool:
    """Returns whether the address alone places the server on this machine or in a private network: an IP address of
    such a range, `localhost`, or a name without a dot or in `.local`, `.internal` or `.lan`."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        address = _address(host.partition("%")[0])
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan"))
    return address.is_loopback or address.is_private or address.is_link_local


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Returns the address that a host is, however it is written; `134744072` and `::ffff:8.8.8.8` are 8.8.8.8.

    Raises ValueError for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, UnicodeError):
            raise ValueError(host) from None
    return getattr(address, "ipv4_mapped", None) or address


ThirdParty = Annotated[
    Literal["yes", "no"] | None, BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)
]
"""A setting by which the operator says whether servers are somebody else's; None leaves that to their addresses."""


def is_third_party(said: ThirdParty, *urls: str) -> bool:
    """Whether the servers at these addresses are somebody else's: as the operator `said`, or else unless all of them
    are private."""
    return said == "yes" if said is not None else not all(map(is_private, urls))


@dataclass(frozen=True, slots=True)
class Trust:
    """Certificates (DER) that are trusted as they are, whatever name they bear: those of moshi and PersonaPlex are
    self-signed and name localhost, wherever they run."""

    context: ssl.SSLContext
    certificates: frozenset[bytes]

    @classmethod
    def readable(cls, file: Path | None) -> Path | None:
        """Validates a setting that names a PEM file and returns it. Raises ValueError, saying what it should be."""
        try:
            if file is not None:
                cls.read(file)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"the PEM file of the server's certificate, such as the cert.pem beside its key.pem "
                f"({type(error).__name__})"
            ) from None
        return file

    @classmethod
    def read(cls, file: Path) -> Trust:
        """Reads a PEM file. Raises OSError and ValueError."""
        certificates = frozenset(map(ssl.PEM_cert_to_DER_cert, _PEM.findall(file.read_text())))
        if not certificates:
            raise ValueError("no certificate in it")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cafile=file)  # ssl.SSLError is an OSError
        return cls(context, certificates)


async def call(
    url: str,
    *,
    timeout_sec: float,
    trust: Trust | None = None,
    headers: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] = (),
    ping_sec: float | None = None,
) -> ClientConnection:
    """Opens a WebSocket. `trust` replaces the public certificate authorities; `ping_sec` is only for servers that
    answer pings at all times. Raises RemoteLost."""
    address = shown(url)
    secure = url.startswith("wss:")
    try:
        connection = await _Connect(
            url,
            additional_headers=dict(headers or {}),
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            ssl=(trust.context if trust else _public_authorities()) if secure else None,
            compression=None,
            proxy=None if is_private(url) else True,
            open_timeout=timeout_sec,
            close_timeout=CLOSE_SEC,
            ping_interval=ping_sec,
            ping_timeout=ping_sec,
            max_size=MAX_MESSAGE_BYTES,
        )
    except InvalidStatus as refusal:
        status = refusal.response.status_code
        raise RemoteLost(address, REFUSALS.get(status, f"it answered {status}"), status=status) from None
    except ssl.SSLCertVerificationError as error:
        raise RemoteLost(address, f"its certificate is not trusted ({error.verify_message})") from None
    except (OSError, InvalidHandshake, InvalidURI, EOFError) as error:  # a TimeoutError is an OSError
        raise RemoteLost(address, _why(error, timeout_sec)) from None
    if secure and trust:
        presented = connection.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        if presented not in trust.certificates:  # it is merely signed by one of them
            await connection.close()
            raise RemoteLost(address, "its certificate is not the one that is trusted")
    # a step's frame must not wait for the acknowledgement of the last one
    connection.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def closed(url: str, error: ConnectionClosed) -> RemoteLost:
    """Returns the error for a connection that ended while it was needed."""
    if error.rcvd is None:
        return RemoteLost(shown(url), "the connection broke")
    if error.rcvd.code in (1000, 1001):
        return RemoteLost(shown(url), "it ended the conversation")
    return RemoteLost(shown(url), f"it closed the connection (code {error.rcvd.code})")


@cache
def _public_authorities() -> ssl.SSLContext:
    return ssl.create_default_context()


def _why(error: Exception, timeout_sec: float) -> str:
    match error:
        case TimeoutError():
            return f"it did not answer within {timeout_sec:g} s"
        case ConnectionRefusedError():
            return "nothing listens there"
        case socket.gaierror():
            return "its name is not known"
        case ssl.SSLError():
            return "it does not speak TLS as it should"
        case InvalidHandshake() | EOFError():
            return "it is no WebSocket server"
        case _:
            return f"it cannot be reached ({type(error).__name__})"


class LoopThread:
    """A thread with an event loop that runs from its creation until `stop`."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Starts a task from any thread; cancelling the future cancels the task."""
        return asyncio.run_coroutine_threadsafe(self._known(work), self.loop)

    def stop(self) -> None:
        """Cancels every task, waits for them at most STOP_SEC and ends the thread. A second call does nothing."""
        if self.loop.is_closed():
            return
        cancelled = asyncio.run_coroutine_threadsafe(self._cancel_all(), self.loop)
        cancelled.add_done_callback(lambda _: self.loop.call_soon_threadsafe(self.loop.stop))
        self._thread.join()
        self.loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    async def _known(self, work: Coroutine[Any, Any, Result]) -> Result:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await work

    async def _cancel_all(self) -> None:
        for task in self._tasks:
            if not task.cancelling():  # a second cancellation would interrupt its clean close
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_SEC)


async def first_to_end(*works: Coroutine[Any, Any, None]) -> None:
    """Runs all coroutines concurrently until one ends, then cancels the others. Raises what that one raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if task in done:
            task.result()
