"""Of two tabs the newer one counts."""

from __future__ import annotations

import pytest
from django.test import Client

from studies.models import Session
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import paired

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


def test_form_of_the_older_tab_is_not_taken_but_can_take_over(anna: Visitor) -> None:
    stale = anna.session.epoch
    anna.get()
    fields = {"decision": "agree", "participate": "on", "record": "on", "convert": "on"}
    anna.post("consent/", epoch=stale, **fields)
    assert anna.response.status_code == 422
    assert "opened in another tab" in anna.page
    assert anna.session.consents.count() == 0
    assert anna.post("consent/", **fields).place == "check/"


@pytest.mark.parametrize("epoch", ["", "x", "999999999999999999999999", "-1"])
def test_nonsense_for_an_epoch_is_no_live_tab(anna: Visitor, epoch: str) -> None:
    assert Client().get(f"/p/{anna.token}/tab/", {"epoch": epoch}).json()["live"] is False
    assert anna.post("consent/", epoch=epoch, decision="agree").session.consents.count() == 0


def test_unknown_session_has_no_tab() -> None:
    response = Client().get("/p/none/tab/?epoch=0")
    assert response.status_code == 404
    assert "open the whole link" in response.content.decode()
