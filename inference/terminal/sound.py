"""Recordings used as microphone and as loudspeaker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import soundfile
import soxr

from inference.contract.audio import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.terminal.link import TalkProblem

FRAME_SEC: Final = FRAME_MS / 1_000


class Source(Protocol):
    """Frames of the participant, float32 [FRAME_SAMPLES], each when it is due."""

    def frames(self) -> AsyncIterator[Float32]: ...


class Sink(Protocol):
    """The destination of the agent's voice."""

    def play(self, samples: Float32) -> None:
        """float32 [n] at 24 kHz."""

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
    """Saves what is played in a WAV file: 24 kHz, mono, 16 bit."""

    def __init__(self, file: Path) -> None:
        if not file.parent.is_dir():
            raise TalkProblem(f"{file} cannot be written: there is no folder {file.parent}.", TalkProblem.NO_SOUND)
        try:
            self._file = soundfile.SoundFile(file, "w", SAMPLE_RATE_HZ, 1, "PCM_16", format="WAV")
        except (OSError, soundfile.SoundFileError) as error:
            raise TalkProblem(f"{file} cannot be written: {error}", TalkProblem.NO_SOUND) from None

    def play(self, samples: Float32) -> None:
        self._file.write(np.clip(samples, -1.0, 1.0))

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
    """Any format that libsndfile reads -> float32 [n], 24 kHz, mono. Raises TalkProblem."""
    if not file.is_file():  # libsndfile would say "System error"
        raise TalkProblem(f"There is no file {file}.", TalkProblem.NO_SOUND)
    try:
        samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise TalkProblem(f"{file} cannot be read: {error}", TalkProblem.NO_SOUND) from None
    if not len(samples):
        raise TalkProblem(f"{file} holds no sound.", TalkProblem.NO_SOUND)
    mono: Float32 = soxr.resample(samples.mean(axis=1), rate_hz, SAMPLE_RATE_HZ).astype(np.float32)
    return mono
