"""HEAD answers without a body.

Daphne leaves out the first piece of what Django answers to HEAD, and sends the others: behind the headers of a long
page, whoever keeps the connection reads them as the next answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Message = Mapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Send], Awaitable[None]]


def without_bodies(application: Application) -> Application:
    """The same application, which sends no bytes behind the headers of an answer to HEAD."""

    async def answer(scope: Message, receive: Any, send: Send) -> None:
        async def send_head(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await application(scope, receive, send_head if scope.get("method") == "HEAD" else send)

    return answer
