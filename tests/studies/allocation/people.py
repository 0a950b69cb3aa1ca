"""People who come to a study and say who they are, without pages."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from studies.allocation.places import allocate
from studies.models import AllocationSlot, Answer, Participant, ProtocolVersion, Session
from studies.publish import protocol_of
from tests.studies.participant.visitor import open_new_study
from tests.studies.protocol.documents import paired_with


def version_of(pairs: int = 1, *, slug: str = "voices", **changes: Any) -> ProtocolVersion:
    """A study of so many pairs that asks for gender and age first, open; two arms, or more by the Williams square."""
    background = {
        "key": "background",
        "at": "background",
        "items": [
            _choice("gender", "woman", "man"),
            _choice("age", "young", "old"),
        ],
    }
    document = paired_with(pairs)
    document["questionnaires"] = [background, *document["questionnaires"]]
    version = open_new_study(document | changes, slug=slug).current_version
    assert version is not None
    return version


def two_groups(**changes: Any) -> dict[str, Any]:
    """What gives women another condition than men; for `version_of`."""
    conditions = [
        {"key": key, "label": key, "engine": "cascade", "voices": [{"preset": preset}]}
        for key, preset in (("own", "natural"), ("higher", "higher"), ("lower", "lower"))
    ]
    groups = [
        {"key": "raised", "for_answers": ["man"]},
        {"key": "lowered", "for_answers": ["woman"], "replace": {"higher": "lower"}},
    ]
    return {"conditions": conditions, "allocation": {"by": "gender", "groups": groups, **changes}}


def arrive(version: ProtocolVersion, *, mode: str = Session.Mode.LIVE, **answers: Any) -> Session:
    """Somebody who has answered, and has no place yet."""
    number = Participant.objects.count()
    participant = Participant.objects.create(study=version.study, code=f"P-{number}")
    session = Session.objects.create(participant=participant, version=version, mode=mode, seed=1_000 + number)
    for item, value in answers.items():
        Answer.objects.create(session=session, questionnaire="background", item=item, value=value)
    return session


def place(session: Session, **answers: Any) -> AllocationSlot:
    """What enrolment does once it knows the answers."""
    slot = allocate(session, protocol_of(session.version), answers)
    session.planned_at = timezone.now()
    session.save(update_fields=["planned_at"])
    return slot


def join(version: ProtocolVersion, *, mode: str = Session.Mode.LIVE, **answers: Any) -> Session:
    """Somebody with these answers who has got a place."""
    session = arrive(version, mode=mode, **answers)
    place(session, **answers)
    return session


def finish(session: Session) -> None:
    session.state = Session.State.FINISHED
    session.save(update_fields=["state"])


def _choice(key: str, *options: str) -> dict[str, Any]:
    listed = [{"key": option, "label": option} for option in options]
    return {"type": "single_choice", "key": key, "text": f"{key}?", "options": listed, "other": "Other"}
