"""The voice that replaces a converted one if its converter is lost during a take and the study lets the take go on."""

from __future__ import annotations

from typing import Final

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.errors import RemoteLost
from inference.voices.base import VoiceStream
from inference.voices.delay import Delay

FADE_SAMPLES: Final = SAMPLE_RATE_HZ // 50


class WithFallback(VoiceStream):
    """Runs both streams from the beginning with the same delay, so that the fallback is warm when it is needed.

    The fallback is faded in from the silence that the lost stream leaves."""

    def __init__(self, stream: VoiceStream, other: VoiceStream) -> None:
        self.latency_samples = max(stream.latency_samples, other.latency_samples)
        self.lost: RemoteLost | None = None
        self._streams = (stream, other)
        self._make_delays()

    def push(self, samples: Float32) -> Float32:
        other = self._delays[1].push(self._streams[1].push(samples))
        if self.lost is None:
            try:
                return self._delays[0].push(self._streams[0].push(samples))
            except RemoteLost as error:
                self.lost = error
        rise = np.clip((self._faded_samples + np.arange(len(other))) / FADE_SAMPLES, 0, 1).astype(np.float32)
        self._faded_samples += len(other)
        return other * rise

    def reset(self) -> None:
        for stream in self._streams:
            stream.reset()
        self.lost = None
        self._make_delays()

    def close(self) -> None:
        for stream in self._streams:
            stream.close()

    def _make_delays(self) -> None:
        self._delays = [Delay(self.latency_samples - stream.latency_samples) for stream in self._streams]
        self._faded_samples = 0
