"""The metrics of several takes in tables for comparison. A missing value shows its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.formats import get_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from studies.models import Metric, Take, Track

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

HEADINGS: Final = {Track.Kind.AGENT: _("The machine"), Track.Kind.HEARD: _("You, as the machine heard you")}

# Metrics that a visitor sees first, in this order. All others follow below.
MAIN: Final[Mapping[str, StrOrPromise]] = {
    "speech_rate": _("Speech rate"),
    "f0_median_hz": _("Pitch"),
    "f0_sd_semitones": _("Pitch variation"),
    "sentiment": _("Sentiment of the words, −1 to 1"),
    "response_latency_ms": _("Wait before answering"),
    "word_count": _("Words"),
}
REST: Final[Mapping[str, StrOrPromise]] = {
    "duration_sec": _("Length of the recording"),
    "speaking_time_sec": _("Speaking time"),
    "articulation_rate": _("Articulation rate"),
    "words_per_min": _("Words per minute"),
    "level_dbfs": _("Level"),
    "harmonicity_db": _("Harmonics-to-noise ratio"),
    "turns": _("Turns"),
    "pauses": _("Pauses within turns"),
    "pause_median_ms": _("Typical pause"),
    "floor_transfer_offset_ms": _("Gap or overlap between turns"),
}
# Reasons for missing values as they are stored, and as participants read them. See also
# studies.insights.measure.METHODS.
REASONS: Final[Mapping[str, StrOrPromise]] = {
    "no speech was found on the track": _("no speech was found in the recording"),
    "less than 0.3 s of voiced speech": _("less than 0.3 s of voiced speech"),
    "less than 0.5 s of speech": _("less than 0.5 s of speech"),
    "no transcript": _("there is no transcript"),
    "the floor never changed to this speaker": _("this speaker never took over from the other"),
    "no turn began after the other had ended": _("no turn began after the other speaker had finished"),
    "there was no pause": _("there was no pause"),
    "there is no agent track": _("there is no recording of the machine"),
    "there is no heard track": _("there is no recording of what the machine heard"),
    "there is no participant track": _("there is no recording of you"),
    "the agent track holds samples that are no numbers": _("the recording of the machine is damaged"),
    "the heard track holds samples that are no numbers": _("the recording of what the machine heard is damaged"),
    "the participant track holds samples that are no numbers": _("the recording of you is damaged"),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """The start and the width of a bar in percent of the cell. Bars extend from zero."""

    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a metric. `text` is the formatted value; if it is empty, `reason` says why."""

    text: str
    reason: str = ""
    bar: Bar | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of all takes. With two values, `change` is the second minus the first; otherwise it is empty."""

    label: str
    unit: str
    method: str
    cells: Sequence[Cell]
    change: str


@dataclass(frozen=True, slots=True)
class Table:
    """The metrics of one track. `speaker` is whose voice it holds: agent or participant."""

    heading: str
    speaker: str
    main: Sequence[Row]
    rest: Sequence[Row]


def differences(takes: Sequence[Take]) -> list[Table]:
    """Returns a table for the agent and one for the participant, with a row for every metric that any take has."""
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
            tables.append(Table(str(heading), speaker, main_rows, rest_rows))
    return tables


def is_being_measured(take: Take) -> bool:
    """Whether metrics may still be added: the take is being filed, or its recordings have not been measured yet."""
    if take.state == Take.State.FINAL:
        return take.tracks.exists() and not take.metrics.exists()
    return take.state == Take.State.ENDED


def label(name: str) -> str:
    """Returns a metric's name for people. An unknown name is spelt out: "voice_onset" becomes "Voice onset"."""
    words = name.replace("_", " ")
    return str(MAIN.get(name) or REST.get(name) or words[:1].upper() + words[1:])


def _row(metrics: Sequence[Metric | None]) -> Row:
    known = next(metric for metric in metrics if metric is not None)
    values = [metric.value if metric is not None else None for metric in metrics]
    cells = [
        Cell(_number(value), "" if value is not None else _reason(metric), bar)
        for metric, value, bar in zip(metrics, values, _bars(values, known.unit), strict=True)
    ]
    change = ""
    if len(values) == 2 and values[0] is not None and values[1] is not None:
        change = _number(values[1] - values[0], signed=True)
    method = gettext("%(method)s (version %(version)s)")
    filled = method % {"method": _said(known.method), "version": known.version}
    return Row(label(known.name), _said(known.unit), filled, cells, change)


def _reason(metric: Metric | None) -> str:
    if metric is None:
        return gettext("not measured yet")
    return str(REASONS.get(metric.reason, metric.reason))


def _said(text: str) -> str:
    """Translates a text that a metric stores in English. An empty one stays empty, because `gettext("")` returns the
    catalogue's header."""
    return gettext(text) if text else ""


def _bars(values: Sequence[float | None], unit: str) -> list[Bar | None]:
    """Returns bars on a common scale. Levels in decibels get none, because their zero is arbitrary."""
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
    """Formats a value with about three significant figures, a true minus sign and the language's decimal separator.

    Whole numbers have no decimals."""
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    text = f"{value:{'+' if signed else ''}.{digits}f}".replace("-", "−")
    return text.replace(".", get_format("DECIMAL_SEPARATOR"))
