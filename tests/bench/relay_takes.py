"""Takes that are ready to talk, each with its ticket, in the database that the environment names.

python -m tests.bench.relay_takes '{"sessions": 50}'   ->   [["/ws/talk/<take>/", ticket], ...]
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from studies.models import Trial  # noqa: E402
from studies.talk.takes import issue_ticket, start_take  # noqa: E402
from tests.e2e.seed import consented_session  # noqa: E402


def ready_takes(*, sessions: int) -> list[tuple[str, str]]:
    """Socket path and ticket of one take in each of so many new sessions."""
    ready = []
    for token in consented_session(trials=1, engine="echo", sessions=sessions, limit_sec=600):
        take = start_take(Trial.objects.select_related("session", "condition", "prompt").get(session__token=token))
        ready.append((f"/ws/talk/{take.pk}/", issue_ticket(take)))
    return ready


if __name__ == "__main__":
    print(json.dumps(ready_takes(**json.loads(sys.argv[1]))))
