"""A converter server on a thread of this process, and converters that are connected to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from inference.converter_server.network import Network
from inference.converter_server.server import ConverterServer
from inference.voices.remote.converter import RemoteConversion

PATIENCE_SEC = 10.0  # sound that is late is waited for, so that nothing depends on how busy the machine is


@contextmanager
def running_server(make: Callable[[], Network], key: str = "") -> Iterator[ConverterServer]:
    """Listens on a free port; its loop has a thread of its own, since converters wait for it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = ConverterServer(make, key=key, max_blocks=100)  # nobody speaks in real time here
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(60)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def hang_up(server: ConverterServer) -> None:
    """Breaks every connection, as a process that dies does."""
    assert server._server is not None
    for connection in list(server._server.connections):
        server._server.get_loop().call_soon_threadsafe(connection.transport.abort)


@contextmanager
def connected(
    address: str, settings: Mapping[str, str] | None = None, *, patience_sec: float = PATIENCE_SEC
) -> Iterator[RemoteConversion]:
    converter = RemoteConversion({"REMOTE_VC_URL": address} | dict(settings or {}), patience_sec=patience_sec)
    try:
        yield converter
    finally:
        converter.shut_down()
