"""The talk socket. Channels routes to it, but it reads and writes the ASGI connection itself.

Channels' own dispatch awaits the shared database thread for every message. On the audio path that would cost most of
the CPU time and, beside a slow query, most of the delay. Nothing here uses the database once the socket is open.

Only pages of this site may open one, judged by the Origin that browsers send.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog
from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from inference.contract.errors import WireError
from inference.contract.wire import ErrorMessage, encode
from studies.errors import TakeRefused
from studies.languages import language_of, said
from studies.outage import CODE, OUTAGES, TRY_AGAIN
from studies.talk.live.downlink import Downlink, Send
from studies.talk.live.endings import CLOSE_CODES, CLOSE_MALFORMED, CLOSE_REFUSED, CLOSE_UNAVAILABLE
from studies.talk.live.relay import Relay
from studies.talk.registry import RUNNING
from studies.talk.takes import redeem_ticket

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
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
        message = ErrorMessage(
            "foreign_origin", "This page is not allowed to open a conversation. Open the study’s own link."
        )
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


class TalkConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels has no types
    """One browser socket of one take.

    The page starts to send frames once it has received `live`, or a `hello` with `resumed`; earlier frames are
    counted but not kept. A problem is reported in an error message and then by the close code (see endings)."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        await receive()  # websocket.connect
        take_id = scope["url_route"]["kwargs"]["take_id"]
        ticket = parse_qs(scope["query_string"].decode("latin-1")).get("ticket", [""])[0]
        refusal: TakeRefused | None = None
        try:
            admission = await database_sync_to_async(redeem_ticket)(take_id, ticket)
        except TakeRefused as error:
            refusal = error
        except OUTAGES:
            refusal = TakeRefused(CODE, TRY_AGAIN)
        # the page sees a refused handshake only as "failed", so open the socket, send the reason and close it
        await send({"type": "websocket.accept"})
        if refusal is None:
            try:
                running = RUNNING.get(take_id)
                relay = running if isinstance(running, Relay) else Relay(admission)
                downlink = await relay.attach(send)
            except TakeRefused as error:
                refusal = error
        if refusal is not None:
            language = None
            with suppress(*OUTAGES):
                language = await database_sync_to_async(language_of)(trials__takes=take_id)
            message = ErrorMessage(refusal.code, said(refusal.message, language))
            await send({"type": "websocket.send", "bytes": encode(message)})
            await send({"type": "websocket.close", "code": CLOSE_CODES.get(refusal.code, CLOSE_UNAVAILABLE)})
            return
        await self._relay(relay, downlink, receive)

    async def _relay(self, relay: Relay, downlink: Downlink, receive: Any) -> None:
        sending = asyncio.get_running_loop().create_task(downlink.run())
        try:
            while (event := await receive())["type"] == "websocket.receive":
                try:
                    relay.receive(downlink, event.get("bytes"))
                except WireError as error:
                    relay.refuse(downlink, error, CLOSE_MALFORMED)
        finally:
            relay.detach(downlink)
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
