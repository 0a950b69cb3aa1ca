"""Networks that judge speech: words, speaker, quality. Each takes float32 [n] at 24 kHz."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from inference.contract.audio import SAMPLE_RATE_HZ, Float32

MODEL_RATE_HZ: Final = 16_000
_NUMBERS: Final = {"10": "ten"}


def at_model_rate(samples: Float32) -> Float32:
    return np.asarray(soxr.resample(samples, SAMPLE_RATE_HZ, MODEL_RATE_HZ), np.float32)


class Recogniser:
    """Word errors of the speech recognition that the product ships."""

    def __init__(self) -> None:
        from faster_whisper import WhisperModel

        from inference.weights.components import RECOGNITION
        from inference.weights.fetching import fetch
        from inference.weights.settings import WeightsSettings

        weights = fetch(RECOGNITION, WeightsSettings.read(os.environ), tell=print)
        self.name = weights.model
        self._model = WhisperModel(str(weights.path), device="cpu", compute_type="int8", cpu_threads=1)

    def words(self, samples: Float32) -> list[str]:
        segments, _ = self._model.transcribe(
            at_model_rate(samples), language="en", beam_size=5, temperature=0.0, condition_on_previous_text=False
        )
        return words(" ".join(segment.text for segment in segments))


def words(text: str) -> list[str]:
    spelt = text.lower().replace("mr.", "mister").replace("you're", "you are")
    return [_NUMBERS.get(word, word) for word in re.findall(r"[a-z0-9']+", spelt)]


def word_errors(expected: list[str], heard: list[str]) -> int:
    """Substitutions, deletions and insertions (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(expected, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]


class Speakers:
    """Speaker embeddings: Resemblyzer (GE2E; Wan et al. 2018)."""

    def __init__(self) -> None:
        from resemblyzer import VoiceEncoder

        self._encoder = VoiceEncoder("cpu", verbose=False)

    def embedding(self, samples: Float32) -> Float32:
        return np.asarray(self._encoder.embed_utterance(at_model_rate(samples)), np.float32)


class Quality:
    """Overall quality by DNSMOS P.835 (Reddy et al. 2022), with the network that the package speechmos carries."""

    WINDOW_SAMPLES: Final = int(9.01 * MODEL_RATE_HZ)
    CALIBRATION: Final = (-0.06766283, 1.11546468, 0.04602535)  # of the published scorer, for the overall score

    def __init__(self) -> None:
        from importlib.util import find_spec

        from onnxruntime import InferenceSession, SessionOptions

        package = find_spec("speechmos")
        if package is None or not package.submodule_search_locations:
            raise ModuleNotFoundError("No module named 'speechmos'")
        network = Path(package.submodule_search_locations[0]) / "dnsmos_models" / "sig_bak_ovr.onnx"
        options = SessionOptions()
        options.intra_op_num_threads = 1
        self._session = InferenceSession(str(network), options, providers=["CPUExecutionProvider"])

    def score(self, samples: Float32) -> float:
        """Mean over windows of 9 s, one every 3 s; shorter speech is repeated."""
        speech = np.clip(at_model_rate(samples), -1, 1)
        speech = np.tile(speech, math.ceil(self.WINDOW_SAMPLES / len(speech)))
        starts = range(0, len(speech) - self.WINDOW_SAMPLES + 1, 3 * MODEL_RATE_HZ)
        windows = (speech[start : start + self.WINDOW_SAMPLES][None] for start in starts)
        raw = [self._session.run(None, {"input_1": window})[0][0][2] for window in windows]
        return float(np.mean(np.polyval(self.CALIBRATION, raw)))
