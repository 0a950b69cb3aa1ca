"""The talk page: its card in the session's language, and what became of an earlier attempt."""

from __future__ import annotations

from typing import Any

import pytest

from studies.models import Session, Trial
from studies.protocol.reading.document import parse_yaml, to_document
from tests.studies.factories import PROTOCOL, make_take
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.unguarded import unguarded

pytestmark = pytest.mark.django_db

SECTIONS = [
    {"kind": "role", "text": "You are a customer."},
    {"kind": "first_line", "text": "Good day, I *would* like"},
    {"kind": "details", "text": "<script>alert(1)</script>It is Monday."},
]


@pytest.fixture
def anna() -> Visitor:
    document: dict[str, Any] = to_document(parse_yaml(PROTOCOL))
    document["prompts"][0]["sections"] = SECTIONS
    for condition in document["conditions"]:
        condition["delivery"] = "Say it with a laugh."
    document["questionnaires"] = []
    open_new_study(document)
    return Visitor().to_talk()


def shown(anna: Visitor) -> str:
    assert anna.get("talk/0/").place == "talk/0/"
    return str(anna.response.content.decode())


def test_card_stands_in_sections_and_is_made_safe(anna: Visitor) -> None:
    page = shown(anna)
    for said in ("Your role", "You are a customer.", "You could begin with", "<em>would</em>", "Good to know"):
        assert said in page
    assert "<script>alert" not in page
    assert "It is Monday." in page


def test_delivery_is_asked_for_and_practice_said(anna: Visitor) -> None:
    assert "Say it with a laugh." in shown(anna)
    assert "Practice: this conversation does not count." not in shown(anna)
    with unguarded():
        Trial.objects.filter(position=0).update(practice=True)
    assert "Practice: this conversation does not count." in shown(anna)


@pytest.mark.parametrize(
    ("take", "said"),
    [
        ({"state": "live", "outcome": ""}, "A conversation in this scenario was already in progress"),
        ({"outcome": "interrupted", "end_reason": "engine_lost"}, "The machine stopped unexpectedly."),
        ({"outcome": "abandoned", "end_reason": "abandoned"}, "The connection was lost for too long."),
        ({"outcome": "abandoned", "end_reason": "another_tab"}, "This session was opened in another window"),
    ],
)
def test_earlier_attempt_that_broke_off_is_told(anna: Visitor, take: dict[str, str], said: str) -> None:
    reason = take.pop("end_reason", "")
    made = make_take(Session.objects.get().trials.get(position=0), tracks=False, **take)  # type: ignore[arg-type]
    made.end_reason = reason
    made.save()
    assert said in shown(anna)
    assert anna.response.context["talk_config"]["interrupted"].startswith(said)


def test_attempt_that_never_began_is_nothing_to_tell(anna: Visitor) -> None:
    take = make_take(Session.objects.get().trials.get(position=0), tracks=False, outcome="abandoned")
    take.started_at = None
    take.save()
    shown(anna)
    assert anna.response.context["talk_config"]["interrupted"] == ""
