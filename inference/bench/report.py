"""Measurements as JSON and as the Markdown table of docs/operators/capacity.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from inference.bench.measure import Measurement
from inference.contract.audio import FRAME_MS

HEADER: Final = (
    "slots",
    "step p50 ms",
    "p95",
    "p99",
    "late",
    "flat out p50 ms",
    "p99",
    "frames/s",
    "memory GB",
    "first audio ms",
    "model: GB without reserve",
    "model: step ms at least",
)


def largest_in_time(measured: Sequence[Measurement]) -> int | None:
    """The most slots whose 99th percentile, at the pace of a conversation, stays under the 80 ms of a frame."""
    return max((one.slots for one in measured if one.paced.p99_ms < FRAME_MS and not one.failed_slots), default=None)


def to_json(measured: Sequence[Measurement], refused: Sequence[tuple[int, str]]) -> str:
    """Everything, with the time of the measurement; `refused` are (slots, why)."""
    return json.dumps(
        {
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "largest_in_time": largest_in_time(measured),
            "measurements": [asdict(one) for one in measured],
            "refused": [{"slots": slots, "reason": reason} for slots, reason in refused],
        },
        indent=1,
        default=str,
    )


def to_markdown(measured: Sequence[Measurement], refused: Sequence[tuple[int, str]]) -> str:
    """A heading, the table and the number of slots to set, ready to be pasted."""
    lines = []
    if measured:
        first = measured[0]
        lines += [f"`{first.engine}` on {first.device}, {first.paced.steps} steps at each pace:", ""]
        lines += [_row(HEADER), "|" + "---|" * len(HEADER), *(_row(_cells(one)) for one in measured), ""]
        most = largest_in_time(measured)
        lines.append(
            f"Largest number of slots whose p99 stays under {FRAME_MS} ms: **{most}**."
            if most
            else f"No number of slots kept its p99 under {FRAME_MS} ms: this device is too slow for this engine."
        )
        lines += [f"{one.slots} slots: {one.failed_slots} failed." for one in measured if one.failed_slots]
    lines += [f"{slots} slots: {reason}" for slots, reason in refused]
    return "\n".join(lines) + "\n"


def _cells(one: Measurement) -> tuple[str, ...]:
    return (
        str(one.slots),
        *(f"{value:.1f}" for value in (one.paced.p50_ms, one.paced.p95_ms, one.paced.p99_ms)),
        str(one.paced.late),
        f"{one.flat_out.p50_ms:.1f}",
        f"{one.flat_out.p99_ms:.1f}",
        f"{one.frames_per_sec:.0f}",
        f"{one.memory_bytes / 1e9:.2f}",
        "–" if one.first_audio_ms is None else f"{one.first_audio_ms:.0f}",
        "–" if one.model_memory_bytes is None else f"{one.model_memory_bytes / 1e9:.2f}",
        "–" if one.model_step_ms is None else f"{one.model_step_ms:.1f}",
    )


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
