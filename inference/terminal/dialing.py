"""Opens WebSockets to servers and explains in plain words why one does not open."""

from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from inference.terminal.link import TalkProblem

OPEN_SEC: Final = 10.0
CLOSE_SEC: Final = 1.0
NO_REASON: Final = "the connection broke"


def tls(certificate: Path | None, *, insecure: bool) -> ssl.SSLContext:
    """Trusts what the system trusts, and `certificate`; anything when `insecure`. Raises TalkProblem."""
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
    """An open WebSocket. Raises TalkProblem."""
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
                    "Name it with --certificate, or trust anybody with --insecure."
                )
            case ssl.SSLError():
                return f"{place} does not speak TLS. If it is meant not to, write ws:// or http://."
            case socket.gaierror():
                return f"There is no host called {parts.hostname!r}."
            case ConnectionRefusedError():
                return f"Nobody listens at {place}. Is the server running?"
        cause = cause.__cause__ or cause.__context__
    if "Connect call failed" in str(error):  # several addresses were tried, and each refused
        return f"Nobody listens at {place}. Is the server running?"
    if isinstance(error, TimeoutError):
        return f"{place} does not answer."
    return f"No conversation can be opened at {place}: {error}"


def why_closed(closed: ConnectionClosed) -> str:
    """Returns the reason that the other side gave for closing."""
    return closed.rcvd.reason or NO_REASON if closed.rcvd else NO_REASON


def _refused(url: str, refusal: InvalidStatus) -> TalkProblem:
    status = refusal.response.status_code
    try:
        message = str(json.loads(refusal.response.body or b"")["message"])
    except (ValueError, KeyError, TypeError):
        message = f"There is no conversation at {url.partition('?')[0]} (the server answered {status})."
    return TalkProblem(message, TalkProblem.REFUSED)
