"""A consented session with so many trials, made in a running stack's database.

python -m tests.e2e.seed '{"trials": 3, "engine": "echo"}'   ->  {"token": ...}
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.utils import timezone  # noqa: E402

from studies.models import Condition, ConsentEvent, Participant, Prompt, ProtocolVersion, Session, Study, Trial  # noqa: E402


def consented_session(
    *, trials: int, engine: str, limit_sec: int = 120, sessions: int = 1, conditioning: Mapping[str, Any] = {}
) -> list[str]:
    """Tokens of new sessions in a study of its own, each past consent and device check. `conditioning` are fields of
    its one condition.

    Its document is that of the demo of pairs with `engine` in it, which publishing would refuse for the echo."""
    demo = ProtocolVersion.objects.get(study__slug="paired-prompts", number=1)
    study, _ = Study.objects.get_or_create(
        slug=f"seeded-{engine}",
        defaults={
            "title": "Seeded",
            "state": "open",
            "ethics_reference": "Tests",
            "retention_until": timezone.localdate() + timedelta(days=30),
        },
    )
    version = study.versions.first()
    if version is None:
        document = demo.document
        for condition in document["conditions"]:
            condition["engine"] = engine
        version = ProtocolVersion.objects.create(
            study=study, number=1, document=document, sha256="0" * 64, published_at=timezone.now()
        )
        prompt, condition = document["prompts"][0]["key"], document["conditions"][0]["key"]
        Prompt.objects.create(version=version, key=prompt, title="Free talk", card="Say anything.", limit_sec=limit_sec)
        Condition.objects.create(
            version=version,
            key=condition,
            label="Own",
            engine=engine,
            voices=[{"converter": "none", "parameters": {}}],
            **conditioning,
        )
    prompt, condition = version.prompts.get(), version.conditions.get()
    tokens = []
    for _ in range(sessions):
        participant = Participant.objects.create(study=study, code=f"P{study.participants.count() + 1:04d}")
        session = Session.objects.create(
            participant=participant, version=version, seed=participant.pk, checked_at=timezone.now()
        )
        for purpose in ("participate", "record", "convert"):
            ConsentEvent.objects.create(session=session, purpose=purpose, granted=True, document_sha256="0" * 64)
        for position in range(trials):
            Trial.objects.create(session=session, position=position, prompt=prompt, condition=condition)
        tokens.append(session.token)
    return tokens


if __name__ == "__main__":
    print(json.dumps(consented_session(**json.loads(sys.argv[1]))))
