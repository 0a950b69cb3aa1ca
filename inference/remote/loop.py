"""One thread with an event loop, in which all conversations of an engine have their tasks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeVar

STOP_SEC: Final = 2.0  # for connections to close cleanly

Result = TypeVar("Result")


class LoopThread:
    """A thread with an event loop that runs from its creation until `stop`."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Starts a task from any thread; cancelling the future cancels the task."""
        return asyncio.run_coroutine_threadsafe(self._known(work), self.loop)

    def stop(self) -> None:
        """Cancels every task, waits for them at most STOP_SEC, ends the thread. Twice does no harm."""
        if self.loop.is_closed():
            return
        cancelled = asyncio.run_coroutine_threadsafe(self._cancel_all(), self.loop)
        cancelled.add_done_callback(lambda _: self.loop.call_soon_threadsafe(self.loop.stop))
        self._thread.join()
        self.loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    async def _known(self, work: Coroutine[Any, Any, Result]) -> Result:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await work

    async def _cancel_all(self) -> None:
        for task in self._tasks:
            if not task.cancelling():  # a second cancellation would interrupt its clean close
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_SEC)


async def first_to_end(*works: Coroutine[Any, Any, None]) -> None:
    """Runs all at once until one of them ends; the others are cancelled. Raises what that one raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if task in done:
            task.result()
