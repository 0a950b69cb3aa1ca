"""Which F0 the output has for an F0 of the input."""

from __future__ import annotations

import math

LOWEST_OUTPUT_HZ = 40.0
HIGHEST_OUTPUT_HZ = 700.0
MEMORY_SEC = 10.0  # of voiced speech, once that much was heard


class Intonation:
    """f_out = base * (f_in / reference) ** range, where base is the target or reference * ratio.

    Without a reference from enrolment it is the running mean of log F0 so far."""

    def __init__(self, *, ratio: float, target_hz: float | None, excursion: float, reference_hz: float | None) -> None:
        self._log_ratio = math.log(ratio)
        self._log_target = None if target_hz is None else math.log(target_hz)
        self._excursion = excursion
        self._is_fixed = reference_hz is not None
        self._log_reference = 0.0 if reference_hz is None else math.log(reference_hz)
        self._heard_sec = 0.0

    def hear(self, f0_hz: float, duration_sec: float) -> None:
        """Take one voiced period into the reference."""
        if self._is_fixed:
            return
        self._heard_sec = min(self._heard_sec + duration_sec, MEMORY_SEC)
        self._log_reference += (math.log(f0_hz) - self._log_reference) * duration_sec / self._heard_sec

    def output_hz(self, f0_hz: float) -> float:
        log_base = self._log_reference + self._log_ratio if self._log_target is None else self._log_target
        output = math.exp(log_base + self._excursion * (math.log(f0_hz) - self._log_reference))
        return min(max(output, LOWEST_OUTPUT_HZ), HIGHEST_OUTPUT_HZ)
