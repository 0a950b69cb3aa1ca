"""The start page: talking at once comes first, and the planned studies follow with what they take and need."""

from __future__ import annotations

import pytest
from django.test import Client

from studies.models import Session
from tests.studies.participant.visitor import open_new_study
from tests.studies.protocol.documents import explore, paired

pytestmark = pytest.mark.django_db


def test_explore_study_comes_first_and_planned_studies_follow() -> None:
    open_new_study(paired(title="A pair", duration_min=12, device_check={"headphones": {}}), "a-pair")
    open_new_study(explore(title="Talk", duration_min=3), "talk")
    page = Client().get("/")
    assert page.context["explore"].study.slug == "talk"
    assert [card.study.slug for card in page.context["planned"]] == ["a-pair"]
    assert [card.needs_headphones for card in (page.context["explore"], *page.context["planned"])] == [False, True]
    text = " ".join(page.text.split())
    assert "about 3 minutes · English · microphone" in text
    assert "about 12 minutes · English · microphone and headphones" in text


def test_start_page_without_open_studies_says_so() -> None:
    assert "No study is open to visitors just now." in Client().get("/").text


def test_one_click_leads_from_the_start_page_into_the_explore_study() -> None:
    study = open_new_study(explore(), "talk")
    client = Client()
    demo = client.get("/").context["explore"]
    sent = {"place": demo.place, "language": demo.language, "from": "start"}
    led = client.post(study.get_absolute_url(), sent, follow=True)
    session = Session.objects.get()
    assert led.request["PATH_INFO"] == f"/p/{session.token}/explore/"


def test_somebody_who_began_before_in_this_browser_is_asked_whether_to_go_on() -> None:
    study = open_new_study(explore(), "talk")
    client = Client()
    for _ in range(2):
        demo = client.get("/").context["explore"]
        sent = {"place": demo.place, "language": demo.language, "from": "start"}
        led = client.post(study.get_absolute_url(), sent, follow=True)
    assert led.context["unfinished"] == Session.objects.get()
    assert "Continue where you stopped" in led.text
