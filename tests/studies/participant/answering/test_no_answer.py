"""A talk in which the machine gave no answer need not be judged."""

from __future__ import annotations

import json
import uuid

import pytest

from studies.models import Answer
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import paired

pytestmark = pytest.mark.django_db

PLACE = "questions/rating/0/"
BOX = '<input type="checkbox" data-no-answer="">'


@pytest.fixture
def anna() -> Visitor:
    """After a talk."""
    open_new_study(paired())
    anna = Visitor().to_talk()
    anna.talk()
    assert anna.place == PLACE
    return anna


def say(anna: Visitor, value: object, questionnaire: str = "rating", **place: object) -> int:
    answers = [{"item": "no_answer", "value": value, "client_id": str(uuid.uuid4())}]
    body = {
        "answers": answers,
        "epoch": anna.session.epoch,
        "questionnaire": questionnaire,
        **(place or {"position": 0}),
    }
    sent = anna.client.post(f"/p/{anna.token}/answers/", json.dumps(body), content_type="application/json")
    return int(sent.status_code)


def test_questions_after_a_talk_without_an_answer_may_stay_open(anna: Visitor) -> None:
    assert BOX in anna.page
    anna.answer(PLACE, helpful=None)
    assert list(anna.refusal["errors"]) == ["helpful"]
    assert say(anna, True) == 200
    anna.answer(PLACE, helpful=None)
    assert anna.place == "talk/1/"
    said = Answer.objects.filter(item="no_answer").values_list("trial__position", "value")
    assert list(said) == [(0, True)]


def test_what_was_said_before_is_ticked_when_the_page_is_opened_again(anna: Visitor) -> None:
    say(anna, True)
    page = anna.get(PLACE).page
    assert BOX.replace(">", " checked>") in page
    assert "you can leave these questions open" in page


def test_pages_that_are_about_no_answer_do_not_ask_for_one() -> None:
    background = {"key": "age", "at": "background", "items": [{"type": "switch", "key": "old", "text": "Old?"}]}
    before = {"key": "ready", "at": "before_trial", "items": [{"type": "switch", "key": "set", "text": "Ready?"}]}
    document = paired()
    open_new_study({**document, "questionnaires": [background, before, *document["questionnaires"]]})
    anna = Visitor().begin().agree()
    assert (anna.place, "data-no-answer" in anna.page) == ("questions/age/", False)
    assert say(anna, True, "age", position=None) == 422
    anna.answer("questions/age/", old=True).check()
    assert (anna.place, "data-no-answer" in anna.page) == ("questions/ready/0/", False)
    assert say(anna, True, "ready") == 422
