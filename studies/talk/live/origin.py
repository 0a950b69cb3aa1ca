"""Allows only pages of this site to open a talk socket, judged by the Origin that browsers send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from inference.contract.wire import ErrorMessage, encode
from studies.talk.live.endings import CLOSE_REFUSED

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

log = structlog.get_logger(__name__)


def same_origin(application: Application) -> Application:
    """Accepts sockets whose Origin is this site's Host or one of CSRF_TRUSTED_ORIGINS, and tells the others why not."""

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if is_same_origin(scope):
            await application(scope, receive, send)
            return
        log.warning("talk_refused", code="foreign_origin")
        await receive()  # websocket.connect
        # the page sees a refused handshake only as "failed", so open the socket, send the reason and close it
        message = ErrorMessage("foreign_origin", "This page may not open a conversation. Open the study's own link.")
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": encode(message)})
        await send({"type": "websocket.close", "code": CLOSE_REFUSED})

    return checked


def is_same_origin(scope: Scope) -> bool:
    """Returns whether the handshake names an allowed Origin; a handshake without an Origin is not allowed."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}
    origin, host = headers.get(b"origin", ""), headers.get(b"host", "")
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if not parts.scheme or not parts.netloc:
        return False
    if origin.rstrip("/") in settings.CSRF_TRUSTED_ORIGINS:
        return True
    domain, _ = split_domain_port(parts.netloc)
    return parts.netloc.lower() == host.lower() and validate_host(domain, settings.ALLOWED_HOSTS)
