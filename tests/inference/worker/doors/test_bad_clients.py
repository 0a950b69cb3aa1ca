"""Whatever one client does on `/slot`, its neighbour's talk is the one it would have been, and the row comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from inference.contract.audio import BYTES_PER_SAMPLE, FRAME_SAMPLES
from inference.contract.wire import (
    AudioFrame,
    Control,
    Kind,
    Message,
    Metadata,
    Opus,
    Playback,
    Text,
    encode,
    encode_audio,
)
from tests.inference.running import (
    HeldEngine,
    converse,
    end,
    everything,
    next_event,
    noise_frame,
    open_take,
    raw_connection,
    running_worker,
)
from tests.waiting import until

STEPS = 6
MASKED_FRAME_HEADER = bytes([0x82, 0xFE, 0x0F, 0x10, 1, 2, 3, 4])  # a binary WebSocket frame of 3,856 bytes, masked


def sends(*messages: str | bytes) -> Callable[[ClientConnection], Coroutine[Any, Any, None]]:
    """What a client does that sends these and waits to be shut out."""

    async def act(connection: ClientConnection) -> None:
        await connection.recv()  # live, or its place in the queue
        with suppress(ConnectionClosed):
            for message in messages:
                await connection.send(message)
            while True:
                await connection.recv()

    return act


async def vanish(connection: ClientConnection) -> None:
    connection.transport.abort()


async def vanish_once_live(connection: ClientConnection) -> None:
    await connection.recv()
    connection.transport.abort()


async def vanish_in_a_step(connection: ClientConnection) -> None:
    """With steps that nobody has answered yet."""
    await connection.recv()
    for place in range(3):
        await connection.send(encode_audio(Kind.PARTICIPANT, place, 0, bytes(BYTES_PER_SAMPLE * FRAME_SAMPLES)))
    connection.transport.abort()


async def vanish_in_a_message(connection: ClientConnection) -> None:
    """Behind a part of a WebSocket frame."""
    await connection.recv()
    connection.transport.write(MASKED_FRAME_HEADER + bytes(1_000))
    connection.transport.close()


async def vanish_behind_its_end(connection: ClientConnection) -> None:
    await connection.recv()
    await connection.send(encode(Metadata("end")))
    connection.transport.abort()


async def speak_no_websocket(connection: ClientConnection) -> None:
    await connection.recv()
    connection.transport.write(b"GET / HTTP/1.1\r\n\r\n" * 50)
    with suppress(ConnectionClosed):
        while True:
            await connection.recv()


def leave(connection: ClientConnection) -> None:
    if not connection.transport.is_closing():
        connection.transport.abort()


CLIENTS: dict[str, Callable[[ClientConnection], Coroutine[Any, Any, None]]] = {
    "text": sends("hello"),
    "empty": sends(b""),
    "ten megabytes": sends(bytes([Kind.PARTICIPANT]) + bytes(10_000_000)),
    "ten megabytes in pieces": sends(*[bytes([Kind.PARTICIPANT]) + bytes(1_000_000)] * 10),
    "unknown kind": sends(b"\x7f" * 100),
    "opus": sends(encode(Opus(b"OggS"))),
    "control": sends(encode(Control(3))),
    "words": sends(encode(Text("hello"))),
    "playback": sends(encode(Playback(1, 1, 1, 1, 1))),
    "no JSON": sends(b"\x04{"),
    "deep JSON": sends(b"\x04" + b"[" * 16_000),
    "frame of nothing": sends(encode_audio(Kind.PARTICIPANT, 0, 0, b"")),
    "last sequence there is": sends(encode_audio(Kind.PARTICIPANT, 2**32 - 1, 2**64 - 1, noise_frame(0)), b""),
    "vanishes": vanish,
    "vanishes once live": vanish_once_live,
    "vanishes in a step": vanish_in_a_step,
    "vanishes in a message": vanish_in_a_message,
    "vanishes behind its end": vanish_behind_its_end,
    "speaks no WebSocket": speak_no_websocket,
}


@pytest.mark.parametrize("act", CLIENTS.values(), ids=CLIENTS)
async def test_neighbour_talks_on(act: Callable[[ClientConnection], Coroutine[Any, Any, None]]) -> None:
    async with running_worker(slots=2, reconnect_grace_sec=0.01) as worker:
        good = await open_take(worker, "good")
        await next_event(good, "live")
        bad = await raw_connection(worker, take="bad")
        acting = asyncio.create_task(act(bad))
        messages = await converse(good, range(STEPS))
        await acting
        messages += await converse(good, range(STEPS, 2 * STEPS))
        leave(bad)
        messages += await end(good)
        await until(lambda: worker.takes.table.free_slots == 2)
        third, fourth = [await open_take(worker, take) for take in ("third", "fourth")]
        await next_event(third, "live")
        await next_event(fourth, "live")
    assert audio(messages) == echoed(2 * STEPS)


@pytest.mark.parametrize("act", [vanish, sends("hello")], ids=["vanishes", "text"])
async def test_in_the_queue(act: Callable[[ClientConnection], Coroutine[Any, Any, None]]) -> None:
    async with running_worker(slots=1, reconnect_grace_sec=0.01) as worker:
        good = await open_take(worker, "good")
        await next_event(good, "live")
        bad = await raw_connection(worker, take="bad")
        await act(bad)
        waiting = await open_take(worker, "waiting")
        await until(lambda: not worker.takes.find("bad"))
        assert audio(await converse(good, range(STEPS)) + await end(good)) == echoed(STEPS)
        await next_event(waiting, "live")
        leave(bad)


async def test_burst_after_a_silence_drops_the_oldest_of_it_alone() -> None:
    """37 frames at once, while a step is under way: an inbox holds 12."""
    HeldEngine.go.set()
    async with running_worker(HeldEngine, slots=2) as worker:
        good, bursting = [await open_take(worker, take) for take in ("good", "bursting")]
        await next_event(good, "live")
        await next_event(bursting, "live")
        messages = await converse(good, range(STEPS))
        HeldEngine.go.clear()
        HeldEngine.entered.clear()
        talking = asyncio.create_task(converse(good, range(STEPS, STEPS + 1)))
        await asyncio.to_thread(HeldEngine.entered.wait)
        for step in range(37):
            await bursting.send(encode_audio(Kind.PARTICIPANT, step, 0, noise_frame(step)))
        await bursting.send(encode(Metadata("end")))
        await until(lambda: worker.takes.statistics.frames_dropped["uplink"] >= 25)
        HeldEngine.go.set()
        messages += await talking + await converse(good, range(STEPS + 1, 2 * STEPS)) + await end(good)
        told, _ = await everything(bursting)
    assert audio(messages) == echoed(2 * STEPS)
    assert [m.sequence for m in told if isinstance(m, AudioFrame) and m.kind == Kind.HEARD] == list(range(25, 37))
    overflow = [m.data for m in told if isinstance(m, Metadata) and m.event == "overflow"]
    assert overflow == [{"direction": "uplink", "frames": 25}]


def audio(messages: list[Message]) -> list[tuple[Kind, int, bytes]]:
    return [(m.kind, m.sequence, m.pcm) for m in messages if isinstance(m, AudioFrame)]


def echoed(steps: int) -> list[tuple[Kind, int, bytes]]:
    """What an undisturbed talk hears and is answered."""
    frames: list[tuple[Kind, int, bytes]] = []
    said = bytes(len(noise_frame(0)))
    for step in range(steps):
        heard = noise_frame(step)
        frames += [(Kind.HEARD, step, heard), (Kind.AGENT, step, said)]
        said = heard
    return frames
