"""Speech that the browser kept during a cut: it is recorded, and comes too late for the engine to hear."""

from __future__ import annotations

from typing import Final

import numpy as np

from inference.contract.audio import UPLINK_SAMPLES, pcm16_to_float32, samples_to_ms
from inference.contract.wire import AUDIO_HEADER

SOUNDING_RMS: Final = 0.01  # of full scale, -40 dBFS; speech at a microphone is louder, a quiet room is not
SHORTEST_MS: Final = 300  # a shorter sound is no question


class MissedSpeech:
    """Counts the sounding frames among those kept during a cut."""

    def __init__(self) -> None:
        self._sounding = 0

    def late(self, message: bytes) -> None:
        """Takes one kept frame as it came over the wire."""
        samples = pcm16_to_float32(message[AUDIO_HEADER.size :])
        self._sounding += int(np.sqrt(np.square(samples).mean()) >= SOUNDING_RMS)

    def take(self) -> int | None:
        """Returns how much of it sounded, in ms, and forgets it; None if there was nothing to repeat."""
        sounding_ms = round(samples_to_ms(self._sounding * UPLINK_SAMPLES))
        self._sounding = 0
        return sounding_ms if sounding_ms >= SHORTEST_MS else None
