"""Of two tabs the newer one counts."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from studies.models import Session
from studies.protocol.languages import texts_of
from studies.protocol.reading.document import parse
from tests.studies.participant.reports import report
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import explore, paired

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> Visitor:
    open_new_study(paired())
    return Visitor().begin()


def ask(anna: Visitor, epoch: int) -> dict[str, object]:
    answer: dict[str, object] = Client().get(f"/p/{anna.token}/tab/?epoch={epoch}").json()
    return answer


def test_tab_that_was_opened_last_is_live(anna: Visitor) -> None:
    epoch = anna.session.epoch
    assert ask(anna, epoch) == {"live": True, "state": "started"}
    assert f"/p/{anna.token}/tab/?epoch={epoch}" in anna.page


def test_link_opened_elsewhere_takes_over(anna: Visitor) -> None:
    epoch = anna.session.epoch
    other = Client().get(f"/p/{anna.token}/", follow=True)
    assert other.context["epoch"] == epoch + 1
    assert ask(anna, epoch)["live"] is False
    assert ask(anna, epoch + 1)["live"] is True


def test_page_asks_what_became_of_the_session(anna: Visitor) -> None:
    anna.post("consent/", decision="decline")
    assert ask(anna, anna.session.epoch)["state"] == Session.State.DECLINED


TRYING = {"key": "trying", "title": "Try it", "card": "Say hello.", "study_role": "practice"}
EVERYTHING = paired(
    prompts=[*paired()["prompts"], TRYING],
    practice_intro="Try it.",
    practice=[{"prompt": "trying", "condition": "own"}],
    main_intro="Now it counts.",
    design={"cells": "crossed", "break_every": 1},
    pairs=[],
    questionnaires=paired()["questionnaires"][:1],
    device_check={"headphones": {"required": False}},
)
HIDDEN = re.compile(r'<textarea name="([^"]+)" hidden>\n(.*?)</textarea>', re.DOTALL)


def stands_at(document: dict[str, Any], place: str) -> Visitor:
    """Anna, at the page whose address begins like this."""
    open_new_study(document, slug="walk")
    anna = Visitor("walk").begin()
    while not anna.place.startswith(place):
        if anna.place == "consent/":
            anna.agree()
        elif anna.place == "check/":
            anna.check()
        elif anna.place == "headphones/":
            anna.post(anna.place, decision="skip")
        elif anna.place.startswith("talk/"):
            anna.talk()
        elif anna.place.startswith("questions/"):
            anna.rate()
        else:
            anna.post(anna.place)
    return anna


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        ("consent/", {"decision": "agree", "participate": "on", "record": "on", "convert": "on"}),
        ("consent/", {"decision": "decline"}),
        ("check/", {"device": report()}),
        ("headphones/", {"decision": "skip"}),
        ("headphones/", {"attempt": "0", "answers": "[1, 2, 3, 1, 2, 3]"}),
        ("intro/practice/", {}),
        ("intro/main/", {}),
        ("break/", {}),
    ],
)
def test_nothing_of_an_older_tab_is_taken_until_it_goes_on_there(place: str, fields: dict[str, str]) -> None:
    anna = stands_at(EVERYTHING, place)
    here, stale = anna.place, anna.session.epoch
    newer = Client()
    newer.get(f"/p/{anna.token}/", follow=True)
    before = everything_kept(anna.session)
    anna.post(here, epoch=stale, **fields)
    assert anna.response.status_code == 409
    assert "opened in another tab" in anna.page
    assert (everything_kept(anna.session), anna.session.epoch) == (before, stale + 1)
    sent = {name: html.unescape(value) for name, value in HIDDEN.findall(anna.page)}
    assert sent == {**fields, "epoch": str(stale)}
    anna.post(here, take_over="1", **sent)
    assert anna.session.epoch > stale + 1
    assert everything_kept(anna.session) != before
    assert newer.get(f"/p/{anna.token}/tab/?epoch={stale + 1}").json()["live"] is False


def everything_kept(session: Session) -> list[object]:
    return [
        session.state,
        session.device,
        session.checked_at,
        sorted(session.consents.values_list("purpose", "granted")),
        sorted(session.answers.values_list("item", "revision")),
        sorted(session.pages.exclude(done_at=None).values_list("page", flat=True)),
    ]


def test_visitor_of_an_older_tab_neither_finishes_nor_chooses() -> None:
    anna = stands_at(explore(), "explore/")
    stale = anna.session.epoch
    anna.get()
    choice = {name: cards[0].key for name, cards in anna.response.context["form"].cards.items()}
    for fields in ({"decision": "finish"}, choice):
        anna.post("explore/", epoch=stale, **fields)
        assert (anna.response.status_code, anna.session.state, anna.session.trials.count()) == (409, "started", 0)


def test_older_tab_changes_no_language_and_keeps_no_attempt_at_the_check() -> None:
    document = paired(languages=["en", "sv"], translations={"sv": texts_of(parse(paired()))})
    anna = stands_at(document, "check/")
    stale = anna.session.epoch
    tells = anna.response.context["check_config"]["attemptsUrl"]
    anna.get()
    anna.post("language/", epoch=stale, language="sv", next="")
    assert (anna.response.status_code, anna.session.language) == (409, "en")
    told = anna.client.post(tells, report(), content_type="application/json")
    assert (told.status_code, told.json()["code"], anna.session.device) == (409, "taken_over", {})


def test_page_opened_in_another_browser_by_its_own_address_is_the_newest(anna: Visitor) -> None:
    stale = anna.session.epoch
    other = Client()
    page = other.get(f"/p/{anna.token}/consent/")
    assert page.context["epoch"] == stale + 1
    assert other.get(f"/p/{anna.token}/consent/").context["epoch"] == stale + 1  # loaded again, it is the same tab
    assert anna.post("consent/", epoch=stale, decision="decline").response.status_code == 409
    assert anna.session.state == Session.State.STARTED


def test_older_tab_may_withdraw(anna: Visitor) -> None:
    stale = anna.session.epoch
    anna.get()
    anna.post("withdraw/", epoch=stale)
    assert anna.session.state == Session.State.WITHDRAWN


@pytest.mark.parametrize("epoch", ["", "x", "999999999999999999999999", "-1"])
def test_nonsense_for_an_epoch_is_no_live_tab(anna: Visitor, epoch: str) -> None:
    assert Client().get(f"/p/{anna.token}/tab/", {"epoch": epoch}).json()["live"] is False
    assert anna.post("consent/", epoch=epoch, decision="decline").session.consents.count() == 0


def test_unknown_session_has_no_tab() -> None:
    response = Client().get("/p/none/tab/?epoch=0")
    assert response.status_code == 404
    assert "open the complete link" in response.content.decode()
