"""Decides when to step which rows. The code is pure: it is given the time.

A frame has 80 ms until the next one of its row comes. A step runs when every row that talks has a frame, or the frame
that waits longest has waited MAX_WAIT_SEC; a row without a frame is left out and stays as it is. A row that is behind
has one of its frames in every such step. It catches up in steps of its own only when these are expected to be over
before anybody else's next frame is due.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from inference.contract.audio import FRAME_SEC
from inference.worker.seats import Seat

MAX_WAIT_SEC: Final = 0.02
QUIET_AFTER_SEC: Final = 0.2  # a row silent for longer is not waited for


class Turn(NamedTuple):
    """A step to run now: one frame of each of these seats, all of one engine."""

    engine: str
    seats: list[Seat]


def next_turn(seats: Iterable[Seat], expected_sec: Callable[[str], float], now: float) -> Turn | float:
    """The step to run now, or the time at which to look again if nothing comes before (infinity: no need to).

    `expected_sec` says how long a step of an engine is expected to take. Of several engines, the one whose frame
    has waited longest goes first."""
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
            continue  # a row that is not behind waits there, and all rows of an engine are stepped together
        others_due = min((due[other] for other in waiting if other != engine), default=math.inf)
        if now + expected_sec(engine) <= min(absent_due, others_due):
            return Turn(engine, rows)
    return min(*due.values(), *(seat.last_arrival + QUIET_AFTER_SEC for seat in absent), math.inf)
