"""Marks a converted voice as one: what was done to it, in the track's row and in the file itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from inference.contract.audio import SAMPLE_RATE_HZ
from studies.models import Trial


def conversion_of(
    trial: Trial, snapshots: Sequence[Any], switches: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """A record for each segment of the voice schedule: converter, preset, target voice, parameters, times and
    `as_it_ran`, the converter's own snapshot; `fell_back` where another voice had to take over, at which sample of the
    microphone clock and why. Empty when the voice is as it was throughout.

    `snapshots`: what the inference worker reported, in the order of the schedule; shorter when it never went live.
    `switches`: the events of that name."""
    if all(segment.get("converter", "none") == "none" for segment in trial.voices):
        return []
    ran = [*snapshots, *[None] * len(trial.voices)]
    records = [{**segment, "as_it_ran": snapshot} for segment, snapshot in zip(trial.voices, ran, strict=False)]
    for switch in switches:
        if switch.get("fallback"):
            place = {"sample": switch["actual_sample"], "to": switch["converter"], "reason": switch.get("reason", "")}
            _at(records, switch["actual_sample"])["fell_back"] = place
    return records


def _at(records: Sequence[dict[str, Any]], sample: int) -> dict[str, Any]:
    """The segment that the sample lies in."""
    begun = [record for record in records if (record.get("start_sec") or 0) * SAMPLE_RATE_HZ <= sample]
    return begun[-1] if begun else records[0]


def file_comment(conversion: Sequence[Any]) -> str:
    """What the file says of itself, as its Vorbis comment; empty for a voice as it was."""
    if not conversion:
        return ""
    marked = {"converted_voice": True, "segments": list(conversion)}
    return f"Converted voice (Hear Me Out): {json.dumps(marked, ensure_ascii=False, sort_keys=True)}"
