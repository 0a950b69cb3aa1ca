"""The measured values of several takes, laid out to be compared. An empty value keeps its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studies.models import Metric, Take, Track

TRACKS = {
    Track.Kind.AGENT: "The machine",
    Track.Kind.HEARD: "You, as the machine heard you",
    Track.Kind.PARTICIPANT: "You",
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
    """The metrics of one track."""

    heading: str
    rows: Sequence[Row]


def differences(takes: Sequence[Take]) -> list[Table]:
    """One table a track, with a row for every metric that any of the takes has."""
    by_take = [{(metric.track, metric.name): metric for metric in take.metrics.all()} for take in takes]
    tables = []
    for track, heading in TRACKS.items():
        names = list(dict.fromkeys(name for metrics in by_take for kind, name in metrics if kind == track))
        rows = [_row([metrics.get((track, name)) for metrics in by_take]) for name in names]
        if rows:
            tables.append(Table(heading, rows))
    return tables


def label(name: str) -> str:
    """A metric's name for people: "f0_median" -> "F0 median"."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _row(metrics: Sequence[Metric | None]) -> Row:
    known = next(metric for metric in metrics if metric is not None)
    values = [metric.value if metric is not None else None for metric in metrics]
    bars = _bars(values, known.unit)
    cells = [
        Cell(_number(value), "" if value is not None else metric.reason if metric else "not measured yet", bar)
        for metric, value, bar in zip(metrics, values, bars, strict=True)
    ]
    change = ""
    if len(values) == 2 and values[0] is not None and values[1] is not None:
        change = _number(values[1] - values[0], signed=True)
    return Row(label(known.name), known.unit, f"{known.method} {known.version}", cells, change)


def _bars(values: Sequence[float | None], unit: str) -> list[Bar | None]:
    """Bars on one scale. Decibels have no zero to grow from, so they get none."""
    present = [value for value in values if value is not None]
    largest = max((abs(value) for value in present), default=0.0)
    if largest == 0 or unit.startswith("dB"):
        return [None] * len(values)
    two_sided = min(present) < 0
    zero, room = (50.0, 50.0) if two_sided else (0.0, 100.0)
    return [_bar(value, largest, zero, room) for value in values]


def _bar(value: float | None, largest: float, zero: float, room: float) -> Bar | None:
    if value is None:
        return None
    width = room * abs(value) / largest
    return Bar(round(zero - width if value < 0 else zero, 1), round(width, 1))


def _number(value: float | None, *, signed: bool = False) -> str:
    """Three significant figures or whole numbers, with a proper minus."""
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:{'+' if signed else ''}.{digits}f}".replace("-", "−")
