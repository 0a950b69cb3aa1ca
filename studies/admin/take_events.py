"""Reads a take's events from the file that was filed with the take."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from studies.models import Take

ROUTINE: Final = frozenset({"playback", "words"})
"""Events that come several times a second and say little one by one. Words are in the transcript, too."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `at_ms` counts from the first journalled record; None if the line does not say."""

    name: str
    at_ms: float | None
    details: str


@dataclass(frozen=True, slots=True)
class EventList:
    """The events to show, and how many routine ones were left out. `problem` says why no events can be read."""

    events: Sequence[Event]
    left_out: int
    problem: str = ""


def read_events(take: Take, *, routine: bool) -> EventList:
    """Reads the events file. A line that is not a JSON object is shown as it is and not dropped."""
    if not take.events:
        return EventList((), 0)
    try:
        with take.events.open("rb") as file:
            lines = file.read().decode(errors="replace").splitlines()
    except OSError as error:
        return EventList((), 0, f"The events file cannot be read: {error.strerror}.")
    events = [_event(line) for line in lines if line.strip()]
    shown = [event for event in events if routine or event.name not in ROUTINE]
    return EventList(shown, len(events) - len(shown))


def _event(line: str) -> Event:
    try:
        fields = json.loads(line)
    except ValueError:
        return Event("unreadable line", None, line)
    if not isinstance(fields, dict):
        return Event("unreadable line", None, line)
    at_ms = fields.pop("at_ms", None)
    name = str(fields.pop("type", "event"))
    return Event(name, float(at_ms) if isinstance(at_ms, int | float) else None, _details(fields))


def _details(fields: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in fields.items()
    )
