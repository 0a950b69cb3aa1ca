"""The measured values of several takes, laid out to be compared. An empty value keeps its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from studies.models import Metric, Take, Track

HEADINGS: Final = {Track.Kind.AGENT: "The machine", Track.Kind.HEARD: "You, as the machine heard you"}

# what a visitor sees at first, in this order; everything else that was measured follows below
MAIN: Final[Mapping[str, str]] = {
    "speech_rate": "Speech rate",
    "f0_median_hz": "Pitch",
    "f0_sd_semitones": "Liveliness of pitch",
    "sentiment": "Sentiment of the words, −1 to 1",
    "response_latency_ms": "Waits before answering",
    "word_count": "Words",
}
REST: Final[Mapping[str, str]] = {
    "duration_sec": "Length of the recording",
    "speaking_time_sec": "Speaking time",
    "articulation_rate": "Articulation rate",
    "words_per_min": "Words a minute",
    "level_dbfs": "Level",
    "harmonicity_db": "Harmonics to noise",
    "turns": "Turns",
    "pauses": "Pauses within turns",
    "pause_median_ms": "Typical pause",
    "floor_transfer_offset_ms": "Gap or overlap at turns",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """Where a bar begins and how long it is, in percent of the width; it grows from zero."""

    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Cell:
    """`text` is the value as people read it; without a value it is empty and `reason` says why."""

    text: str
    reason: str = ""
    bar: Bar | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One metric over the takes. `change` is the second minus the first where there are two values."""

    label: str
    unit: str
    method: str
    cells: Sequence[Cell]
    change: str


@dataclass(frozen=True, slots=True)
class Table:
    """The metrics of one track. `speaker` is whose voice it is: agent or participant."""

    heading: str
    speaker: str
    main: Sequence[Row]
    rest: Sequence[Row]


def differences(takes: Sequence[Take]) -> list[Table]:
    """A table for the machine and one for the participant, with a row for every metric that any of the takes has."""
    by_take = [{(metric.track, metric.name): metric for metric in take.metrics.all()} for take in takes]
    tables = []
    for track, heading in HEADINGS.items():
        known = {name for metrics in by_take for kind, name in metrics if kind == track}
        rest = [*(name for name in REST if name in known), *sorted(known - MAIN.keys() - REST.keys())]
        main_rows, rest_rows = (
            [_row([metrics.get((track, name)) for metrics in by_take]) for name in names]
            for names in ([name for name in MAIN if name in known], rest)
        )
        if known:
            speaker = "agent" if track == Track.Kind.AGENT else "participant"
            tables.append(Table(heading, speaker, main_rows, rest_rows))
    return tables


def is_being_measured(take: Take) -> bool:
    """Whether values may still come: the take is being filed, or its recordings have no value yet."""
    if take.state == Take.State.FINAL:
        return take.tracks.exists() and not take.metrics.exists()
    return take.state == Take.State.ENDED


def label(name: str) -> str:
    """A metric's name for people; one that is not known here is spelt out: "voice_onset" -> "Voice onset"."""
    words = name.replace("_", " ")
    return MAIN.get(name) or REST.get(name) or words[:1].upper() + words[1:]


def _row(metrics: Sequence[Metric | None]) -> Row:
    known = next(metric for metric in metrics if metric is not None)
    values = [metric.value if metric is not None else None for metric in metrics]
    cells = [
        Cell(_number(value), "" if value is not None else metric.reason if metric else "not measured yet", bar)
        for metric, value, bar in zip(metrics, values, _bars(values, known.unit), strict=True)
    ]
    change = ""
    if len(values) == 2 and values[0] is not None and values[1] is not None:
        change = _number(values[1] - values[0], signed=True)
    return Row(label(known.name), known.unit, f"{known.method} (version {known.version})", cells, change)


def _bars(values: Sequence[float | None], unit: str) -> list[Bar | None]:
    """Bars on one scale. Decibels have no zero to grow from, so they get none."""
    present = [value for value in values if value is not None]
    largest = max((abs(value) for value in present), default=0.0)
    if largest == 0 or unit.startswith("dB"):
        return [None] * len(values)
    zero, room = (50.0, 50.0) if min(present) < 0 else (0.0, 100.0)
    return [_bar(value, largest, zero, room) for value in values]


def _bar(value: float | None, largest: float, zero: float, room: float) -> Bar | None:
    if value is None:
        return None
    width = room * abs(value) / largest
    return Bar(round(zero - width if value < 0 else zero, 1), round(width, 1))


def _number(value: float | None, *, signed: bool = False) -> str:
    """About three figures; whole numbers stay whole; a proper minus."""
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    return f"{value:{'+' if signed else ''}.{digits}f}".replace("-", "−")
