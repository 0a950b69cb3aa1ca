"""Programs that look whether a link leads anywhere (mail scanners, link checkers) use nothing up."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import serializers
from django.test import Client

from studies.entrance import mode_link
from studies.models import Answer, ConsentEvent, PageLog, Participant, RecruiterIdentity, Session
from tests.studies.factories import make_take
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import paired

pytestmark = pytest.mark.django_db

MODELS: Any = (Participant, RecruiterIdentity, Session, PageLog, Answer, ConsentEvent)


def everything() -> str:
    return "".join(serializers.serialize("json", model.objects.order_by("pk")) for model in MODELS)


def looked_at(address: str) -> int:
    """The status; nothing has changed, and the program is given nothing to come back with."""
    before = everything()
    response = Client().head(address)
    assert (response.content, set(response.cookies) - {"csrftoken"}, everything()) == (b"", set(), before)
    return int(response.status_code)


def test_looking_at_a_link_enrols_nobody() -> None:
    study = open_new_study(paired(recruiter={"service": "generic"}))
    assert looked_at("/") == 200
    assert looked_at("/s/voices/?id=4711") == 302
    assert looked_at("/s/voices/") == 400
    assert looked_at("/s/none/") == 404
    assert looked_at(mode_link(study, "pilot")) == 200


def test_looking_at_any_page_of_a_visit_leaves_no_trace() -> None:
    open_new_study(paired(questionnaires=[]))
    anna = Visitor().begin()
    places = ("", "next/", "consent/", "consent/copy/", "tab/", "check/", "talk/0/", "talk/1/", "debrief/", "withdraw/")

    def statuses() -> list[int]:
        return [looked_at(f"/p/{anna.token}/{place}") for place in places]

    assert statuses() == [302, 302, 200, 404, 200, 302, 302, 302, 302, 200]
    anna.agree()
    assert statuses() == [302, 302, 302, 200, 200, 200, 302, 302, 302, 200]
    anna.check().talk()
    assert statuses() == [302, 302, 302, 200, 200, 200, 302, 200, 302, 200]


def test_looking_at_the_debrief_ends_no_visit() -> None:
    open_new_study(paired(questionnaires=[]))
    anna = Visitor().to_talk()
    anna.talk()
    trial = anna.session.trials.get(position=1)
    make_take(trial)
    assert looked_at(f"/p/{anna.token}/debrief/") == 200
    assert anna.session.state == Session.State.STARTED
    assert anna.get("debrief/").session.state == Session.State.FINISHED


def test_looking_at_a_preview_moves_nobody() -> None:
    study = open_new_study(paired())
    anna = Visitor().begin(mode_link(study, "preview"))
    assert looked_at(f"/p/{anna.token}/preview/debrief/") == 302
