"""The cable between web and inference worker, which can be made deaf, cut and mended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Cable:
    """Passes bytes on in both directions. What is swallowed was sent, and never arrives."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self._whole = True
        self.swallows_up = False  # towards the worker
        self.swallows_down = False
        self.swallowed_bytes = 0
        self.port = 0

    async def lay(self) -> Cable:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def cut(self) -> None:
        """Everything that runs over it breaks, and new connections with it, until `mend`."""
        self._whole = self.swallows_up = self.swallows_down = False
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        self._whole = True

    async def tear_out(self) -> None:
        """Nobody listens at its end any more."""
        self.cut()
        assert self._server is not None
        self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if not self._whole:
            writer.transport.abort()
            return
        try:
            worker_reader, worker_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:  # nobody is there
            writer.transport.abort()
            return
        self._writers.add(worker_writer)
        for source, target, up in ((reader, worker_writer, True), (worker_reader, writer, False)):
            task = asyncio.create_task(self._carry(source, target, up))
            self._carrying.add(task)
            task.add_done_callback(self._carrying.discard)

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, up: bool) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                if self.swallows_up if up else self.swallows_down:
                    self.swallowed_bytes += len(data)
                else:
                    target.write(data)
        target.close()


@asynccontextmanager
async def laid_cable(target_port: int) -> AsyncIterator[Cable]:
    cable = await Cable(target_port).lay()
    try:
        yield cable
    finally:
        await cable.tear_out()
