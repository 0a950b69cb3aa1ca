"""The rows of the voice benchmark, and how they are printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Change = tuple[float | None, float | None]  # before and after; None: could not be measured


@dataclass(frozen=True, slots=True)
class Row:
    """One voice, over all of its talkers. `latency_error_ms`: measured less reported,
    `drift_ms`: what it grew by between the first and the second half."""

    name: str
    latency_ms: float
    latency_error_ms: float
    drift_ms: float
    real_time_factor: float
    borders: float
    f0_cents: float
    gross: float
    voicing: float
    formants: list[float]
    envelope: float
    word_error_rate: Change
    quality: Change
    own_similarity: float | None


HEADINGS: Final = (
    "voice", "latency ms", "error ms", "drift ms", "RTF", "streams a core", "borders", "F0 cents", "gross %",
    "voiced/unvoiced %", "F1/F2/F3", "envelope", "WER", "DNSMOS", "similarity",
)  # fmt: skip


def line_of(row: Row) -> str:
    streams = "–" if row.real_time_factor == 0 else f"{1 / row.real_time_factor:.0f}"
    cells = (
        row.name,
        f"{row.latency_ms:.0f}",
        f"{row.latency_error_ms:+.1f}",
        f"{row.drift_ms:+.1f}",
        f"{row.real_time_factor:.4f}",
        streams,
        f"{row.borders:.2f}",
        f"{row.f0_cents:+.1f}",
        f"{100 * row.gross:.1f}",
        f"{100 * row.voicing:.1f}",
        "/".join(f"{ratio:.2f}" for ratio in row.formants),
        f"{row.envelope:.3f}",
        _change(row.word_error_rate, "{:.1%}"),
        _change(row.quality, "{:.2f}"),
        "" if row.own_similarity is None else f"{row.own_similarity:.2f}",
    )
    return f"| {' | '.join(cells)} |"


def _change(values: Change, form: str) -> str:
    return " → ".join(form.format(value) for value in values if value is not None)
