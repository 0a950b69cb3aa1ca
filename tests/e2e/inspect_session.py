"""What a session left, or the address of a study's CSV.

python -m tests.e2e.inspect_session '{"token": "..."}'   ->  [{"position": 0, "tracks": ...}, ...]
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django

django.setup()

from django.urls import reverse  # noqa: E402

from studies.models import Session, Trial  # noqa: E402
from tests.e2e.inspect_take import inspect  # noqa: E402


def trial_row(trial: Trial) -> dict[str, Any]:
    take = trial.take
    assert take is not None
    return {
        **inspect(str(take.pk)),
        "position": trial.position,
        "pair": trial.pair,
        "side": trial.side,
        "prompt": trial.prompt.key,
        "condition": trial.condition.key,
        "converter": trial.condition.voices[0]["converter"],
        "delay_samples": take.tracks.get(kind="heard").delay_samples,
        "take": str(take.pk),
        "utterances": list(take.utterances.values("role", "text", "raw_text", "discarded", "start_ms", "end_ms")),
        "answers": {answer.item: answer.value for answer in trial.answers.order_by("revision")},
    }


def main(token: str = "", csv_of: str = "") -> Any:
    if csv_of:
        return reverse("trials_csv", args=[csv_of])
    return [trial_row(trial) for trial in Session.objects.get(token=token).trials.all()]


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
