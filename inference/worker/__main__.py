"""The inference worker: serves takes over WebSockets; one process per device.

python -m inference.worker

GET /slot      WebSocket, `Authorization: Bearer <slot token>`; one take each
GET /api/chat  WebSocket of Moshi's protocol, if WORKER_CHAT opens it
GET /state/... WebSocket, `Authorization: Bearer <state token>`; for the worker that takes over one of this one's takes
GET /preview   WebSocket, `Authorization: Bearer <preview token>`; previews a voice before the talk
GET /metrics   for Prometheus
GET /healthz   200 while it serves, 503 while it stops; "accepting" is false while its steps take too long
"""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from inference.contract.catalog import CONVERTERS, engine_class, served_by
from inference.contract.errors import EngineUnavailable
from inference.contract.latency import latency_samples
from inference.contract.settings import WrongSettings
from inference.contract.tokens import TokenReader
from inference.engines.base import Engine
from inference.worker import metrics
from inference.worker.doors.chat.door import CHAT_PATH, ChatDoor
from inference.worker.doors.preview import PREVIEW_PATH, PreviewDoor
from inference.worker.doors.slot import MAX_MESSAGE_BYTES, Door, SlotDoor, json_response, response
from inference.worker.handover.leave import Departures
from inference.worker.handover.state import STATE_PATH
from inference.worker.heartbeat import Heartbeat
from inference.worker.settings import WorkerSettings, read_settings, refusal, warnings
from inference.worker.statistics import StepStatistics, occupancy, percentile_ms
from inference.worker.takes import Takes

PORTS_TRIED: Final = 20
CUT_OFF_BYTES: Final = 16 * MAX_MESSAGE_BYTES  # a longer message closes the connection before it is read to its end
PING_SEC: Final = 5.0
CLOSE_SEC: Final = 1.0
END_SEC: Final = 4.0  # for all takes to be notified and cleaned up

log = structlog.get_logger(__name__)


