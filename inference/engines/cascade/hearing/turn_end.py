"""Predicts whether the participant's turn is over: smart-turn v3 judges the sound of its last 8 s, not the words."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Final

import numpy as np

from inference.contract.audio import Float32
from inference.engines.cascade.hearing.log_mel import log_mel
from inference.engines.cascade.hearing.onnx import load_session
from inference.engines.cascade.hearing.vad import RATE_HZ
from inference.engines.cascade.sharing import ServedInTurn

WINDOW_SAMPLES: Final = 8 * RATE_HZ


class TurnEnd:
    """Shared by all slots; about 0.1 s of CPU a call."""

    def __init__(self, path: Path) -> None:
        self._network = load_session(path)
        self._queue = ServedInTurn("turn-end")

    def __call__(self, turn: Float32, withdrawn: Event) -> float:
        """float32 [n] at 16 kHz, the turn up to and with the pause -> probability that it is complete.

        Raises Withdrawn when `withdrawn` was set before its turn came."""
        return self._queue.call(withdrawn, self._judge, turn)

    def close(self) -> None:
        self._queue.close()

    def _judge(self, turn: Float32) -> float:
        last = turn[-WINDOW_SAMPLES:]
        window = np.pad(last, (WINDOW_SAMPLES - len(last), 0))
        (probability, *_) = self._network.run(None, {"input_features": log_mel(window)[None]})
        return float(np.ravel(probability)[0])
