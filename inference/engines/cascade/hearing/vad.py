"""Voice activity: the probability that 32 ms of audio hold speech (Silero v6). About 0.2 ms of CPU a frame."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Final

import numpy as np

from inference.contract.audio import Float32
from inference.engines.cascade.hearing.onnx import Session, load_session

RATE_HZ: Final = 16_000  # of every model that hears, in this package
VAD_FRAME_SAMPLES: Final = 512
VAD_FRAME_MS: Final = 1_000 * VAD_FRAME_SAMPLES // RATE_HZ
_CONTEXT_SAMPLES: Final = 64
_STATE_SHAPE: Final = (1, 1, 128)


def load_vad() -> Session:
    """The network, which slots share; each keeps its own state in a VoiceActivity."""
    with as_file(files("faster_whisper.assets") / "silero_vad_v6.onnx") as path:
        return load_session(path)


class VoiceActivity:
    """One slot's stream."""

    def __init__(self, network: Session) -> None:
        self._network = network
        self._hidden: Float32 = np.zeros(_STATE_SHAPE, np.float32)
        self._cell: Float32 = np.zeros(_STATE_SHAPE, np.float32)
        self._context: Float32 = np.zeros(_CONTEXT_SAMPLES, np.float32)

    def __call__(self, frame: Float32) -> float:
        """float32 [VAD_FRAME_SAMPLES] at 16 kHz -> probability of speech."""
        samples = np.concatenate([self._context, frame])[None]
        output, self._hidden, self._cell = self._network.run(
            None, {"input": samples, "h": self._hidden, "c": self._cell}
        )
        self._context = frame[-_CONTEXT_SAMPLES:]
        return float(np.ravel(output)[-1])
