"""One take in the inference worker: its lease, its seat and the messages queued for its current socket."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Protocol

from inference.contract.audio import BYTES_PER_SAMPLE, FRAME_SAMPLES
from inference.contract.errors import WireError
from inference.contract.wire import AUDIO_HEADER, Message, Metadata, encode
from inference.worker.seats import Delivery, Seat
from inference.worker.slots import Lease

FRAME_BYTES: Final = FRAME_SAMPLES * BYTES_PER_SAMPLE
OUTBOX_MESSAGES: Final = 250  # ten seconds of heard and agent; audio beyond that is dropped and counted


class Carrier(Protocol):
    """Carries messages to the client: a WebSocket, or a door that translates our messages to another protocol."""

    async def send(self, message: bytes, /) -> None:
        """Sends one encoded wire message. Raises ConnectionClosed."""


class Connection:
    """A take's connection to its client. It outlives its socket: what could not be sent goes to the next one. It is
    used only on the event loop."""

    def __init__(self, lease: Lease, *, can_move: bool = False) -> None:
        """`can_move` says that the client understands `moving`."""
        self.lease = lease
        self.can_move = can_move
        self.frozen = False  # its audio is ignored while another worker is to take it over
        self.seat: Seat | None = None
        self.next_step = 0
        self.told: Message | None = None  # the last message about its place in the queue
        self.opening: asyncio.Task[None] | None = None
        self.expiry: asyncio.TimerHandle | None = None
        self.finished = False
        self.over = asyncio.Event()  # set once its row is clean again
        self._carrier: Carrier | None = None
        self._outbox: deque[bytes] = deque()
        self._dropped = 0
        self._filled = asyncio.Event()

    def read(self, data: bytes) -> tuple[int, int, bytes] | None:
        """Decodes one microphone frame of a whole step into (step, sample, pcm).

        Returns None for a step already heard, so that a frame sent twice is heard once. Raises WireError."""
        pcm_bytes = len(data) - AUDIO_HEADER.size
        if pcm_bytes != FRAME_BYTES:
            raise WireError(f"{FRAME_BYTES} bytes of audio", f"{max(pcm_bytes, 0)}")
        _, step, sample = AUDIO_HEADER.unpack_from(data)
        if step < self.next_step:
            return None
        self.next_step = step + 1
        return step, sample, data[AUDIO_HEADER.size :]

    def tell(self, message: Message) -> None:
        """Queues one message."""
        self._outbox.append(encode(message))
        self._filled.set()

    def deliver(self, delivery: Delivery) -> int:
        """Queues the output of a step. Returns how many audio messages a full outbox dropped; the client is told."""
        dropped = 0
        if len(self._outbox) < OUTBOX_MESSAGES:
            self._tell_dropped()
            self._outbox.extend(delivery.audio)
        else:
            dropped = len(delivery.audio)
            self._dropped += dropped
        self._outbox.extend(delivery.events)
        self._filled.set()
        return dropped

    def finish(self, message: Message) -> None:
        """Queues the last message, after which the socket is closed."""
        self.finished = True
        self._tell_dropped()
        self.tell(message)

    async def carry(self, carrier: Carrier, greeting: Message | None) -> None:
        """Sends the conversation's messages over `carrier`, beginning with `greeting`.

        Returns when everything has been sent after `finish`, or when another carrier took over. Raises
        ConnectionClosed."""
        self._carrier = carrier
        if greeting is not None:
            self._outbox.appendleft(encode(greeting))
        self._filled.set()
        while self._carrier is carrier:
            await self._filled.wait()
            self._filled.clear()
            while self._outbox and self._carrier is carrier:
                data = self._outbox.popleft()
                try:
                    await carrier.send(data)
                except BaseException:
                    if self._carrier in (carrier, None):
                        self._outbox.appendleft(data)  # left for the next carrier
                    raise
            if self.finished and self._carrier is carrier:
                return

    def drop(self, carrier: Carrier) -> bool:
        """Detaches the carrier. Returns False if another one had already taken over."""
        if self._carrier is not carrier:
            return False
        self._carrier = None
        return True

    def _tell_dropped(self) -> None:
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            self.tell(Metadata("overflow", {"direction": "downlink", "frames": dropped}))
