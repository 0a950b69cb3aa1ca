"""Between a server's sampling rate and another, as one stream: chunks of any size, no seams, no sample lost."""

from __future__ import annotations

import numpy as np
import soxr

from inference.contract.audio import Float32


class Resampler:
    """n samples in become n · `to_hz` / `from_hz` out, rounded, once `finish` has been called."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._rates = (from_hz, to_hz)
        self._stream = self._make()

    def push(self, samples: Float32) -> Float32:
        """float32 [n] -> what of it can be said already, float32 [m]; the rest waits for its neighbours."""
        return self._resample(samples, last=False)

    def finish(self) -> Float32:
        """What still waits; a new stream begins after it."""
        rest = self._resample(np.zeros(0, np.float32), last=True)
        self._stream = self._make()
        return rest

    def _make(self) -> soxr.ResampleStream | None:
        from_hz, to_hz = self._rates
        return None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality="HQ")

    def _resample(self, samples: Float32, *, last: bool) -> Float32:
        if self._stream is None:
            return samples
        resampled: Float32 = self._stream.resample_chunk(samples, last=last)
        return resampled
