"""A form that is refused leads back to its page, so that nothing is sent twice by going back, and nothing is lost."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from studies.models import Session
from tests.studies.participant.reports import report
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import paired

pytestmark = pytest.mark.django_db
NEEDED = "You can take part only if you agree to this."


@pytest.fixture
def anna() -> Visitor:
    open_new_study(paired())
    return Visitor().begin()


def send(visitor: Visitor, path: str, **fields: Any) -> tuple[int, str]:
    """The status of what a form is answered with, and where it leads."""
    fields.setdefault("epoch", visitor.session.epoch)
    answered = visitor.client.post(f"/p/{visitor.token}/{path}", fields)
    return answered.status_code, answered.headers.get("Location", "").replace(f"/p/{visitor.token}/", "")


def test_refused_consent_leads_back_with_what_was_ticked(anna: Visitor) -> None:
    assert send(anna, "consent/", decision="agree", record="on") == (302, "consent/")
    for _ in range(2):  # also when it is loaded again
        page = anna.get("consent/").page
        assert (anna.response.status_code, page.count(NEEDED)) == (422, 2)
        assert 'name="record" checked' in page
        assert 'name="participate" checked' not in page
    assert send(anna, "consent/", decision="agree", participate="on", record="on", convert="on") == (302, "check/")


def test_refused_check_leads_back_and_says_why(anna: Visitor) -> None:
    anna.agree()
    assert send(anna, "check/", device="nonsense", output="loudspeakers") == (302, "check/")
    page = anna.get("check/").page
    assert "did not arrive correctly" in page
    assert re.findall(r'name="output" value="(\w+)"[^>]* checked', page) == ["loudspeakers"]
    assert send(anna, "check/", device=report()) == (302, "talk/0/")
    anna.get("check/")
    assert (anna.response.status_code, "did not arrive" in anna.page) == (200, False)


def test_refused_headphone_answers_lead_back_and_say_why() -> None:
    open_new_study(paired(device_check={"headphones": {"required": False}}))
    anna = Visitor().begin().agree().check()
    assert send(anna, "headphones/", attempt="0", answers="[4]") == (302, "headphones/")
    assert "did not arrive correctly" in anna.get("headphones/").page
    assert anna.get("headphones/").response.status_code == 422
    send(anna, "headphones/", decision="skip")
    assert anna.get("next/").place == "talk/0/"


def test_form_of_an_older_tab_leads_back_to_a_page_that_sends_it_again_once(anna: Visitor) -> None:
    stale = anna.session.epoch
    anna.get()
    assert send(anna, "consent/", decision="decline", epoch=stale) == (302, "again/")
    page = anna.get("again/").page
    assert (anna.response.status_code, "opened in another tab" in page) == (409, True)
    assert '<textarea name="decision" hidden>\ndecline</textarea>' in page
    assert f'action="/p/{anna.token}/consent/"' in page
    assert anna.get("consent/").response.status_code == 200  # the newest tab is not told so
    assert send(anna, "consent/", take_over="1", decision="decline") == (302, "")
    assert anna.session.state == Session.State.DECLINED


def test_page_that_sends_again_leads_on_where_there_is_nothing_to_send(anna: Visitor) -> None:
    assert anna.get("again/").place == "consent/"


def test_form_of_an_older_tab_in_json_is_refused_at_once(anna: Visitor) -> None:
    answered = anna.client.post(f"/p/{anna.token}/consent/", json.dumps({}), content_type="application/json")
    assert (answered.status_code, answered.json()["code"]) == (409, "taken_over")


def test_consent_to_one_thing_that_is_taken_back_leads_back_to_its_page() -> None:
    quote = {"key": "quote", "label": "Quote me.", "required": False}
    consent = paired()["consent"]
    open_new_study(paired(consent={**consent, "purposes": [*consent["purposes"], quote]}))
    anna = Visitor().begin().agree("participate", "record", "convert", "quote")
    assert send(anna, "withdraw/", purpose="quote") == (302, "withdraw/?taken_back=quote")
    assert "Your consent to this is withdrawn." in anna.get("withdraw/?taken_back=quote").page
    assert send(anna, "withdraw/", purpose="record") == (302, "withdraw/")
    assert "Your consent to this is withdrawn." not in anna.get("withdraw/?taken_back=record").page
    assert anna.session.state == Session.State.STARTED


def test_what_one_page_refused_is_not_shown_on_another(anna: Visitor) -> None:
    send(anna, "consent/", decision="agree")
    other = Visitor()
    other.client = anna.client
    other.begin()
    assert (other.place, other.response.status_code, NEEDED in other.page) == ("consent/", 200, False)