class Worker:
    """The sockets of a worker. Start it, wait for `takes.broken` or a signal, stop it."""

    def __init__(
        self,
        settings: WorkerSettings,
        engines: Mapping[str, Callable[[], Engine]],
        converters: Sequence[str] = tuple(CONVERTERS),
        statistics: StepStatistics | None = None,
    ) -> None:
        self.settings = settings
        self.takes = Takes(settings, engines, converters, statistics)
        self.name = settings.name
        self.address = ""
        self._tokens = tokens = TokenReader(settings.worker_secret)  # shared by all doors: a token opens only one, once
        self._departures = Departures(self.takes, tokens)
        self._chat = ChatDoor(self.takes, tokens, settings.chat)
        self.doors: dict[str, Door] = {
            "/slot": SlotDoor(self.takes, tokens),
            STATE_PATH: self._departures,
            PREVIEW_PATH: PreviewDoor(self.takes, tokens),
            CHAT_PATH: self._chat,
        }
        self._serving: set[asyncio.Task[Any]] = set()
        self._server: Server | None = None
        self._heartbeat = Heartbeat(settings.web_url, settings.worker_secret, self.report)
        self._beating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Loads the engines, then listens and announces itself. Raises EngineUnavailable, OSError."""
        await self.takes.start()
        listening = listen(self.settings.host, self.settings.port)
        port = listening.getsockname()[1]
        self.address = self._tokens.address = self.settings.advertised_address(port)
        self.name = self.settings.name or f"{socket.gethostname()[:70]}:{port}"
        self._server = await serve(
            self._serve,
            sock=listening,
            process_request=self._answer,
            compression=None,  # compression would cost more than the audio path itself
            max_size=CUT_OFF_BYTES,
            ping_interval=PING_SEC,
            ping_timeout=2 * PING_SEC,
            close_timeout=CLOSE_SEC,
        )
        self._beating = asyncio.create_task(self._heartbeat.run())
        # what is loaded by now is permanent; a full collection over it would delay every conversation
        gc.collect()
        gc.freeze()
        log.info("inference worker listens", address=self.address, engines=list(self.takes.steps.engines))

    async def drain(self) -> None:
        """Stops admitting takes and waits for other workers to fetch the conversations that can move."""
        log.info("inference worker drains", takes=len(self.takes.conversations))
        leaving = asyncio.create_task(self._departures.drain(self.settings.drain_sec))
        await self._heartbeat.once()  # so that no more takes are sent here
        await leaving

    async def stop(self) -> None:
        """Stops admitting takes, notifies all clients and ends the engines, within seconds even if one is stuck."""
        self.takes.draining = True
        if self._beating:
            self._beating.cancel()
            await self._heartbeat.once()
        ending = asyncio.create_task(self.takes.end_all())
        await asyncio.wait([ending], timeout=END_SEC)
        ending.cancel()
        if self._serving:
            await asyncio.wait(self._serving, timeout=CLOSE_SEC)
        if self._server:
            self._server.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(END_SEC):
                    await self._server.wait_closed()
        await self._chat.stop()
        await asyncio.to_thread(self.takes.steps.stop)
        log.info("inference worker stopped")

    @property
    def connections(self) -> set[ServerConnection]:
        """Returns the sockets that are currently open."""
        return set(self._server.connections) if self._server else set()

    def report(self) -> dict[str, Any]:
        """Returns the heartbeat's content."""
        table, steps = self.takes.table, self.takes.steps
        minute = self.takes.statistics.last_minute()
        accepting = self.takes.accepting
        return {
            "name": self.name,
            "address": self.address,
            "engines": steps.snapshots,
            "converters": {name: converter.snapshot({}) for name, converter in steps.converters.items()},
            # only where the parameters do not determine the latency; publishing a study that matches delays needs it
            "latency_samples": {
                name: converter.snapshot({})["latency_samples"]
                for name, converter in steps.converters.items()
                if latency_samples(name, {}) is None
            },
            "slots": table.slots,
            "free_slots": table.free_slots if accepting else 0,
            "queue_length": len(table.queue),
            "accepting": accepting,
            "draining": self.takes.draining,
            "step_ms_p50": percentile_ms(minute, 50),
            "step_ms_p95": percentile_ms(minute, 95),
            "step_ms_p99": percentile_ms(minute, 99),
            "late_steps": self.takes.statistics.late_steps,
            "occupancy": occupancy(minute),
        }

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answers HTTP requests, including refusals; None lets the WebSocket open."""
        path = request.path.partition("?")[0]
        if door := self._door(path):
            return await door.admit(connection, request)
        match path:
            case "/healthz":
                return self._health()
            case "/metrics":
                return response(HTTPStatus.OK, metrics.CONTENT_TYPE, metrics.render(self.takes))
        return json_response(
            HTTPStatus.NOT_FOUND, {"code": "not_found", "message": "there is nothing here", "fields": {}}
        )

    def _health(self) -> Response:
        ready, accepting = not self.takes.draining, self.takes.accepting
        body = {
            "address": self.address,
            "ready": ready,
            "accepting": accepting,
            "free_slots": self.takes.table.free_slots if accepting else 0,
            "engines": list(self.takes.steps.engines),
        }
        return json_response(HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, body)

    async def _serve(self, connection: ServerConnection) -> None:
        # asyncio leaves Nagle's algorithm on for sockets from a ready-made listener, which delays every step by 40 ms
        connection.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = asyncio.current_task()
        assert task is not None
        assert connection.request is not None
        self._serving.add(task)
        try:
            door = self._door(connection.request.path.partition("?")[0])
            assert door is not None
            await door.serve(connection)
        finally:
            self._serving.discard(task)

    def _door(self, path: str) -> Door | None:
        """Returns a path's door. Chat clients may put a token before the path; a state's path ends in its take."""
        if path.startswith(STATE_PATH):
            return self.doors[STATE_PATH]
        return self.doors.get(CHAT_PATH if path.endswith(CHAT_PATH) else path)


def listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket on `port` or on the next free one, which the log then names. Raises OSError."""
    for tried in range(port, port + PORTS_TRIED if port else 1):
        try:
            listening = socket.create_server(
                (host, tried), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=1_024
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE or tried + 1 == port + PORTS_TRIED:
                raise
            continue
        if tried != port and port:
            log.warning("port taken", wanted=port, used=tried)
        return listening
    raise AssertionError("unreachable")


async def run(settings: WorkerSettings, environ: Mapping[str, str]) -> int:
    """Serves until SIGTERM or SIGINT and returns the exit status.

    The first SIGTERM lets conversations move to other workers before the worker stops; SIGINT or a second SIGTERM stops
    it at once."""
    loop = asyncio.get_running_loop()
    drained, stopped = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, lambda: stopped.set() if drained.is_set() else drained.set())
    loop.add_signal_handler(signal.SIGINT, stopped.set)
    engines = {name: partial(engine_class(name), settings.slots, environ) for name in map(served_by, settings.engines)}
    worker = Worker(settings, engines)
    try:
        await worker.start()
    except (EngineUnavailable, OSError) as error:
        log.critical("inference worker cannot start", problem=str(error))
        return 1
    broken = asyncio.create_task(worker.takes.broken.wait())
    await _first_of(broken, *(asyncio.create_task(event.wait()) for event in (drained, stopped)))
    if drained.is_set():
        await _first_of(broken, *(asyncio.create_task(each) for each in (worker.drain(), stopped.wait())))
    await worker.stop()
    return 1 if worker.takes.broken.is_set() else 0


async def _first_of(*tasks: asyncio.Task[Any]) -> None:
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


def configure_logging(level: str) -> None:
    """Logs lines of key=value to standard error, without the socket library's log, which prints what peers send."""
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)
    for noisy in ("websockets", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def main() -> int:
    environ = dict(os.environ)  # before engines set variables for their libraries
    try:
        settings = read_settings(environ)
    except WrongSettings as wrong:
        print(refusal(wrong), file=sys.stderr)
        return 2
    configure_logging(settings.log_level)
    for warning in warnings(environ):
        log.warning(warning)
    return asyncio.run(run(settings, environ))


if __name__ == "__main__":
    sys.exit(main())
