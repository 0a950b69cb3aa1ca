"""Microphone and loudspeaker, through sounddevice (PortAudio), which is optional."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any, Final

import numpy as np

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.terminal.link import TalkProblem

HEARD_FRAMES: Final = 25  # two seconds of microphone that could not be sent; then the oldest is dropped
AHEAD_SAMPLES: Final = 2 * FRAME_SAMPLES  # buffered before playing, or every late frame would be heard
INSTEAD: Final = "Talk from a recording instead: --in question.wav --out answer.wav"


class Card:
    """Opens microphone and loudspeaker as a Source and a Sink. Raises TalkProblem if either is missing."""

    def __init__(self) -> None:
        device = _sounddevice()
        self._loop = asyncio.get_running_loop()
        self._heard: asyncio.Queue[Float32] = asyncio.Queue(HEARD_FRAMES)
        self._to_play = np.zeros(0, np.float32)
        self._playing = False
        self._lock = threading.Lock()
        format_ = {"samplerate": SAMPLE_RATE_HZ, "channels": 1, "dtype": "float32", "blocksize": FRAME_SAMPLES}
        try:
            self._microphone = device.InputStream(callback=self._record, **format_)
            self._speaker = device.OutputStream(callback=self._play, **format_)
            self._microphone.start()
            self._speaker.start()
        except (device.PortAudioError, ValueError) as error:
            raise TalkProblem(
                f"No microphone or loudspeaker can be used: {error}. {INSTEAD}", TalkProblem.NO_SOUND
            ) from None

    async def frames(self) -> AsyncIterator[Float32]:
        while True:
            yield await self._heard.get()

    def play(self, samples: Float32) -> None:
        with self._lock:
            self._to_play = np.concatenate([self._to_play, samples])

    def close(self) -> None:
        for stream in (self._microphone, self._speaker):
            stream.stop()
            stream.close()

    def _record(self, block: Float32, *_: Any) -> None:
        """PortAudio's thread calls this: float32 [FRAME_SAMPLES, 1]."""
        self._loop.call_soon_threadsafe(self._hear, block[:, 0].copy())

    def _hear(self, frame: Float32) -> None:
        if self._heard.full():
            self._heard.get_nowait()
        self._heard.put_nowait(frame)

    def _play(self, block: Float32, *_: Any) -> None:
        """PortAudio's thread calls this, with float32 [n, 1] to fill."""
        with self._lock:
            ready = len(self._to_play) >= (len(block) if self._playing else AHEAD_SAMPLES)
            self._playing = ready
            samples = self._to_play[: len(block)] if ready else np.zeros(len(block), np.float32)
            self._to_play = self._to_play[len(block) :] if ready else self._to_play
        block[:, 0] = samples


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ModuleNotFoundError:
        raise TalkProblem(
            f"Microphone and loudspeaker need the package sounddevice: pip install sounddevice. {INSTEAD}",
            TalkProblem.NO_SOUND,
        ) from None
    except OSError:
        raise TalkProblem(
            "Microphone and loudspeaker need the library PortAudio (on Debian and Ubuntu: apt install libportaudio2). "
            f"{INSTEAD}",
            TalkProblem.NO_SOUND,
        ) from None
    return sounddevice
