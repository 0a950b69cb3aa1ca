"""Answers to HEAD, as a server gets them from the application."""

from __future__ import annotations

from typing import Any

import pytest

from hearmeout_site.head import Message, Send, without_bodies


async def in_pieces(_scope: Message, _receive: Any, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]})
    for number, piece in enumerate((b"one", b"two")):
        await send({"type": "http.response.body", "body": piece, "more_body": number == 0})


@pytest.mark.parametrize(("method", "pieces"), [("HEAD", [b"", b""]), ("GET", [b"one", b"two"])])
async def test_answer_to_head_has_headers_alone(method: str, pieces: list[bytes]) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await without_bodies(in_pieces)({"type": "http", "method": method}, send, send)
    start, *bodies = sent
    assert start == {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]}
    assert [message["body"] for message in bodies] == pieces
    assert [message["more_body"] for message in bodies] == [True, False]
