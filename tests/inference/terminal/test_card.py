"""Microphone and loudspeaker, with arrays in the place of the sound card."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import pytest

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.terminal.__main__ import run
from inference.terminal.address import read_arguments
from tests.inference.running import SECRET, running_worker
from tests.inference.terminal.terminal import likeness, problem
from tests.inference.worker.doors.chat.stock import SoundCard
from tests.waiting import until


def tone(frames: int) -> Float32:
    seconds = np.arange(frames * FRAME_SAMPLES) / SAMPLE_RATE_HZ
    return np.asarray(0.3 * np.sin(2 * np.pi * (300 + 400 * seconds) * seconds), np.float32)


async def test_microphone_is_heard_and_the_answer_played(monkeypatch: pytest.MonkeyPatch) -> None:
    said = tone(20)
    card = SoundCard(np.concatenate([np.zeros(5 * FRAME_SAMPLES, np.float32), said]))
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    monkeypatch.setenv("WORKER_SECRET", SECRET)
    stop = asyncio.Event()
    async with running_worker() as worker:
        talking = asyncio.create_task(run(read_arguments([worker.address]), stop))
        await until(lambda: len(sounding(card.played)) >= len(said) // 2)
        stop.set()
        await talking
        assert worker.takes.table.free_slots == worker.takes.table.slots
    heard = sounding(card.played)[: len(said) // 2]
    # what was said before the connection was open is not heard: on a busy machine that is more than the silence
    beginnings = range(0, len(said) - len(heard) + 1, FRAME_SAMPLES)
    assert max(likeness(heard, said[start : start + len(heard)], 0) for start in beginnings) > 0.99


def sounding(played: list[Float32]) -> Float32:
    """What was played, without the blocks of silence before it and where the next frame came too late to follow."""
    return np.concatenate([np.zeros(0, np.float32), *(block for block in list(played) if block.any())])


async def test_without_the_package_or_its_library_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    status, text = await problem()
    assert (status, text.split(":")[0]) == (5, "Microphone and loudspeaker need the package sounddevice")


async def test_without_devices_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoDevices(SoundCard):
        def InputStream(self, *, blocksize: int, callback: Callable[..., None], **_: Any) -> NoReturn:
            raise self.PortAudioError("Error querying device -1")

    monkeypatch.setitem(sys.modules, "sounddevice", NoDevices(tone(1)))
    status, text = await problem()
    assert (status, text.split(":")[0]) == (5, "No microphone or loudspeaker can be used")
    assert "--in question.wav --out answer.wav" in text
