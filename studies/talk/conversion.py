"""Marks a converted voice as one: what was done to it, in the track's row and in the file itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from studies.models import Trial


def conversion_of(trial: Trial, snapshots: Sequence[Any]) -> list[dict[str, Any]]:
    """A record for each segment of the voice schedule: converter, preset, target voice, parameters, times and
    `as_it_ran`, the converter's own snapshot. Empty when the voice is as it was throughout.

    `snapshots`: what the inference worker reported, in the order of the schedule; shorter when it never went live."""
    if all(segment.get("converter", "none") == "none" for segment in trial.voices):
        return []
    ran = [*snapshots, *[None] * len(trial.voices)]
    return [{**segment, "as_it_ran": snapshot} for segment, snapshot in zip(trial.voices, ran, strict=False)]


def file_comment(conversion: Sequence[Any]) -> str:
    """What the file says of itself, as its Vorbis comment; empty for a voice as it was."""
    if not conversion:
        return ""
    marked = {"converted_voice": True, "segments": list(conversion)}
    return f"Converted voice (Hear Me Out): {json.dumps(marked, ensure_ascii=False, sort_keys=True)}"
