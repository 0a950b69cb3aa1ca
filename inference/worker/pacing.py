"""Decides which rows to step and when. The code is pure: callers pass the time, in seconds of one monotonic clock.

A frame should be stepped within 80 ms, before its row's next one arrives. A step runs when every active row has a
frame, or when the frame that has waited longest has waited MAX_WAIT_SEC; a row without a frame is left out and does not
change. A row that is behind contributes one of its frames to every such step. It catches up in extra steps only when
these are expected to end before any other row's next frame is due.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from inference.contract.audio import FRAME_SEC
from inference.worker.seats import Seat

MAX_WAIT_SEC: Final = 0.02
QUIET_AFTER_SEC: Final = 0.2  # a row that has sent nothing for longer is not waited for


class Turn(NamedTuple):
    """A step to run now: one frame of each of these seats, all of one engine."""

    engine: str
    seats: list[Seat]


def next_turn(seats: Iterable[Seat], expected_sec: Callable[[str], float], now: float) -> Turn | float:
    """Returns the step to run now, or the time to look again if no frame arrives before (infinity: no need to).

    `expected_sec` returns how many seconds an engine's next step is expected to take. Of several engines that are
    ready, the one whose frame has waited longest goes first."""
    waiting: dict[str, list[Seat]] = {}
    absent: list[Seat] = []
    for seat in seats:
        if seat.inbox:
            waiting.setdefault(seat.engine, []).append(seat)
        elif now - seat.last_arrival < QUIET_AFTER_SEC:
            absent.append(seat)
    if not waiting:
        return math.inf
    incomplete = {seat.engine for seat in absent}
    owed_at = {engine: min(seat.owed_at for seat in rows) for engine, rows in waiting.items()}
    due = {engine: owed + (MAX_WAIT_SEC if engine in incomplete else 0) for engine, owed in owed_at.items()}
    ready = [engine for engine in waiting if due[engine] <= now]
    if ready:
        engine = min(ready, key=owed_at.__getitem__)
        return Turn(engine, waiting[engine])
    absent_due = min((seat.last_arrival + FRAME_SEC for seat in absent), default=math.inf)
    for engine, rows in waiting.items():
        if owed_at[engine] <= now:
            continue  # a row that is not behind waits there too, and all rows of an engine are stepped together
        others_due = min((due[other] for other in waiting if other != engine), default=math.inf)
        if now + expected_sec(engine) <= min(absent_due, others_due):
            return Turn(engine, rows)
    return min(*due.values(), *(seat.last_arrival + QUIET_AFTER_SEC for seat in absent), math.inf)
