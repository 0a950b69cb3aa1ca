"""Previews show every page in any order, and nothing of them counts."""

from __future__ import annotations

import pytest
from django.test import Client

from studies.entrance import mode_link
from studies.models import AllocationSlot, Session, Study
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import asking, paired_with

pytestmark = pytest.mark.django_db

AGE = {"type": "number", "key": "age", "text": "How old are you?", "whole": True}
HIDDEN = {"type": "short_text", "key": "hidden", "text": "Really?", "show_if": {"all": [{"item": "age", "equals": 99}]}}


@pytest.fixture
def study() -> Study:
    prompts = [
        {"key": "weekend", "title": "Weekend", "card": "Talk about it."},
        {"key": "salary", "title": "Raise", "card": "Ask for it."},
        {"key": "hello", "title": "Hello", "card": "Say hello.", "study_role": "practice"},
    ]
    document = asking(
        AGE,
        at="eligibility",
        prompts=prompts,
        practice=[{"prompt": "hello", "condition": "own"}],
        practice_intro="Try it.",
        main_intro="Now.",
        pairs=[{"prompt": key, "conditions": ["own", "higher"]} for key in ("weekend", "salary")],
        design={"break_every": 2},
        device_check={"headphones": {}},
        screen_out=[{"when": {"all": [{"item": "age", "at_most": 17}]}, "message": "Too young."}],
    )
    document["questionnaires"].append({"key": "rare", "at": "end", "items": [HIDDEN]})
    return open_new_study(document)


def preview_of(study: Study) -> Visitor:
    return Visitor().begin(mode_link(study, "preview"))


def test_every_page_opens_from_the_menu_at_once(study: Study) -> None:
    anna = preview_of(study)
    menu = [(entry.label, entry.address) for entry in anna.response.context["preview"]]
    labels = [label for label, _ in menu]
    assert labels[:8] == [
        "more",
        "Consent",
        "Device check",
        "Headphones",
        "Introduction to the practice",
        "Conversation 1",
        "rating (conversation 1)",
        "Introduction",
    ]
    assert labels[-6:] == [
        "rare",
        "Debrief",
        "Ending: screened out",
        "Ending: quota full",
        "Ending: declined",
        "Ending: withdrawn",
    ]
    for label, address in menu:
        response = anna.client.get(address, follow=True)
        assert response.status_code == 200, label
        assert "nothing counts" in response.content.decode(), label


def test_page_that_is_done_leads_to_the_one_after_it(study: Study) -> None:
    anna = preview_of(study)
    anna.get("preview/intro:main/")
    assert anna.place == "intro/main/"
    assert anna.post("intro/main/").place == "talk/1/"
    assert anna.get("preview/questions:more/").answer("questions/more/", age="40").place == "consent/"


def test_preview_goes_on_after_an_early_end(study: Study) -> None:
    anna = preview_of(study)
    anna.answer("questions/more/", age="5")
    assert "Too young." in anna.page
    assert anna.session.state == Session.State.SCREENED_OUT
    assert anna.get("preview/talk::0/").place == "talk/0/"
    assert anna.session.state == Session.State.STARTED


def test_preview_of_a_study_that_is_not_open_counts_nothing(study: Study) -> None:
    Study.objects.update(state="draft")
    anna = preview_of(study)
    anna.get("preview/talk::0/")
    assert anna.place == "talk/0/"
    assert list(AllocationSlot.objects.exclude(session=None).values_list("mode", flat=True)) == ["preview"]


def test_unknown_page_of_a_preview_is_not_found(study: Study) -> None:
    anna = preview_of(study)
    assert anna.client.get(f"/p/{anna.token}/preview/talk::99/").status_code == 404
    assert anna.client.get(f"/p/{anna.token}/preview/x/").status_code == 404


@pytest.mark.parametrize("mode", ["pilot", "bot"])
def test_visits_of_other_modes_cannot_be_jumped_in(study: Study, mode: str) -> None:
    anna = Visitor().begin(mode_link(study, mode))
    assert anna.client.get(f"/p/{anna.token}/preview/talk::0/").status_code == 404
    assert "Preview" not in anna.page


def test_live_visit_cannot_be_jumped_in() -> None:
    open_new_study(paired_with(2))
    anna = Visitor().begin()
    assert anna.client.get(f"/p/{anna.token}/preview/talk::0/").status_code == 404
    assert Client().get("/p/none/preview/talk::0/").status_code == 404


@pytest.mark.parametrize("position", ["77", "9" * 200])
def test_break_before_no_talk_is_not_found(study: Study, position: str) -> None:
    anna = preview_of(study)
    before = anna.session.pages.count()
    for method in ("get", "post"):
        assert getattr(anna.client, method)(f"/p/{anna.token}/break/{position}/").status_code == 404
    assert anna.session.pages.count() == before
