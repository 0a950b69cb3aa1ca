"""What the database holds of a visit.

python -m tests.e2e.inspect_visit '{"token": "..."}'   ->  {"state": "finished", "answers": [...], ...}
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django

django.setup()

from studies.models import Session, Take  # noqa: E402
from studies.participant.answering.answers import LISTENED, NO_ANSWER, known  # noqa: E402


def main(token: str) -> dict[str, Any]:
    """`answers` are those that count: item, position of its trial, number of its pair, value."""
    session = Session.objects.get(token=token)
    trials = list(session.trials.order_by("position"))
    scopes: list[tuple[Any, int | None]] = [(None, None), *((trial, None) for trial in trials)]
    scopes += [(None, pair) for pair in sorted({trial.pair for trial in trials if trial.pair is not None})]
    return {
        "state": session.state,
        "mode": session.mode,
        "language": session.language,
        "code": session.completion_code,
        "device": session.device,
        "consents": {event.purpose: event.granted for event in session.consents.order_by("id")},
        "answers": [
            [item, trial.position if trial else None, pair, value]
            for trial, pair in scopes
            for item, value in _own(session, trial, pair).items()
        ],
        "asked_from": [
            str(take.asked_from_id) if take.asked_from_id else None
            for take in Take.objects.filter(trial__session=session).order_by("created_at")
        ],
        "outcomes": list(Take.objects.filter(trial__session=session).values_list("outcome", flat=True)),
        "pages": list(session.pages.exclude(done_at=None).values_list("page", flat=True)),
    }


def _own(session: Session, trial: Any, pair: int | None) -> dict[str, Any]:
    """What was asked of the trial or the pair alone; of the session without either. Not how long was listened."""
    everything = known(session, trial, pair)
    if trial is None and pair is None:
        return everything
    wider = known(session, None, trial.pair) if trial is not None else known(session)
    return {
        item: value for item, value in everything.items() if item not in wider and item not in {LISTENED, NO_ANSWER}
    }


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
