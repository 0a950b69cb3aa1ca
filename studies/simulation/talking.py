"""One talk of a bot, as the browser has it: 20 ms of microphone at a time, in real time, over the talk's socket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from inference.contract.audio import SAMPLE_RATE_HZ, UPLINK_SAMPLES
from inference.contract.errors import WireError
from inference.contract.wire import (
    AudioFrame,
    ErrorMessage,
    Kind,
    Metadata,
    Playback,
    decode,
    encode,
    encode_audio,
)
from studies.errors import SimulationError
from studies.simulation.microphone import Microphone

FRAME_SEC: Final = UPLINK_SAMPLES / SAMPLE_RATE_HZ
REPORT_EVERY_STEPS: Final = 5
SILENT_SEC: Final = 300.0  # without news while waiting for a place
POLL_SEC: Final = 0.02
OVER_WITHIN_SEC: Final = 60.0
DEVICE: Final = Metadata("device", {"settings": {"client": "bot"}})


@dataclass(slots=True)
class Talked:
    """What a bot knows of its talk."""

    take: str
    sent_samples: int = 0
    reason: str = ""


async def talk(address: str, origin: str, take: str, microphone: Microphone, seconds: float) -> Talked:
    """Speaks for so long once the engine hears, then ends the talk and waits until the site has all of it. Raises
    SimulationError."""
    try:
        async with connect(address, origin=origin, max_size=None, compression=None) as socket:  # type: ignore[arg-type]
            return await _Talk(socket, take, microphone, seconds).run()
    except TimeoutError as error:
        raise SimulationError(f"the talk {take} broke off: {str(error) or 'no answer in time'}") from None
    except (OSError, WebSocketException, WireError) as error:
        raise SimulationError(f"the talk {take} broke off: {type(error).__name__} {error}") from None


class _Talk:
    def __init__(self, socket: ClientConnection, take: str, microphone: Microphone, seconds: float) -> None:
        self._socket = socket
        self._microphone = microphone
        self._frames = round(seconds / FRAME_SEC)
        self._live = asyncio.Event()
        self._over = asyncio.Event()
        self._heard_at_sec = 0.0
        self.result = Talked(take)

    async def run(self) -> Talked:
        listening = asyncio.create_task(self._listen())
        try:
            await self._admitted()
            await self._speak()
            await asyncio.wait_for(self._over.wait(), OVER_WITHIN_SEC)
            if listening.done():
                await listening  # raises what ended it
        finally:
            listening.cancel()
        if self.result.reason not in {"participant", "limit"}:
            raise SimulationError(f"the talk {self.result.take} ended by {self.result.reason or 'a lost connection'}")
        return self.result

    async def _admitted(self) -> None:
        """Until the engine hears, however long the queue: each word of the site's shows that it goes on."""
        clock = asyncio.get_running_loop().time
        self._heard_at_sec = clock()
        while not self._live.is_set() and not self._over.is_set():
            if clock() - self._heard_at_sec > SILENT_SEC:
                raise TimeoutError(f"no place was free, and nothing was heard of the queue for {SILENT_SEC:.0f} s")
            await asyncio.sleep(POLL_SEC)

    async def _speak(self) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        for number in range(self._frames):
            if self._over.is_set():
                return
            sample = number * UPLINK_SAMPLES
            await self._socket.send(encode_audio(Kind.PARTICIPANT, number, sample, self._microphone.frame(number)))
            self.result.sent_samples += UPLINK_SAMPLES
            due += FRAME_SEC
            await asyncio.sleep(max(0.0, due - clock()))
        await self._socket.send(encode(Metadata("end")))

    async def _listen(self) -> None:
        try:
            async for data in self._socket:
                if isinstance(data, bytes):
                    await self._receive(data)
        except ConnectionClosed:
            pass
        finally:
            self._over.set()

    async def _receive(self, data: bytes) -> None:
        self._heard_at_sec = asyncio.get_running_loop().time()
        match decode(data):
            case Metadata("hello"):
                await self._socket.send(encode(DEVICE))
            case Metadata("live"):
                self._live.set()
            case Metadata("ended", fields):
                self.result.reason = str(fields["reason"])
                self._over.set()
            case ErrorMessage(code, _):
                self.result.reason = code
                self._over.set()
            case AudioFrame(Kind.AGENT, step, sample, _):
                if step % REPORT_EVERY_STEPS == 0:
                    await self._socket.send(encode(Playback(step, step, sample, 0, 0)))
