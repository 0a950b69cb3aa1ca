"""Voice activity: the probability that 32 ms of audio contain speech (Silero v6). A frame takes about 0.2 ms of CPU."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final, Protocol, cast

import numpy as np
import onnxruntime

from inference.contract.audio import Float32

RATE_HZ: Final = 16_000  # sample rate of every model that hears
VAD_FRAME_SAMPLES: Final = 512
VAD_FRAME_MS: Final = 1_000 * VAD_FRAME_SAMPLES // RATE_HZ
_CONTEXT_SAMPLES: Final = 64
_STATE_SHAPE: Final = (1, 1, 128)


class Session(Protocol):
    def run(self, outputs: None, inputs: dict[str, Any]) -> list[Any]: ...


def load_session(path: Path) -> Session:
    """Loads a small network for one CPU thread: a call takes milliseconds, and more threads would only slow it down."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return cast(Session, onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))


def load_vad() -> Session:
    """Returns the network that all slots share; each keeps its own state in a VoiceActivity."""
    with as_file(files("faster_whisper.assets") / "silero_vad_v6.onnx") as path:
        return load_session(path)


class VoiceActivity:
    """The voice activity of one slot, with the network's state between frames."""

    def __init__(self, network: Session) -> None:
        self._network = network
        self._hidden: Float32 = np.zeros(_STATE_SHAPE, np.float32)
        self._cell: Float32 = np.zeros(_STATE_SHAPE, np.float32)
        self._context: Float32 = np.zeros(_CONTEXT_SAMPLES, np.float32)

    def __call__(self, frame: Float32) -> float:
        """Takes float32 [VAD_FRAME_SAMPLES] at 16 kHz and returns the probability of speech."""
        samples = np.concatenate([self._context, frame])[None]
        output, self._hidden, self._cell = self._network.run(
            None, {"input": samples, "h": self._hidden, "c": self._cell}
        )
        self._context = frame[-_CONTEXT_SAMPLES:]
        return float(np.ravel(output)[-1])
