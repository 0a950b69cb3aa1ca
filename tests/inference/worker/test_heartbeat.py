"""The report that a worker sends of itself, against a web that answers and one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from structlog.testing import capture_logs

from inference.contract.catalog import converter_class, engine_class
from inference.contract.tokens import HEARTBEAT, TokenReader
from inference.worker.heartbeat import Heartbeat
from tests.inference.running import NOWHERE, SECRET, next_event, open_take, running_worker


@asynccontextmanager
async def a_web(status: str = "204 No Content") -> AsyncIterator[tuple[str, asyncio.Queue[tuple[str, str]]]]:
    """Its address, and the (request line, body) of what was posted to it."""
    posted: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lengths = [line.split(":")[1] for line in head.splitlines() if line.lower().startswith("content-length")]
        body = await reader.readexactly(int(lengths[0]))
        await posted.put((head.splitlines()[0], body.decode()))
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", posted


async def test_worker_reports_itself_and_its_end() -> None:
    async with a_web() as (url, posted):
        async with running_worker(web_url=url, slots=3, name="here") as worker:
            slot = await open_take(worker)
            await next_event(slot, "live")
            line, body = await posted.get()
        _, last = await posted.get()
        while not posted.empty():
            _, last = await posted.get()
    assert line == "POST /workers/heartbeat/ HTTP/1.1"
    first, goodbye = TokenReader(SECRET).read(HEARTBEAT, body), TokenReader(SECRET).read(HEARTBEAT, last)
    assert first == {
        "name": "here",
        "address": worker.address,
        "engines": {"echo": engine_class("echo")(1, {}).snapshot()},
        "converters": {name: converter_class(name)().snapshot({}) for name in ("none", "transform")},
        "latency_samples": {},
        "slots": 3,
        "free_slots": first["free_slots"],
        "queue_length": 0,
        "accepting": True,
        "draining": False,
        "step_ms_p50": None,
        "step_ms_p95": None,
        "step_ms_p99": None,
        "occupancy": 0.0,
        "late_steps": 0,
    }
    assert first["free_slots"] in {2, 3}
    assert (goodbye["free_slots"], goodbye["accepting"], goodbye["draining"]) == (0, False, True)


async def test_unanswered_heartbeats_are_logged_once() -> None:
    heartbeat = Heartbeat(NOWHERE, SECRET, dict)
    with capture_logs() as logs:
        await heartbeat.once()
        await heartbeat.once()
    assert [(entry["event"], entry["problem"]) for entry in logs] == [("heartbeat refused", "ConnectError")]


async def test_refused_heartbeat_names_the_status_and_no_token() -> None:
    async with a_web("401 Unauthorized") as (url, _):
        with capture_logs() as logs:
            await Heartbeat(url, SECRET, dict).once()
    assert logs == [
        {
            "event": "heartbeat refused",
            "log_level": "warning",
            "url": f"{url}/workers/heartbeat/",
            "problem": "answered 401",
        }
    ]
