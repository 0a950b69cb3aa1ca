"""One talk of a bot. Like a browser, it sends a recording of speech over the talk's socket in frames of 20 ms, in real
time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from inference.contract.audio import SAMPLE_RATE_HZ, UPLINK_SAMPLES, Float32, float32_to_pcm16
from inference.contract.errors import WireError
from inference.contract.sound_files.reading import read_mono
from inference.contract.sound_files.refusals import SoundRefused
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

QUIETEST: Final = 1e-5  # -100 dB, added so that digital silence has a finite level


class Microphone:
    """Repeats a recording without end, with a pause after each round. `samples` is one round: float32 [n] at 24 kHz,
    padded to whole uplink frames."""

    def __init__(self, samples: Float32, pause_sec: float = 6.0) -> None:
        silence = np.zeros(round(pause_sec * SAMPLE_RATE_HZ), np.float32)
        padding = np.zeros(-(len(samples) + len(silence)) % UPLINK_SAMPLES, np.float32)
        self._said = samples
        self.samples: Float32 = np.concatenate([samples, silence, padding])
        self._pcm = float32_to_pcm16(self.samples)

    def report(self) -> dict[str, Any]:
        """Returns the recording's report for the device check (see `participant.checking.device`).

        Levels are RMS values in dBFS of frames of 20 ms: the 10th percentile is taken as noise, the 95th as speech."""
        whole = len(self._said) // UPLINK_SAMPLES * UPLINK_SAMPLES
        frames = self._said[:whole].reshape(-1, UPLINK_SAMPLES)
        levels_db = 20 * np.log10(np.sqrt(np.mean(frames**2, axis=1)) + QUIETEST)
        noise_db, speech_db = float(np.percentile(levels_db, 10)), float(np.percentile(levels_db, 95))
        clipped = int(np.count_nonzero(np.abs(self._said) >= 1))
        return {
            "noise_dbfs": round(noise_db, 1),
            "snr_db": round(speech_db - noise_db, 1),
            "clipped_percent": round(100 * clipped / len(self._said), 3),
            "microphone": {"speech_db": round(speech_db, 1), "clipped_samples": clipped, "verdict": "ok"},
            "sound": {"heard": True, "output": "headphones"},
            "settings": {"capture_method": "file", "user_agent": "bot"},
        }

    def frame(self, number: int) -> bytes:
        """Returns the frame with this number, 20 ms, as PCM16."""
        frames = len(self.samples) // UPLINK_SAMPLES
        size = len(self._pcm) // frames
        start = number % frames * size
        return self._pcm[start : start + size]


def read_microphone(file: Path) -> Microphone:
    """Reads a file in any format that libsndfile supports, mixed to mono at 24 kHz. Raises SimulationError."""
    try:
        samples, rate_hz = read_mono(file.read_bytes())
    except (OSError, SoundRefused) as error:
        raise SimulationError(f"{file} cannot be read as a recording: {error}") from None
    if len(samples) < rate_hz / 10:
        raise SimulationError(f"{file} contains almost no sound: a spoken sentence is needed.")
    mono = soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ)
    return Microphone(np.asarray(mono, np.float32))


FRAME_SEC: Final = UPLINK_SAMPLES / SAMPLE_RATE_HZ
REPORT_EVERY_STEPS: Final = 5
SILENT_SEC: Final = 300.0  # longest time without a message while the bot waits in the queue
POLL_SEC: Final = 0.02
OVER_WITHIN_SEC: Final = 60.0
DEVICE: Final = Metadata("device", {"settings": {"client": "bot"}})


@dataclass(slots=True)
class Talked:
    """What a bot knows about its talk."""

    take: str
    sent_samples: int = 0
    reason: str = ""


async def talk(address: str, origin: str, take: str, microphone: Microphone, seconds: float) -> Talked:
    """Waits until the engine listens, speaks for `seconds`, ends the talk and waits until the site confirms the end.

    Raises SimulationError."""
    try:
        async with connect(address, origin=origin, max_size=None, compression=None) as socket:  # type: ignore[arg-type]
            return await _Talk(socket, take, microphone, seconds).run()
    except TimeoutError as error:
        raise SimulationError(f"the conversation {take} broke off: {str(error) or 'no answer in time'}") from None
    except (OSError, WebSocketException, WireError) as error:
        raise SimulationError(f"the conversation {take} broke off: {type(error).__name__} {error}") from None


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
                await listening  # Raises the error that ended it, if any.
        finally:
            listening.cancel()
        if self.result.reason not in {"participant", "limit"}:
            raise SimulationError(
                f"the conversation {self.result.take} ended by {self.result.reason or 'a lost connection'}"
            )
        return self.result

    async def _admitted(self) -> None:
        """Waits until the engine listens, however long the queue is. Every message shows that the site is alive.

        Raises TimeoutError after SILENT_SEC without one."""
        clock = asyncio.get_running_loop().time
        self._heard_at_sec = clock()
        while not self._live.is_set() and not self._over.is_set():
            if clock() - self._heard_at_sec > SILENT_SEC:
                raise TimeoutError(f"no place was free, and there was no news of the queue for {SILENT_SEC:.0f} s")
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
