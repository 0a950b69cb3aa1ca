"""When a step runs and who is in it: told the time, and never a second is waited."""

from __future__ import annotations

import math

import pytest

from inference.contract.audio import FRAME_SEC
from inference.voices.none import NoConversion
from inference.voices.schedule import VoiceSchedule
from inference.worker.pacing import MAX_WAIT_SEC, QUIET_AFTER_SEC, Turn, next_turn
from inference.worker.seats import INBOX_STEPS, Frame, Seat

NOW = 1_000.0
QUICK = 0.005
SLOW = 0.06


def seat(row: int, *arrivals: float, engine: str = "echo", stepped_at: float | None = None) -> Seat:
    """One to which frames came at these times before (-) or after NOW; one was stepped at `stepped_at`."""
    one = Seat(row, engine, VoiceSchedule((), {"none": NoConversion()}))
    moments = [(arrival, False) for arrival in arrivals] + ([(stepped_at, True)] if stepped_at is not None else [])
    for moment, is_step in sorted(moments):
        if is_step:
            one.take(NOW + moment)
        else:
            one.put(Frame(0, 0, b""), NOW + moment)
    return one


def rows(seats: list[Seat], step_sec: float = QUICK, at: float = 0.0) -> list[int]:
    """Which rows step at NOW + `at`; none when the time is not come."""
    turn = next_turn(seats, lambda _: step_sec, NOW + at)
    return [each.row for each in turn.seats] if isinstance(turn, Turn) else []


def looks_again_at(seats: list[Seat], step_sec: float = QUICK, at: float = 0.0) -> float:
    turn = next_turn(seats, lambda _: step_sec, NOW + at)
    assert isinstance(turn, float)
    return round(turn - NOW, 6)


def test_nobody_talks() -> None:
    assert looks_again_at([]) == math.inf
    assert looks_again_at([seat(0, -0.07, stepped_at=-0.06)]) == math.inf


def test_everybody_has_a_frame() -> None:
    assert rows([seat(0, -0.01), seat(1, 0)]) == [0, 1]


def test_somebody_is_waited_for_and_then_left_out() -> None:
    seats = [seat(0, -0.01), seat(1, -0.08, stepped_at=-0.07), seat(2, -0.005)]
    assert looks_again_at(seats) == -0.01 + MAX_WAIT_SEC
    assert rows(seats, at=MAX_WAIT_SEC - 0.01) == [0, 2]


def test_who_is_silent_is_not_waited_for() -> None:
    quiet = seat(1, -QUIET_AFTER_SEC, stepped_at=-0.19)
    assert rows([seat(0, 0), quiet]) == [0]


def test_who_has_not_begun_is_not_waited_for() -> None:
    assert rows([seat(0, 0), seat(1)]) == [0]


def behind(row: int = 0, engine: str = "echo") -> Seat:
    """Stepped just now, with three frames more of a burst."""
    return seat(row, -0.05, -0.05, -0.05, -0.05, engine=engine, stepped_at=-0.04)


def test_alone_and_behind_catches_up_at_once() -> None:
    assert rows([behind()], SLOW) == [0]


def test_catches_up_when_it_is_over_before_the_neighbour_is_due() -> None:
    neighbour = seat(1, -0.05, stepped_at=-0.04)  # due in 30 ms
    assert rows([behind(), neighbour], step_sec=0.03) == [0]


def test_does_not_catch_up_at_a_neighbours_cost() -> None:
    neighbour = seat(1, -0.05, stepped_at=-0.04)
    assert rows([behind(), neighbour], step_sec=0.031) == []


def test_who_is_behind_joins_the_neighbours_step() -> None:
    neighbour = seat(1, -0.09, -0.001, stepped_at=-0.05)
    assert rows([behind(), neighbour], SLOW) == [0, 1]


def test_neighbour_who_waits_for_another_is_not_delayed_either() -> None:
    waiting, late = seat(1, -0.08, -0.001, stepped_at=-0.05), seat(2, -0.085, stepped_at=-0.05)
    assert rows([behind(), waiting, late]) == []
    assert rows([behind(), waiting, late], at=-0.001 + MAX_WAIT_SEC) == [0, 1]


def test_who_is_behind_has_a_step_in_every_frames_time() -> None:
    """Though a neighbour's frame has long been due."""
    seats = [behind(), seat(1, -0.085, stepped_at=-0.04)]
    owed = -0.04 + FRAME_SEC + MAX_WAIT_SEC
    assert looks_again_at(seats, SLOW) == round(owed, 6)
    assert rows(seats, SLOW, at=owed + 0.001) == [0]


def test_those_behind_catch_up_together() -> None:
    assert rows([behind(0), behind(1), behind(2)], SLOW) == [0, 1, 2]


def test_longest_waiting_engine_goes_first() -> None:
    seats = [seat(0, -0.01, engine="first"), seat(1, -0.02, engine="second")]
    assert rows(seats) == [1]
    assert rows(seats[:1]) == [0]


def test_engines_do_not_wait_for_each_others_rows() -> None:
    assert rows([seat(0, 0, engine="first"), seat(1, -0.08, engine="second", stepped_at=-0.07)]) == [0]


def test_catching_up_delays_no_other_engine() -> None:
    neighbour = seat(1, -0.05, engine="second", stepped_at=-0.04)
    assert rows([behind(engine="first"), neighbour], step_sec=0.031) == []
    assert rows([behind(engine="first"), neighbour], step_sec=0.03) == [0]


@pytest.mark.parametrize("step_sec", [0.01, 0.03, 0.05, 0.07])
def test_burst_delays_no_neighbour(step_sec: float) -> None:
    """Simulated: a steady talker, beside whom another one bursts after a silence. It is waited for like anybody."""
    alone, beside = simulate(step_sec, burst=0), simulate(step_sec, burst=40)
    delays = [late - early for early, late in zip(alone[0], beside[0], strict=True)]
    assert 0 <= min(delays) <= max(delays) <= MAX_WAIT_SEC + 1e-6
    assert beside[1] == INBOX_STEPS  # all that was kept


def simulate(step_sec: float, burst: int, frames: int = 25) -> tuple[list[float], int]:
    """When the steady talker's frames were stepped, and how many of the other's."""
    steady, other = seat(0), seat(1)
    arrivals = [(step * FRAME_SEC, steady, step) for step in range(frames)]
    arrivals += [(10 * FRAME_SEC + 0.001, other, step) for step in range(burst)]
    arrivals.sort(key=lambda each: each[0])
    now, begun, caught_up = 0.0, [], 0
    while True:
        while arrivals and arrivals[0][0] <= now:
            at, who, step = arrivals.pop(0)
            who.put(Frame(step, 0, b""), at)
        turn = next_turn([steady, other], lambda _: step_sec, now)
        if isinstance(turn, Turn):
            for each in turn.seats:
                each.take(now)
            if steady in turn.seats:
                begun.append(round(now, 6))
            caught_up += other in turn.seats
            now += step_sec
        elif not arrivals and turn == math.inf:
            return begun, caught_up
        else:
            now = min(turn, arrivals[0][0] if arrivals else math.inf)
