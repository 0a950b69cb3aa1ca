"""The messages to one browser socket, sent in order from a bounded queue by a task of its own.

The socket's own backpressure is of no use, because a server buffers megabytes. Flow control therefore relies on the
browser's playback reports: while `DOWNLINK_WINDOW_FRAMES` agent frames are unreported, later ones are skipped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from inference.contract.wire import DOWNLINK_WINDOW_FRAMES, ErrorMessage, Metadata, encode

MAX_MESSAGES: Final = 1_000  # events and acknowledgements queued for a browser that reads nothing
OWN_VOICE_MESSAGES: Final = 10
STALL_SEC: Final = 10.0

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Downlink:
    """Sends to one browser socket.

    `on_gap(first_step, frames)` is called with the skipped frames once the browser has caught up, and `on_stalled()`
    when it has reported nothing for 10 s."""

    def __init__(self, send: Send, on_gap: Callable[[int, int], None], on_stalled: Callable[[], None]) -> None:
        self._send = send
        self._on_gap = on_gap
        self._on_stalled = on_stalled
        self._queue: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._unreported: deque[int] = deque()
        self._reported_at = 0.0
        self._gap: tuple[int, int] | None = None
        self._close_code: int | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def closing(self) -> bool:
        return self._close_code is not None

    def frame(self, step: int, message: bytes) -> None:
        """Queues one agent frame as it came from the inference worker."""
        if self.closing:
            return
        if len(self._unreported) >= DOWNLINK_WINDOW_FRAMES:
            first, frames = self._gap or (step, 0)
            self._gap = first, frames + 1
            if self._loop.time() - self._reported_at > STALL_SEC:
                self._on_stalled()
            return
        self.end_gap()
        if not self._unreported:
            self._reported_at = self._loop.time()
        self._unreported.append(step)
        self._put(message)

    def reported(self, received_step: int) -> None:
        """Notes that the browser has received every frame up to `received_step`."""
        while self._unreported and self._unreported[0] <= received_step:
            self._unreported.popleft()
            self._reported_at = self._loop.time()

    def own_voice(self, message: bytes) -> None:
        """Queues a frame of the participant's own voice; while the browser is behind, it is silently dropped."""
        if len(self._unreported) < DOWNLINK_WINDOW_FRAMES // 2 and len(self._queue) < OWN_VOICE_MESSAGES:
            self._put(message)

    def end_gap(self) -> None:
        """Reports the frames that were skipped so far, if there are any."""
        if self._gap is not None:
            gap, self._gap = self._gap, None
            self._on_gap(*gap)

    def message(self, message: bytes) -> None:
        """Queues any message that is not an agent frame."""
        if len(self._queue) >= MAX_MESSAGES:
            self._on_stalled()
        self._put(message)

    def event(self, event: str, data: Mapping[str, Any]) -> None:
        self.message(encode(Metadata(event, data)))

    def error(self, code: str, text: str, close_code: int) -> None:
        """Sends an error message, then closes the socket."""
        self._put(encode(ErrorMessage(code, text)))
        self.close(close_code)

    def close(self, code: int) -> None:
        """Closes the socket after everything queued has been sent, and accepts nothing more."""
        if self._close_code is None:
            self._close_code = code
            self._wake.set()

    async def run(self) -> None:
        """Sends queued messages until closed or cancelled."""
        while True:
            while self._queue:
                await self._send({"type": "websocket.send", "bytes": self._queue.popleft()})
            if self._close_code is not None:
                await self._send({"type": "websocket.close", "code": self._close_code})
                return
            self._wake.clear()
            await self._wake.wait()

    def _put(self, message: bytes) -> None:
        if self._close_code is None:
            self._queue.append(message)
            self._wake.set()
