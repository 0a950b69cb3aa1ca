"""What is filed of a take.

python -m tests.e2e.inspect_take '{"take": "<uuid>"}'   ->  {"state": ..., "tracks": {kind: {...}}}
python -m tests.e2e.inspect_take '{"tokens": ["..."]}'    ->  [[{...}, ...]], the takes of each session
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import django

django.setup()

from studies.models import Take  # noqa: E402
from studies.talk.requests import slot_request  # noqa: E402


def inspect(take: str) -> dict[str, Any]:
    found = Take.objects.get(pk=take)
    return {
        "id": str(found.pk),
        "state": found.state,
        "outcome": found.outcome,
        "end_reason": found.end_reason,
        "number": found.number,
        "seed": slot_request(found).seed,
        "test_only": bool(found.engine_snapshot and found.engine_snapshot.info.get("test_only")),
        "counts": found.counts,
        "utterances": list(found.utterances.values("role", "turn", "text", "noticed")),
        "events": found.events.path if found.events else "",
        "tracks": {
            track.kind: {
                "path": track.file.path,
                "sha256": track.sha256,
                "duration_samples": track.duration_samples,
                "lost_samples": track.lost_samples,
                "gaps": track.gaps,
                "backfilled": track.backfilled,
            }
            for track in found.tracks.all()
        },
    }


def takes_of(tokens: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Of each of these sessions, oldest first."""
    takes = Take.objects.order_by("created_at")
    return [[inspect(str(take.pk)) for take in takes.filter(trial__session__token=token)] for token in tokens]


def main(take: str = "", tokens: Sequence[str] = ()) -> Any:
    return takes_of(tokens) if tokens else inspect(take)


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
