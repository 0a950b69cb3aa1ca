"""Where sound comes from and goes to: recordings, or the microphone and the loudspeaker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import soundfile
import soxr

from inference.contract.audio import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.contract.sound_files.reading import read_mono
from inference.contract.sound_files.refusals import SoundRefused
from inference.terminal.dialing import TalkProblem

FRAME_SEC: Final = FRAME_MS / 1_000
HEARD_FRAMES: Final = 25  # two seconds of microphone audio may wait to be sent; beyond that the oldest is dropped
AHEAD_SAMPLES: Final = 2 * FRAME_SAMPLES  # buffered before playing, so that a late frame does not cause a gap
INSTEAD: Final = "Talk from a recording instead: --in question.wav --out answer.wav"


class Source(Protocol):
    """Yields frames of the participant, float32 [FRAME_SAMPLES], each when it is due."""

    def frames(self) -> AsyncIterator[Float32]: ...


class Sink(Protocol):
    """A destination of the agent's voice."""

    def play(self, samples: Float32) -> None:
        """Plays float32 [n] at 24 kHz."""

    def close(self) -> None:
        """Closes the sink because no more audio comes."""


class Recording:
    """Plays an audio file, then silence for `after_sec`, during which the answer is heard."""

    def __init__(self, file: Path, after_sec: float, *, in_real_time: bool) -> None:
        samples = read_audio(file)
        silence = np.zeros(round(after_sec * SAMPLE_RATE_HZ), np.float32)
        rest = -(len(samples) + len(silence)) % FRAME_SAMPLES
        self.samples = np.concatenate([samples, silence, np.zeros(rest, np.float32)])
        self._frame_sec = FRAME_SEC if in_real_time else 0.0

    async def frames(self) -> AsyncIterator[Float32]:
        clock = asyncio.get_running_loop().time
        due = clock()
        for start in range(0, len(self.samples), FRAME_SAMPLES):
            due += self._frame_sec
            await asyncio.sleep(max(0.0, due - clock()))
            yield self.samples[start : start + FRAME_SAMPLES]


class AnswerFile:
    """Saves what is played as a WAV file: 24 kHz, mono, 16 bit. Raises TalkProblem if the file cannot be written."""

    def __init__(self, file: Path) -> None:
        if not file.parent.is_dir():
            raise TalkProblem(f"{file} cannot be written: there is no folder {file.parent}.", TalkProblem.NO_SOUND)
        try:
            self._file = soundfile.SoundFile(file, "w", SAMPLE_RATE_HZ, 1, "PCM_16", format="WAV")
        except (OSError, ValueError, soundfile.SoundFileError) as error:
            raise TalkProblem(f"{file} cannot be written: {error}", TalkProblem.NO_SOUND) from None

    def play(self, samples: Float32) -> None:
        try:
            self._file.write(np.clip(samples, -1.0, 1.0))
        except (OSError, soundfile.SoundFileError) as error:  # the disk is full
            raise TalkProblem(f"The answer can no longer be written: {error}", TalkProblem.NO_SOUND) from None

    def close(self) -> None:
        self._file.close()


class Sinks:
    """Plays to several sinks at once, or to none."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    def play(self, samples: Float32) -> None:
        for sink in self._sinks:
            sink.play(samples)

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()


def read_audio(file: Path) -> Float32:
    """Reads any format that libsndfile knows as float32 [n], 24 kHz, mono. Raises TalkProblem."""
    if not file.is_file():
        raise TalkProblem(f"There is no file {file}.", TalkProblem.NO_SOUND)
    try:
        samples, rate_hz = read_mono(file.read_bytes())
    except (OSError, SoundRefused) as error:
        raise TalkProblem(f"{file} cannot be read: {error}", TalkProblem.NO_SOUND) from None
    if not len(samples):
        raise TalkProblem(f"{file} contains no sound.", TalkProblem.NO_SOUND)
    mono: Float32 = soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ).astype(np.float32)
    return mono


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
        """Takes float32 [FRAME_SAMPLES, 1]; called on PortAudio's thread."""
        self._loop.call_soon_threadsafe(self._hear, block[:, 0].copy())

    def _hear(self, frame: Float32) -> None:
        if self._heard.full():
            self._heard.get_nowait()
        self._heard.put_nowait(frame)

    def _play(self, block: Float32, *_: Any) -> None:
        """Fills float32 [n, 1]; called on PortAudio's thread."""
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
