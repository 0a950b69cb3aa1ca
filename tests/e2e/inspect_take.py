"""What is filed of a take.

python -m tests.e2e.inspect_take '{"take": "<uuid>"}'   ->  {"state": ..., "tracks": {kind: {...}}}
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django

django.setup()

from studies.models import Take  # noqa: E402


def inspect(take: str) -> dict[str, Any]:
    found = Take.objects.get(pk=take)
    return {
        "state": found.state,
        "outcome": found.outcome,
        "end_reason": found.end_reason,
        "counts": found.counts,
        "events": found.events.path if found.events else "",
        "tracks": {
            track.kind: {
                "path": track.file.path,
                "sha256": track.sha256,
                "duration_samples": track.duration_samples,
                "lost_samples": track.lost_samples,
                "gaps": track.gaps,
            }
            for track in found.tracks.all()
        },
    }


if __name__ == "__main__":
    print(json.dumps(inspect(**json.loads(sys.argv[1]))))
