"""The picture of the voice benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot

if TYPE_CHECKING:
    from tests.bench.voices_rows import Row


def _gain(change: tuple[float | None, float | None], scale: float = 1) -> float | None:
    before, after = change
    return None if before is None or after is None else scale * (after - before)


def draw(rows: Sequence[Row], file: Path) -> None:
    """One line a voice: F0 error, quality, word errors, similarity to the talker."""
    panels: list[tuple[str, list[float | None], tuple[float, ...]]] = [
        ("median F0 off the request, cents", [row.f0_cents for row in rows], (-5, 5)),
        ("DNSMOS, after less before", [_gain(row.quality) for row in rows], (-0.15,)),
        ("word errors, after less before, %", [_gain(row.word_error_rate, 100) for row in rows], (1,)),
        ("similarity to the talker", [row.own_similarity for row in rows], ()),
    ]
    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(13, 1 + 0.28 * len(rows)), sharey=True, constrained_layout=True
    )
    places = range(len(rows))
    for panel, (title, values, limits) in zip(axes, panels, strict=True):
        known = [(place, value) for place, value in zip(places, values, strict=True) if value is not None]
        panel.hlines([place for place, _ in known], 0, [value for _, value in known], color="#b8c7dc")
        panel.plot([value for _, value in known], [place for place, _ in known], "o", color="#2d6ab4")
        for limit in limits:
            panel.axvline(limit, linestyle="--", color="grey")
        panel.set_title(title, fontsize=10)
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    axes[0].set_yticks(list(places), [row.name for row in rows])
    axes[0].invert_yaxis()
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
