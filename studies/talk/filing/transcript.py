"""Turns a take's events into utterances, one for each side of each turn. The code is pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from unicodedata import normalize

from inference.contract.audio import samples_to_ms
from studies.talk.filing.timeline import SlotClock

ENVELOPE: Final = frozenset({"event", "type", "at_ms", "turn"})


@dataclass(slots=True)
class Spoken:
    """The content of an Utterance, with times on the microphone clock. `by_rule` are words that a rule of the engine
    gave, and not its model."""

    role: str
    turn: int
    text: str = ""
    raw_text: str = ""
    start_ms: float | None = None
    end_ms: float | None = None
    discarded: bool = False
    by_rule: str = ""
    noticed: dict[str, Any] | None = None


def utterances(events: Iterable[Mapping[str, Any]], clock: SlotClock, latency_samples: int) -> list[Spoken]:
    """Returns the utterances in the order of turns, the participant's first.

    A transcript takes precedence over the words it was made from, and a turn's last transcript over its earlier ones.
    A turn that was discarded before it was spoken becomes an empty, discarded utterance. `latency_samples` is the
    delay between the microphone and what the engine hears; the engine's times for the participant include it.
    A turn in which a laugh or a sigh was noticed, but no words, becomes an utterance without text."""
    spoken: dict[tuple[str, int], Spoken] = {}
    complete: set[tuple[str, int]] = set()
    discarded: set[int] = set()
    for event in events:
        name, turn = event.get("event"), event.get("turn")
        if not isinstance(turn, int):
            continue
        if name == "words":
            key = ("agent", turn)
            row = spoken.setdefault(key, Spoken("agent", turn))
            if key not in complete:
                said = str(event.get("text", ""))
                row.text = f"{row.text} {said}".strip()
                row.raw_text += str(event.get("raw_text", f" {said}" if row.raw_text else said))
            _widen(row, event, clock, 0.0)
        elif name == "transcript" and event.get("role") in {"participant", "agent"}:
            key = (str(event["role"]), turn)
            row = spoken.setdefault(key, Spoken(*key))
            complete.add(key)
            row.text, row.raw_text = str(event.get("text", "")), str(event.get("raw_text", ""))
            row.by_rule = str(event.get("by_rule", ""))
            _widen(row, event, clock, samples_to_ms(latency_samples) if row.role == "participant" else 0.0)
        elif name == "noticed":
            row = spoken.setdefault(("participant", turn), Spoken("participant", turn))
            row.noticed = {field: value for field, value in event.items() if field not in ENVELOPE}
        elif name == "turn" and event.get("state") == "discarded":
            discarded.add(turn)
    for row in spoken.values():  # Engines differ in how they write å; a word must not depend on that.
        row.text, row.raw_text = normalize("NFC", row.text), normalize("NFC", row.raw_text)
    for turn in discarded:
        spoken.setdefault(("agent", turn), Spoken("agent", turn, discarded=True))
    return sorted(spoken.values(), key=lambda row: (row.turn, row.role == "agent"))


def _widen(row: Spoken, event: Mapping[str, Any], clock: SlotClock, latency_ms: float) -> None:
    start, end = event.get("start_ms"), event.get("end_ms")
    if isinstance(start, int | float):
        start_ms = max(0.0, clock.mic_ms(start - latency_ms))
        row.start_ms = start_ms if row.start_ms is None else min(row.start_ms, start_ms)
    if isinstance(end, int | float):
        end_ms = max(0.0, clock.mic_ms(end - latency_ms))
        row.end_ms = end_ms if row.end_ms is None else max(row.end_ms, end_ms)
