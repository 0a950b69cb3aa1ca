"""The recent input, addressed by sample number since the start of the stream."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]


class Signal:
    """Samples `start` to `stop` of the stream; before its beginning there is silence."""

    def __init__(self, silence_samples: int) -> None:
        self._samples: Float64 = np.zeros(silence_samples)
        self.start = -silence_samples

    @property
    def stop(self) -> int:
        return self.start + len(self._samples)

    def append(self, samples: Float64) -> None:
        self._samples = np.concatenate([self._samples, samples])

    def span(self, start: int, stop: int) -> Float64:
        """A view of samples start to stop; shorter where the input has not come that far."""
        return self._samples[start - self.start : stop - self.start]

    def forget_before(self, sample: int) -> None:
        if sample > self.start:
            self._samples = self._samples[sample - self.start :]
            self.start = sample
