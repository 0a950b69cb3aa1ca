"""The web's side of the socket: what a refusal looks like, and how a slot is lost."""

from __future__ import annotations

import socket
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request, Response

from inference.contract.client import Slot, open_slot
from inference.contract.errors import OptionError, SlotLost, TokenError, UnknownName
from inference.contract.tokens import SLOT, SlotRequest, VoiceSegment, sign
from tests.inference.running import SECRET, next_event, open_take, raw_connection, running_worker

REQUEST = SlotRequest("take-1", "echo")


async def test_wrong_secret() -> None:
    async with running_worker() as worker:
        with pytest.raises(TokenError) as caught:
            await open_take(worker, secret="another secret, it is as long as it")
    assert (caught.value.reason, str(caught.value)) == ("invalid", "the token is invalid; ask for a new one")


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "invalid"),
        ("Basic abc", "invalid"),
        (f"Bearer {sign(SLOT, REQUEST, SECRET, ttl_sec=-1)}", "expired"),
    ],
    ids=["none", "another scheme", "expired"],
)
async def test_token_refused_before_the_socket_opens(authorization: str | None, reason: str) -> None:
    async with running_worker() as worker:
        with pytest.raises(InvalidStatus) as caught:
            await raw_connection(worker, authorization=authorization)
        assert caught.value.response.status_code == HTTPStatus.UNAUTHORIZED
        assert f'"reason": "{reason}"'.encode() in caught.value.response.body
        assert worker.takes.statistics.refused == {"bad_token": 1}


async def test_replayed_token() -> None:
    async with running_worker() as worker:
        authorization = f"Bearer {sign(SLOT, REQUEST, SECRET, to=worker.address)}"
        slot = Slot(await raw_connection(worker, authorization=authorization))
        await next_event(slot, "live")
        with pytest.raises(InvalidStatus) as caught:
            await raw_connection(worker, authorization=authorization)
    assert b"replayed" in caught.value.response.body


async def test_engine_not_served_here() -> None:
    async with running_worker() as worker:
        with pytest.raises(UnknownName) as caught:
            await open_take(worker, engine="cascade")
    assert (caught.value.what, caught.value.name, caught.value.known) == ("engine", "cascade", ("echo",))


async def test_option_refused() -> None:
    async with running_worker() as worker:
        with pytest.raises(OptionError) as caught:
            await open_take(worker, options={"temperature": 2})
    assert (caught.value.name, caught.value.value) == ("temperature", 2)


async def test_voice_parameter_refused() -> None:
    async with running_worker() as worker:
        with pytest.raises(OptionError) as caught:
            await open_take(worker, voices=(VoiceSegment("transform", parameters={"f0_ratio": 9}),))
    assert caught.value.value == 9


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(SlotLost) as caught:
        await open_slot(f"ws://127.0.0.1:{port}", REQUEST, SECRET)
    assert caught.value.reason == "the inference worker cannot be reached (ConnectionRefusedError)"


async def test_answer_too_late() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(SlotLost) as caught:
        await open_slot(f"ws://127.0.0.1:{silent.getsockname()[1]}", REQUEST, SECRET, timeout_sec=0.05)
    assert caught.value.reason == "the inference worker cannot be reached (TimeoutError)"


async def test_something_else_answers() -> None:
    def answer(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus.BAD_GATEWAY, "<html>")

    async def never(connection: ServerConnection) -> None:
        raise AssertionError

    async with serve(never, "127.0.0.1", 0, process_request=answer) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(SlotLost) as caught:
            await open_slot(f"ws://127.0.0.1:{port}", REQUEST, SECRET)
    assert caught.value.reason == "the inference worker answered 502"


async def test_worker_gone_in_mid_take() -> None:
    async def vanish(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with serve(vanish, "127.0.0.1", 0) as server:
        slot = await open_slot(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", REQUEST, SECRET)
        with pytest.raises(SlotLost) as caught:
            await slot.receive()
        with pytest.raises(SlotLost):
            await slot.send(b"\x06")
        await slot.close(end=True)  # says nothing more: there is nobody to say it to
    assert caught.value.reason == "connection lost"


async def test_close_and_end_frees_the_slot() -> None:
    async with running_worker(slots=1) as worker:
        slot = await open_take(worker, "1")
        await next_event(slot, "live")
        await slot.close(end=True)
        other = await open_take(worker, "2")
        await next_event(other, "live")
        assert worker.takes.statistics.slots_ended == {"released": 1}
