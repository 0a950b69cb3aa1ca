"""Speaks a recorded question in place of a microphone, at its pace, and then listens until the machine has answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import numpy as np

from inference.contract.audio import BYTES_PER_SAMPLE, FRAME_MS, UPLINK_MS, UPLINK_SAMPLES
from inference.contract.wire import Kind, encode_audio

FRAME_BYTES: Final = UPLINK_SAMPLES * BYTES_PER_SAMPLE
LOUD: Final = 0.003 * 32_768  # RMS of a frame in which the machine is heard
TURN_OVER_MS: Final = 1_200  # quiet after which an answer is over whose engine says that it listens again
QUIET_MS: Final = 4_000  # and where the engine says nothing of turns, or is between two sentences
NO_ANSWER_MS: Final = 45_000  # after the question


class Question:
    """A recorded question. `frame(message)` takes every microphone frame, encoded; `over(reason)` is called once, with
    one of the endings."""

    def __init__(self, pcm: bytes, frame: Callable[[bytes], None], over: Callable[[str], None]) -> None:
        self._pcm = pcm
        self._frame = frame
        self._over = over
        self._frames = -(-len(pcm) // FRAME_BYTES)
        self._state = ""  # of the machine's turn, as far as it tells
        self._answered = False
        self._quiet_ms = 0

    async def ask(self, sequence: int) -> None:
        """Sends frames in real time from this sequence on: the question, then silence until the answer is over."""
        loop = asyncio.get_running_loop()
        first, began = sequence, loop.time()
        while not (ending := self._ending(sequence)):
            pcm = self._pcm[sequence * FRAME_BYTES : (sequence + 1) * FRAME_BYTES].ljust(FRAME_BYTES, b"\0")
            self._frame(encode_audio(Kind.PARTICIPANT, sequence, sequence * UPLINK_SAMPLES, pcm))
            sequence += 1
            await asyncio.sleep(max(0.0, began + (sequence - first) * UPLINK_MS / 1_000 - loop.time()))
        self._over(ending)

    def heard(self, pcm: bytes) -> None:
        """Takes one frame of what the machine says, PCM16."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        if float(np.sqrt(np.mean(samples * samples))) > LOUD:
            self._answered, self._quiet_ms = True, 0
        else:
            self._quiet_ms += FRAME_MS

    def turned(self, state: str) -> None:
        """Takes the state of the machine's turn."""
        self._state = state

    def _ending(self, sequence: int) -> str:
        """Returns the ending if there is nothing more to wait for, else an empty text."""
        if sequence < self._frames:
            return ""
        if not self._answered:
            return "no_answer" if (sequence - self._frames) * UPLINK_MS > NO_ANSWER_MS else ""
        enough_ms = {"listening": TURN_OVER_MS, "thinking": NO_ANSWER_MS}.get(self._state, QUIET_MS)
        return "answered" if self._quiet_ms >= enough_ms else ""
