"""Step times of the last minute, and whether they leave room for another talk."""

from __future__ import annotations

import pytest

from inference.contract.audio import FRAME_SEC
from inference.worker.statistics import (
    BUSY_SEC,
    EXPECT_STEPS,
    LOAD_WINDOW_SEC,
    MAX_STEPS,
    EngineSteps,
    Load,
    Step,
    StepStatistics,
    occupancy,
    percentile_ms,
)
from tests.inference.running import Stopwatch

LIMIT_MS = 80.0


def stepped(statistics: StepStatistics, stopwatch: Stopwatch, *durations: float, engine: str = "echo") -> None:
    """Steps one after the other, with one row each."""
    for duration in durations:
        stopwatch.seconds += duration
        statistics.add_step(engine, duration, 1)


def test_percentiles_and_occupancy() -> None:
    steps = [Step(float(place), place / 1_000, rows) for place, rows in enumerate((1, 2, 3, 6), 1)]
    assert [percentile_ms(steps, percentile) for percentile in (0, 50, 100)] == pytest.approx([1, 2.5, 4])
    assert occupancy(steps) == 3
    assert (percentile_ms([], 95), occupancy([])) == (None, 0.0)


def test_last_minute_alone_is_told() -> None:
    stopwatch = Stopwatch()
    statistics = StepStatistics(stopwatch)
    stepped(statistics, stopwatch, 0.09, 0.01)
    stopwatch.seconds += 60.0
    assert [step.duration_sec for step in statistics.last_minute()] == []
    stepped(statistics, stopwatch, 0.02)
    stepped(statistics, stopwatch, 0.03, engine="another")
    assert [step.duration_sec for step in statistics.last_minute()] == [0.02, 0.03]
    assert [step.duration_sec for step in statistics.last_minute("another")] == [0.03]
    assert (statistics.by_engine["echo"].steps, statistics.late_steps) == (3, 1)


def test_remembered_steps_are_bounded() -> None:
    steps = EngineSteps()
    for _ in range(MAX_STEPS + 10):
        steps.add(Step(1.0, 0.001, 2))
    assert (len(steps.since(0.0)), steps.rows) == (MAX_STEPS, 2 * (MAX_STEPS + 10))


def test_expected_step_is_the_slower_kind() -> None:
    steps = EngineSteps()
    assert steps.expected_sec == FRAME_SEC
    for place in range(EXPECT_STEPS):
        steps.add(Step(1.0, 0.03 if place % 5 == 0 else 0.01, 1))
    assert steps.expected_sec == 0.03
    for _ in range(EXPECT_STEPS):
        steps.add(Step(1.0, 0.01, 1))
    assert steps.expected_sec == 0.01


def test_overloaded_until_steps_are_well_below_the_limit() -> None:
    stopwatch = Stopwatch()
    statistics = StepStatistics(stopwatch)
    load = Load(statistics, LIMIT_MS)
    assert not load.overloaded()
    stepped(statistics, stopwatch, *[0.081] * int(BUSY_SEC / 0.081))
    assert not load.overloaded()  # not for long enough
    stepped(statistics, stopwatch, 0.081)
    assert load.overloaded()
    stepped(statistics, stopwatch, *[0.07] * int(LOAD_WINDOW_SEC / 0.07 + 1))
    assert load.overloaded()  # one more talk would be one too many
    stepped(statistics, stopwatch, *[0.06] * int(LOAD_WINDOW_SEC / 0.06 + 1))
    assert not load.overloaded()


def test_no_steps_no_load() -> None:
    stopwatch = Stopwatch()
    statistics = StepStatistics(stopwatch)
    load = Load(statistics, LIMIT_MS)
    stepped(statistics, stopwatch, *[0.2] * 20)
    assert load.overloaded()
    stopwatch.seconds += LOAD_WINDOW_SEC
    assert not load.overloaded()


def test_slow_step_among_quick_ones_is_none() -> None:
    stopwatch = Stopwatch()
    statistics = StepStatistics(stopwatch)
    stepped(statistics, stopwatch, *[0.01] * 30, 0.2, 0.2, 0.2)
    assert not Load(statistics, LIMIT_MS).overloaded()


def test_engines_share_the_time() -> None:
    stopwatch = Stopwatch()
    statistics = StepStatistics(stopwatch)
    for _ in range(20):
        stepped(statistics, stopwatch, 0.05)
        stepped(statistics, stopwatch, 0.05, engine="another")
    assert Load(statistics, LIMIT_MS).overloaded()


def test_no_limit() -> None:
    stopwatch = Stopwatch()
    statistics = StepStatistics(stopwatch)
    stepped(statistics, stopwatch, *[0.5] * 20)
    assert not Load(statistics, 0).overloaded()
