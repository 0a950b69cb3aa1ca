"""Recordings of a session that a question plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

HEARD: Final = 0.9
"""The part of a recording that counts as all of it; the same in js/players/listened.js."""
TOLERANCE_SEC: Final = 0.2  # what a browser's clock and its decoder may leave out


@dataclass(frozen=True, slots=True)
class Recording:
    """Which recording a question plays: that of the prompt and the condition it names, or that of the talk it is asked
    about. `end_sec` is None where the excerpt goes on to the end of the recording."""

    track: str
    prompt: str | None
    condition: str | None
    start_sec: float
    end_sec: float | None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of one track. `end_sec` is None where it goes on to the end, and `duration_sec` is None while it is not
    known. `state` is `filing` while the track is being made, `ready`, or `missing` when there is nothing to play."""

    url: str
    status_url: str
    start_sec: float
    end_sec: float | None
    duration_sec: float | None
    state: Literal["filing", "ready", "missing"]


MISSING: Final = Excerpt("", "", 0, None, None, "missing")


def was_heard(listened_sec: float, duration_sec: float) -> bool:
    return listened_sec >= HEARD * duration_sec - TOLERANCE_SEC
