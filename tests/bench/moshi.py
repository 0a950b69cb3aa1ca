"""The stock Moshi server and an inference worker, side by side in one run: python -m tests.bench.moshi

Both serve the same tiny checkpoint on one thread of a CPU, in float32, over `/api/chat`; so many clients at once say
the same Opus bytes as fast as they are answered. The stock server talks with one at a time: the others wait for it.
`--record` writes the table into docs/benchmarks.md and the picture to docs/img/bench-moshi.png.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop

from inference.contract.audio import FRAME_MS
from tests.bench.moshi_clients import talk_all
from tests.bench.moshi_picture import draw
from tests.bench.moshi_servers import Ours, Server, StepTimes, Stock, cpu_sec
from tests.moshi_checkpoint import tiny_checkpoint
from tests.stock_server import ROOT

SESSIONS: Final = (1, 2, 4, 8, 16)
WARM_UP_FRAMES: Final = 10
DOCS: Final = ROOT / "docs" / "benchmarks.md"
PICTURE: Final = ROOT / "docs" / "img" / "bench-moshi.png"
GOALS: Final = {8: 5.0, 16: 9.0}  # times the stock server's frames per second
MOST_STEP: Final = 1.05  # times the stock server's step, at one session
SECTION: Final = """## Moshi: `make bench-moshi`

The stock `python -m moshi.server` and an inference worker with a slot for each session, in one run: the same tiny
checkpoint (random weights, real architecture), float32, one thread of torch each, the same Opus bytes in, Opus out;
every client as fast as it is answered; the best of three runs. The stock server serves one session at a time, the
others wait for its lock. "Step" is all that it does for a frame, or the worker's engine for one frame of each session;
"CPU a session" is the server's, children included, for one session in real time, as a share of a core. On a GPU with
the 7B checkpoint other things limit: [operators/capacity.md](operators/capacity.md).
"""
FIGURE: Final = "![Frames a second and step times by number of sessions](img/bench-moshi.png)"


@dataclass(frozen=True, slots=True)
class Measured:
    """One server with so many sessions. `cpu_share`: of a core, for one session in real time."""

    server: str
    sessions: int
    frames_per_sec: float
    step: StepTimes
    first_sound_median_sec: float
    first_sound_longest_sec: float
    cpu_share: float


async def measure(name: str, server: Server, sessions: int, frames: int) -> Measured:
    await talk_all(server.url, 1, WARM_UP_FRAMES, server.silent, server.missing)
    server.begin()
    cpu_before = cpu_sec(server.pid)
    talked = await talk_all(server.url, sessions, frames, server.silent, server.missing)
    used_sec = cpu_sec(server.pid) - cpu_before
    first = [each.first_sound_sec for each in talked]
    return Measured(
        server=name,
        sessions=sessions,
        frames_per_sec=sessions * frames / max(each.ended_sec for each in talked),
        step=server.step_times(),
        first_sound_median_sec=statistics.median(first),
        first_sound_longest_sec=max(first),
        cpu_share=used_sec / (sessions * frames * FRAME_MS / 1_000),
    )


def run(counts: Sequence[int], frames: int, repeats: int) -> list[Measured]:
    """The best of so many runs of each; both servers in turn, so that a busy machine is busy for both."""
    measured = []
    checkpoint = tiny_checkpoint()
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder)
        with Stock(checkpoint / "config.json", logs / "stock.log") as stock:
            for sessions in counts:
                runs: dict[str, list[Measured]] = {"stock": [], "worker": []}
                for _ in range(repeats):
                    runs["stock"].append(uvloop.run(measure("stock", stock, sessions, frames)))
                    with Ours(checkpoint, logs / "worker.log", sessions) as ours:
                        runs["worker"].append(uvloop.run(measure("worker", ours, sessions, frames)))
                measured += [max(each, key=lambda row: row.frames_per_sec) for each in runs.values()]
                print(f"{sessions} sessions done", flush=True)
    return measured


def table(measured: Sequence[Measured]) -> str:
    """As Markdown."""
    stock = {row.sessions: row for row in measured if row.server == "stock"}
    lines = [
        "| sessions | server | frames a second, all sessions | of the stock server's | step p50 ms | p95 | p99 "
        "| first sound, median (longest) s | CPU a session |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in measured:
        times = row.frames_per_sec / stock[row.sessions].frames_per_sec
        lines.append(
            f"| {row.sessions} | {row.server} | {row.frames_per_sec:.1f} | {times:.2f}× "
            f"| {row.step.p50:.1f} | {row.step.p95:.1f} | {row.step.p99:.1f} "
            f"| {row.first_sound_median_sec:.2f} ({row.first_sound_longest_sec:.2f}) | {100 * row.cpu_share:.1f} % |"
        )
    return "\n".join(lines)


def goals(measured: Sequence[Measured]) -> str:
    """What was hoped for, and what came."""
    by = {(row.server, row.sessions): row for row in measured}
    lines = []
    if ("worker", 1) in by:
        ratio = by["worker", 1].step.p50 / by["stock", 1].step.p50
        lines.append(f"One session: {ratio:.2f}× the stock server's step (goal: at most {MOST_STEP}×).")
    for sessions, least in GOALS.items():
        if ("worker", sessions) in by:
            ratio = by["worker", sessions].frames_per_sec / by["stock", sessions].frames_per_sec
            lines.append(f"{sessions} sessions: {ratio:.1f}× its frames (goal: at least {least:.0f}×).")
    return " ".join(lines)


def record(measured: Sequence[Measured]) -> None:
    """Into the documentation."""
    section = f"{SECTION}\n{table(measured)}\n\n{goals(measured)}\n\n{FIGURE}\n"
    text = DOCS.read_text()
    without = re.sub(r"\n## Moshi: `make bench-moshi`\n.*?(?=\n## |\Z)", "", text, flags=re.DOTALL)
    DOCS.write_text(f"{without.rstrip()}\n\n{section}")
    draw(measured, PICTURE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--sessions", type=int, nargs="+", default=SESSIONS)
    parser.add_argument("--frames", type=int, default=100, help="that each session says")
    parser.add_argument("--repeats", type=int, default=3, help="of which the best one counts")
    parser.add_argument("--picture", type=Path, help="write it here")
    parser.add_argument("--record", action="store_true", help="write table and picture into docs/")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before the start", flush=True)
    measured = run(given.sessions, given.frames, given.repeats)
    print(f"\n{table(measured)}\n\n{goals(measured)}")
    if given.picture:
        draw(measured, given.picture)
    if given.record:
        record(measured)


if __name__ == "__main__":
    main()
