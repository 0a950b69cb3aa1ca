"""Opens WebSockets to servers and explains in plain words why one does not open."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from inference.contract.audio import Float32
from inference.contract.errors import InferenceError

OPEN_SEC: Final = 10.0
CLOSE_SEC: Final = 1.0
NO_REASON: Final = "the connection broke"


class TalkProblem(InferenceError):
    """The conversation cannot begin or go on; the text says why, and what to do. `status` is the exit status,
    `http_status` that of the answer to the handshake, if there was one."""

    code = "talk_problem"

    BROKE_OFF = 1
    UNREACHABLE = 3
    REFUSED = 4
    NO_SOUND = 5

    def __init__(self, text: str, status: int, http_status: int = 0) -> None:
        super().__init__(text)
        self.status = status
        self.http_status = http_status


@dataclass(frozen=True, slots=True)
class Waiting:
    """The participant waits in the queue. `position` 1 is next, and 0 means that the server does not say. `overloaded`:
    a slot is free, but the server is too slow to admit another conversation."""

    position: int
    overloaded: bool = False


@dataclass(frozen=True, slots=True)
class Live:
    """The engine hears from here on. `engine` is "" if its name is not known."""

    engine: str


@dataclass(frozen=True, slots=True)
class Sound:
    """The agent's sound, float32 [n] at 24 kHz."""

    samples: Float32


@dataclass(frozen=True, slots=True)
class Words:
    """The agent's words as they are to be printed, including spaces."""

    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """The participant's words as the engine recognised them."""

    text: str


@dataclass(frozen=True, slots=True)
class Noticed:
    """How the engine was told that the participant sounded; empty where nothing stood out."""

    sounded: str


@dataclass(frozen=True, slots=True)
class Paused:
    """The agent's turn is over."""


@dataclass(frozen=True, slots=True)
class Over:
    """The last event. `fault` says that the conversation did not end as it should."""

    message: str
    fault: bool


@dataclass(frozen=True, slots=True)
class Unused:
    """What the participant asked for and will not get (`certain`), or perhaps will not get."""

    names: Sequence[str]
    certain: bool


Event = Waiting | Live | Sound | Words | Heard | Noticed | Paused | Unused | Over


class Link(Protocol):
    """One conversation with one server. The last event of `receive` is a single Over."""

    async def send(self, frame: Float32) -> None:
        """Sends 80 ms of the participant's audio, float32 [FRAME_SAMPLES], once Live has been received. Does nothing
        after the end."""

    async def receive(self) -> Event:
        """Returns the next event."""

    async def end(self) -> None:
        """Ends the conversation; pending events still arrive, then Over."""

    async def close(self) -> None:
        """Closes the connection at once."""


def tls(certificate: Path | None, *, insecure: bool) -> ssl.SSLContext:
    """Returns a TLS context that trusts the system's authorities and `certificate`, or anything if `insecure`.

    Raises TalkProblem."""
    try:
        context = ssl.create_default_context(cafile=str(certificate) if certificate else None)
    except (OSError, ssl.SSLError) as error:
        raise TalkProblem(f"The certificate {certificate} cannot be read: {error}", TalkProblem.REFUSED) from None
    if certificate:
        context.load_default_certs()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def dial(url: str, context: ssl.SSLContext, *, origin: str = "", token: str = "") -> ClientConnection:
    """Opens a WebSocket. Raises TalkProblem."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if origin:
        headers["Origin"] = origin
    try:
        return await connect(
            url,
            additional_headers=headers,
            compression=None,
            max_size=None,
            max_queue=None,
            open_timeout=OPEN_SEC,
            close_timeout=CLOSE_SEC,
            proxy=None,
            ssl=context if url.startswith("wss:") else None,
        )
    except InvalidStatus as refusal:
        raise _refused(url, refusal) from None
    except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
        raise TalkProblem(unreachable(url, error), TalkProblem.UNREACHABLE) from None
    except ValueError:  # a name that no host can have, or a token that no header can carry
        raise TalkProblem(
            "The address or the token contains characters that cannot be sent.", TalkProblem.REFUSED
        ) from None


def unreachable(url: str, error: Exception) -> str:
    """Returns why no server answers at `url`."""
    parts = urlsplit(url)
    place = f"{parts.hostname}:{parts.port or (443 if parts.scheme in {'wss', 'https'} else 80)}"
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case ssl.SSLCertVerificationError():
                return (
                    f"The certificate of {place} is not trusted ({cause.verify_message}). "
                    "Name it with --certificate, or trust any certificate with --insecure."
                )
            case ssl.SSLError():
                return f"{place} does not use TLS. If that is intended, write ws:// or http://."
            case socket.gaierror():
                return f"There is no host called {parts.hostname!r}."
            case ConnectionRefusedError():
                return f"There is no server at {place}. Is it running?"
        cause = cause.__cause__ or cause.__context__
    if "Connect call failed" in str(error):  # several addresses were tried, and each refused
        return f"There is no server at {place}. Is it running?"
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return f"{place} does not respond."
    return f"No conversation can be started at {place}: {error}"


def why_closed(closed: ConnectionClosed) -> str:
    """Returns the reason that the other side gave for closing."""
    return closed.rcvd.reason or NO_REASON if closed.rcvd else NO_REASON


def _refused(url: str, refusal: InvalidStatus) -> TalkProblem:
    status = refusal.response.status_code
    try:
        message = str(json.loads(refusal.response.body or b"")["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        message = f"There is no conversation at {url.partition('?')[0]} (the server answered {status})."
    return TalkProblem(message, TalkProblem.REFUSED, status)
