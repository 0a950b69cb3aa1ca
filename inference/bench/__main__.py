"""The command: `python -m inference.bench --engine moshi --slots 1 4 8 16`; also `manage.py bench_engine moshi`."""

from __future__ import annotations

import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from inference.bench.measure import Measurement, measure
from inference.contract.audio import FRAME_MS
from inference.contract.catalog import ENGINES
from inference.contract.errors import InferenceError
from inference.engines.base import SlotConfig

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 when something was measured, 1 when nothing could be, 2 for a wrong command."""
    options = _parser().parse_args(arguments)
    if options.one:
        return _measure_one(options)
    measured: list[Measurement] = []
    refused: list[tuple[int, str]] = []
    for slots in sorted(set(options.slots)):
        print(f"{options.engine}, {slots} slots ...", file=sys.stderr, flush=True)
        result = _in_a_process_of_its_own(options, slots)
        if isinstance(result, str):
            print(result, file=sys.stderr)
            refused.append((slots, result))
            if [reason for _, reason in refused[-2:]] == [result] * 2:  # it is not the number of slots
                break
        else:
            measured.append(result)
    if options.json:
        options.json.write_text(to_json(measured, refused))
    table = to_markdown(measured, refused)
    if options.markdown:
        options.markdown.write_text(table)
    if measured:
        print(table, end="")
    return 0 if measured else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m inference.bench", description="Measure an engine on this machine.")
    parser.add_argument("--engine", required=True, choices=tuple(ENGINES), help="a name of the catalogue")
    parser.add_argument("--slots", nargs="+", type=_positive, default=[1, 2, 4, 8, 16], help="how many to try")
    parser.add_argument("--seconds", type=float, default=20.0, help="of conversation for each number of slots")
    parser.add_argument("--text-prompt", default="", help="persona, where the engine takes one")
    parser.add_argument("--voice-prompt", default="", help="its voice, where the engine takes one")
    parser.add_argument("--bandwidth-gb-per-sec", type=float, help="of the device's memory, for the model's column")
    parser.add_argument("--json", type=Path, help="also write everything here")
    parser.add_argument("--markdown", type=Path, help="also write the table here")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)  # where the measuring process leaves its result
    return parser


def _in_a_process_of_its_own(options: argparse.Namespace, slots: int) -> Measurement | str:
    """The measurement, or why there is none. Memory is clean at the start, and a crash takes one row with it."""
    with tempfile.TemporaryDirectory() as folder:
        left = Path(folder) / "measurement"
        command = [sys.executable, "-m", "inference.bench", "--one", str(left)]
        command += ["--engine", options.engine, "--slots", str(slots), "--seconds", str(options.seconds)]
        command += [f"--text-prompt={options.text_prompt}", f"--voice-prompt={options.voice_prompt}"]
        if options.bandwidth_gb_per_sec:
            command += ["--bandwidth-gb-per-sec", str(options.bandwidth_gb_per_sec)]
        code = subprocess.run(command, check=False, stdout=sys.stderr).returncode  # noqa: S603 - our own program
        if not left.exists():
            return f"the process ended with code {code}" + (" (killed, perhaps for memory)" if code == -9 else "")
        result: Measurement | str = pickle.loads(left.read_bytes())  # noqa: S301 - written by the process above
        return result


def _measure_one(options: argparse.Namespace) -> int:
    config = SlotConfig(text_prompt=options.text_prompt, voice_prompt=options.voice_prompt)
    bandwidth = options.bandwidth_gb_per_sec * 1e9 if options.bandwidth_gb_per_sec else None
    result: Measurement | str
    try:
        result = measure(
            options.engine, options.slots[0], os.environ, seconds=options.seconds, config=config, bandwidth=bandwidth
        )
    except InferenceError as error:
        result = str(error)
    except Exception as error:  # whatever an engine dies of is a result, and the next number of slots is tried
        traceback.print_exc()
        result = f"{type(error).__name__}: {error}".partition("\n")[0]
    options.one.write_bytes(pickle.dumps(result))
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text}")
    return number


if __name__ == "__main__":
    sys.exit(main())
