"""Predicts whether the participant's turn is over: smart-turn v3 judges the sound of the last 8 s, not the words."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Event
from typing import Final

import numpy as np
import numpy.typing as npt
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.lib.stride_tricks import sliding_window_view

from inference.contract.audio import Float32
from inference.engines.cascade.hearing.vad import RATE_HZ, load_session
from inference.engines.cascade.sharing import ServedInTurn

WINDOW_SAMPLES: Final = 8 * RATE_HZ
FFT_SAMPLES: Final = 400
HOP_SAMPLES: Final = 160
MEL_BANDS: Final = 80
VARIANCE_FLOOR: Final = 1e-7
POWER_FLOOR: Final = 1e-10
DYNAMIC_RANGE: Final = 8.0  # in powers of ten below the loudest


class TurnEnd:
    """The turn-end model of all slots; about 0.1 s of CPU time per call."""

    def __init__(self, path: Path) -> None:
        self._network = load_session(path)
        self._queue = ServedInTurn("turn-end")

    def __call__(self, turn: Float32, withdrawn: Event) -> float:
        """Takes the turn including the pause, float32 [n] at 16 kHz, and returns the probability that it is complete.

        Raises Withdrawn when `withdrawn` was set before its turn came."""
        return self._queue.call(withdrawn, self._judge, turn)

    def close(self) -> None:
        self._queue.close()

    def _judge(self, turn: Float32) -> float:
        last = turn[-WINDOW_SAMPLES:]
        window = np.pad(last, (WINDOW_SAMPLES - len(last), 0))
        (probability, *_) = self._network.run(None, {"input_features": log_mel(window)[None]})
        return float(np.ravel(probability)[0])


def log_mel(samples: Float32) -> Float32:
    """Converts float32 [n] at 16 kHz to float32 [MEL_BANDS, n // HOP_SAMPLES], about in [-1, 1].

    This is Whisper's spectrogram as smart-turn was trained on it: normalised waveform, 80 Slaney mel bands, 10 ms hop.
    The formula is that of `WhisperFeatureExtractor` (transformers); the mel filters are those of faster-whisper."""
    normalised = (samples - samples.mean()) / np.sqrt(samples.var() + VARIANCE_FLOOR)
    padded = np.pad(normalised.astype(np.float64), FFT_SAMPLES // 2, mode="reflect")
    frames = sliding_window_view(padded, FFT_SAMPLES)[::HOP_SAMPLES][:-1]
    power = np.abs(np.fft.rfft(frames * _hann())) ** 2  # (n // HOP_SAMPLES, FFT_SAMPLES // 2 + 1)
    bands = np.log10(np.maximum(_filters() @ power.T, POWER_FLOOR))
    bands = np.maximum(bands, bands.max() - DYNAMIC_RANGE)
    return np.asarray((bands + 4.0) / 4.0, dtype=np.float32)


@cache
def _hann() -> npt.NDArray[np.float64]:
    return np.hanning(FFT_SAMPLES + 1)[:-1]


@cache
def _filters() -> npt.NDArray[np.float64]:
    """Returns the mel filters, [MEL_BANDS, FFT_SAMPLES // 2 + 1]."""
    return np.asarray(FeatureExtractor.get_mel_filters(RATE_HZ, FFT_SAMPLES, n_mels=MEL_BANDS), dtype=np.float64)
