"""A spoken recording as a bot's microphone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
import soxr

from inference.contract.audio import SAMPLE_RATE_HZ, UPLINK_SAMPLES, Float32, float32_to_pcm16
from studies.errors import SimulationError

QUIETEST: Final = 1e-5  # -100 dB, where silence is nothing at all


class Microphone:
    """Says what is in an audio file, over and over with a pause between, for ever. `samples` is one round of it:
    float32 [n] at 24 kHz, a whole number of uplink frames."""

    def __init__(self, samples: Float32, pause_sec: float = 6.0) -> None:
        silence = np.zeros(round(pause_sec * SAMPLE_RATE_HZ), np.float32)
        padding = np.zeros(-(len(samples) + len(silence)) % UPLINK_SAMPLES, np.float32)
        self._said = samples
        self.samples: Float32 = np.concatenate([samples, silence, padding])
        self._pcm = float32_to_pcm16(self.samples)

    def report(self) -> dict[str, Any]:
        """What a device check would say of the recording (see `participant.checking.device`): levels in dB of full
        scale of frames of 20 ms, the quietest tenth of them as noise. Its sound was heard, in headphones."""
        whole = len(self._said) // UPLINK_SAMPLES * UPLINK_SAMPLES
        frames = self._said[:whole].reshape(-1, UPLINK_SAMPLES)
        levels_db = 20 * np.log10(np.sqrt(np.mean(frames**2, axis=1)) + QUIETEST)
        noise_db, speech_db = float(np.percentile(levels_db, 10)), float(np.percentile(levels_db, 95))
        clipped = int(np.count_nonzero(np.abs(self._said) >= 1))
        return {
            "noise_dbfs": round(noise_db, 1),
            "snr_db": round(speech_db - noise_db, 1),
            "clipped_percent": round(100 * clipped / len(self._said), 3),
            "microphone": {"speech_db": round(speech_db, 1), "clipped_samples": clipped, "verdict": "ok"},
            "sound": {"heard": True, "output": "headphones"},
            "settings": {"capture_method": "file", "user_agent": "bot"},
        }

    def frame(self, number: int) -> bytes:
        """PCM16 of the frame with this number: 20 ms."""
        frames = len(self.samples) // UPLINK_SAMPLES
        size = len(self._pcm) // frames
        start = number % frames * size
        return self._pcm[start : start + size]


def read_microphone(file: Path) -> Microphone:
    """Any format that libsndfile reads, mixed to mono. Raises SimulationError."""
    try:
        samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise SimulationError(f"{file} cannot be read as a recording: {error}") from None
    if len(samples) < rate_hz / 10:
        raise SimulationError(f"{file} holds no sound to speak of: a spoken sentence is needed.")
    mono = soxr.resample(samples.mean(axis=1), rate_hz, SAMPLE_RATE_HZ)
    return Microphone(np.asarray(mono, np.float32))
