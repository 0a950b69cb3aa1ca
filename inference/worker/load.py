"""Whether another talk may begin: steps that take too long harm the talks there are."""

from __future__ import annotations

from typing import Final

from inference.worker.statistics import StepStatistics, percentile_ms

WINDOW_SEC: Final = 3.0
PERCENTILE: Final = 95
BUSY_SEC: Final = 1.0  # of the window: two slow steps among quick ones harm nobody
RELIEVED: Final = 0.8  # of the limit: not before there is room again


class Load:
    """Overloaded when, of the last 3 s, a second went into steps whose 95th percentile is above `limit_ms` (0: never),
    until it is below four fifths of that. Engines of one worker share its thread and each has a step to make in every
    frame's time: their percentiles add up."""

    def __init__(self, statistics: StepStatistics, limit_ms: float) -> None:
        self._statistics = statistics
        self._limit_ms = limit_ms
        self._overloaded = False

    def overloaded(self) -> bool:
        """As of now."""
        recent = [self._statistics.recent(WINDOW_SEC, engine) for engine in list(self._statistics.by_engine)]
        step_ms = sum(percentile_ms(steps, PERCENTILE) or 0.0 for steps in recent)
        busy_sec = sum(step.duration_sec for steps in recent for step in steps)
        if self._overloaded:
            self._overloaded = step_ms > RELIEVED * self._limit_ms
        else:
            self._overloaded = 0 < self._limit_ms < step_ms and busy_sec >= BUSY_SEC
        return self._overloaded
