"""`python -m inference.terminal` in a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import soundfile

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.terminal.__main__ import run
from inference.terminal.address import read_arguments
from inference.terminal.dialing import TalkProblem

ROOT: Final = Path(__file__).resolve().parents[3]
QUESTION_RATE_HZ: Final = 44_100


@dataclass(frozen=True)
class Ended:
    """How it ended and what it printed."""

    status: int
    words: str
    notes: str


class Terminal:
    """`notes` can be read while it runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def note(self) -> str:
        """The next line of standard error."""
        assert self.process.stderr is not None
        return (await self.process.stderr.readline()).decode()

    async def ended(self) -> Ended:
        words, notes = await self.process.communicate()
        assert self.process.returncode is not None
        return Ended(self.process.returncode, words.decode(), notes.decode())


async def start(*arguments: str | Path, secret: str = "", folder: Path | None = None) -> Terminal:
    """Knows no secret but `secret`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("WORKER_", "DATA_DIR"))}
    environment |= {"WORKER_SECRET": secret, "HEARMEOUT_MODE": "production", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "inference.terminal", *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder or ROOT,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return Terminal(process)


async def problem(*arguments: str | Path) -> tuple[int, str]:
    """Exit status and text of a talk that cannot begin; in this process, which is quicker."""
    with pytest.raises(TalkProblem) as raised:
        await run(read_arguments(list(map(str, arguments))), asyncio.Event())
    return raised.value.status, str(raised.value)


async def talk(*arguments: str | Path, secret: str = "") -> Ended:
    return await (await start(*arguments, secret=secret)).ended()


def write_question(folder: Path, frames: int = 10) -> Path:
    """A gliding tone of so many frames, in stereo at 44.1 kHz."""
    file = folder / "question.wav"
    seconds = np.arange(frames * FRAME_SAMPLES * QUESTION_RATE_HZ // SAMPLE_RATE_HZ) / QUESTION_RATE_HZ
    tone = 0.3 * np.sin(2 * np.pi * (300 + 400 * seconds) * seconds)
    soundfile.write(file, np.stack([tone, tone], axis=1), QUESTION_RATE_HZ)
    return file


def read_answer(file: Path) -> Float32:
    samples, rate_hz = soundfile.read(file, dtype="float32")
    assert (rate_hz, samples.ndim, soundfile.info(file).subtype) == (SAMPLE_RATE_HZ, 1, "PCM_16")
    return np.asarray(samples, np.float32)


def likeness(heard: Sequence[float] | Float32, said: Float32, delay: int) -> float:
    """Correlation of what was said with what was heard so many samples later."""
    later = np.asarray(heard)[delay : delay + len(said)]
    return float(np.corrcoef(later, said[: len(later)])[0, 1])
