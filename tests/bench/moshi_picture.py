"""The picture of the Moshi benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot

from inference.contract.audio import FRAME_MS

if TYPE_CHECKING:
    from tests.bench.moshi import Measured

COLOURS: Final = {"stock": "#b4552d", "worker": "#2d6ab4"}
LABELS: Final = {"stock": "stock moshi.server", "worker": "inference worker"}


def draw(measured: Sequence[Measured], file: Path) -> None:
    """Frames a second on the left, step times on the right, both by number of sessions."""
    figure, (throughput, steps) = pyplot.subplots(1, 2, figsize=(10, 4), constrained_layout=True)
    counts = sorted({row.sessions for row in measured})
    for server, colour in COLOURS.items():
        rows = sorted((row for row in measured if row.server == server), key=lambda row: row.sessions)
        at = [row.sessions for row in rows]
        throughput.plot(at, [row.frames_per_sec for row in rows], "o-", color=colour, label=LABELS[server])
        steps.plot(at, [row.step.p50 for row in rows], "o-", color=colour, label=f"{LABELS[server]}, p50")
        steps.plot(at, [row.step.p99 for row in rows], "o:", color=colour, label=f"{LABELS[server]}, p99")
    real_time = [1_000 / FRAME_MS * count for count in counts]
    throughput.plot(counts, real_time, "--", color="grey", label="real time for all")
    steps.axhline(FRAME_MS, linestyle="--", color="grey", label="a frame of sound")
    throughput.set_ylabel("frames a second, all sessions")
    steps.set_ylabel("step, ms")
    for axes in (throughput, steps):
        axes.set_xscale("log", base=2)
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.set_xlabel("sessions at once")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(file, dpi=120)
    pyplot.close(figure)
