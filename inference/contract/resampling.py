"""Resamples a stream in pieces of any size, without seams or lost samples."""

from __future__ import annotations

import numpy as np
import soxr

from inference.contract.audio import Float32


class Resampler:
    """Resamples one stream. Once `finish` has been called, n samples have become n · `to_hz` / `from_hz`, rounded."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._rates = (from_hz, to_hz)
        self._stream = self._make()

    def push(self, samples: Float32) -> Float32:
        """float32 [n] -> the output that can be computed so far, float32 [m]; the rest needs samples that follow."""
        return self._resample(samples, last=False)

    def finish(self) -> Float32:
        """Returns the rest of the output and begins a new stream."""
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
