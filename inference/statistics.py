"""How the steps went, for the heartbeat and for Prometheus."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from inference.audio import FRAME_MS

WINDOW_STEPS: Final = 750  # a minute of them


@dataclass(slots=True)
class StepStatistics:
    """Written by the step thread, read by any. `late_steps` took longer than the 80 ms they stand for."""

    steps: int = 0
    late_steps: int = 0
    rows: int = 0  # over all steps; divided by `steps` it is the mean occupancy
    frames_dropped: Counter[str] = field(default_factory=Counter)  # by direction, uplink or downlink
    slots_ended: Counter[str] = field(default_factory=Counter)  # by reason
    refused: Counter[str] = field(default_factory=Counter)  # by code
    _recent_ms: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW_STEPS))

    def add_step(self, duration_ms: float, rows: int) -> None:
        self.steps += 1
        self.rows += rows
        self.late_steps += duration_ms > FRAME_MS
        self._recent_ms.append(duration_ms)

    def step_ms(self, percentile: float) -> float | None:
        """Of the last minute's steps; None before the first."""
        recent = list(self._recent_ms)
        return float(np.percentile(recent, percentile)) if recent else None
