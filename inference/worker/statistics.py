"""Statistics of the steps, for the heartbeat, for Prometheus and for deciding whether a new take may begin."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from inference.contract.audio import FRAME_SEC

WINDOW_SEC: Final = 60.0
MAX_STEPS: Final = 6_000  # kept for one engine's window
EXPECT_STEPS: Final = 25  # the last steps, from which the next one's duration is estimated
LOAD_WINDOW_SEC: Final = 3.0
LOAD_PERCENTILE: Final = 95
BUSY_SEC: Final = 1.0  # of the load window; a few slow steps among fast ones do no harm
RELIEVED: Final = 0.8  # of the limit: the overload ends only below this, so that it does not flap


class Step(NamedTuple):
    """One batched step: when it ended, on the statistics' clock, how long it took, and how many rows it had."""

    ended_at: float
    duration_sec: float
    rows: int


class EngineSteps:
    """The steps of one engine; written by the step thread, read by any thread."""

    def __init__(self) -> None:
        self.steps = 0
        self.late_steps = 0
        self.rows = 0  # summed over all steps
        self.expected_sec = FRAME_SEC  # 95th percentile of the last EXPECT_STEPS; a whole frame's time before the first
        self._recent: deque[Step] = deque(maxlen=MAX_STEPS)
        self._last: deque[float] = deque(maxlen=EXPECT_STEPS)

    def add(self, step: Step) -> None:
        self.steps += 1
        self.rows += step.rows
        self.late_steps += step.duration_sec > FRAME_SEC
        self._recent.append(step)
        while self._recent[0].ended_at < step.ended_at - WINDOW_SEC:
            self._recent.popleft()
        self._last.append(step.duration_sec)
        self.expected_sec = sorted(self._last)[int(0.95 * (len(self._last) - 1))]

    def since(self, moment: float) -> list[Step]:
        """Returns the steps that ended after `moment`."""
        return [step for step in list(self._recent) if step.ended_at > moment]


@dataclass(slots=True)
class StepStatistics:
    """Counts and durations of a worker's steps. `late_steps` took longer than the 80 ms of their frame."""

    clock: Callable[[], float] = time.perf_counter  # seconds
    by_engine: defaultdict[str, EngineSteps] = field(default_factory=lambda: defaultdict(EngineSteps))
    frames_dropped: Counter[str] = field(default_factory=Counter)  # by direction, uplink or downlink
    slots_ended: Counter[str] = field(default_factory=Counter)  # by reason
    refused: Counter[str] = field(default_factory=Counter)  # by code

    def add_step(self, engine: str, duration_sec: float, rows: int) -> None:
        self.by_engine[engine].add(Step(self.clock(), duration_sec, rows))

    def expected_sec(self, engine: str) -> float:
        """Returns a duration that the next step of an engine will rarely exceed."""
        return self.by_engine[engine].expected_sec

    def last_minute(self, engine: str = "") -> list[Step]:
        """Returns the steps of the last minute, of one engine or of all."""
        return self.recent(WINDOW_SEC, engine)

    def recent(self, seconds: float, engine: str = "") -> list[Step]:
        """Returns the steps of the last `seconds`, of one engine or of all."""
        engines = [self.by_engine[engine]] if engine else list(self.by_engine.values())
        moment = self.clock() - seconds
        return [step for each in engines for step in each.since(moment)]

    @property
    def late_steps(self) -> int:
        return sum(each.late_steps for each in list(self.by_engine.values()))


def percentile_ms(steps: Iterable[Step], percentile: float) -> float | None:
    """Returns a percentile of the durations, or None if there are no steps."""
    durations = [step.duration_sec for step in steps]
    return 1_000 * float(np.percentile(durations, percentile)) if durations else None


def occupancy(steps: Iterable[Step]) -> float:
    """Returns the mean number of rows per step, or 0 if there are no steps."""
    rows = [step.rows for step in steps]
    return sum(rows) / len(rows) if rows else 0.0


class Load:
    """Decides whether the worker is overloaded.

    It is overloaded once steps took at least 1 s of the last 3 s and the 95th percentile of their durations exceeds
    `limit_ms` (0: never), until that percentile falls to four fifths of the limit. The engines of a worker share one
    thread and each must step once per frame, so their percentiles are added."""

    def __init__(self, statistics: StepStatistics, limit_ms: float) -> None:
        self._statistics = statistics
        self._limit_ms = limit_ms
        self._overloaded = False

    def overloaded(self) -> bool:
        """Returns whether the worker is overloaded now."""
        recent = [self._statistics.recent(LOAD_WINDOW_SEC, engine) for engine in list(self._statistics.by_engine)]
        step_ms = sum(percentile_ms(steps, LOAD_PERCENTILE) or 0.0 for steps in recent)
        busy_sec = sum(step.duration_sec for steps in recent for step in steps)
        if self._overloaded:
            self._overloaded = step_ms > RELIEVED * self._limit_ms
        else:
            self._overloaded = 0 < self._limit_ms < step_ms and busy_sec >= BUSY_SEC
        return self._overloaded
