"""Recordings in Chromium: the answers of a pair, and an excerpt within a questionnaire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from studies.models import Session
from studies.participant.answering.answers import known
from tests.e2e.pages.conftest import Launch, NewPage, Screenshots
from tests.e2e.visitor import fits
from tests.e2e.walk import barriers
from tests.studies.participant.questionnaires import asking
from tests.studies.participant.visitor import Visitor, open_new_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PREFER = {"type": "preference", "key": "prefer", "text": "Which answer do you prefer?"}
WHY = {
    "type": "long_text",
    "key": "why",
    "text": "What made the difference?",
    "required": False,
    "show_if": {"all": [{"item": "prefer", "one_of": ["A", "B"]}]},
}
HEARD_MS = 15_000
SAVED = "All your answers are saved."


@pytest.fixture(scope="module", autouse=True)
def _beside_playwright() -> Iterator[None]:
    """Playwright keeps an event loop in this thread; the database is used beside it, never from it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.mark.parametrize("track", ["agent", "conversation"])
def test_pair_is_judged_once_all_of_it_was_heard(
    track: str, launch: Launch, new_page: NewPage, live_server: LiveServer, screenshots: Screenshots
) -> None:
    document = asking(PREFER, WHY, at="after_pair")
    open_new_study({**document, "questionnaires": document["questionnaires"][:1], "comparison": {"track": track}})
    anna = Visitor().to_talk()
    anna.talk()
    anna.talk(duration_sec=2.0)
    page = new_page(launch())
    page.goto(f"{live_server.url}/p/{anna.token}/compare/0/")
    expect(page.get_by_role("button", name="Continue")).to_be_disabled()
    page.get_by_role("radio", name="Answer B").check(force=True)
    for label in ("Answer A", "Answer B"):
        page.get_by_role("button", name=f"Play: {label}").click(timeout=HEARD_MS)
        expect(page.get_by_role("region", name=label)).to_contain_text("heard", timeout=HEARD_MS)
        expect(page.get_by_role("region", name=label).locator("[data-heard-tag]")).to_have_text(
            "heard", timeout=HEARD_MS
        )
    expect(page.get_by_role("button", name="Continue")).to_be_enabled()
    page.get_by_label("What made the difference?").fill("It was warmer.")
    expect(page.get_by_text("All your answers are saved.")).to_be_visible()
    screenshots(page, f"compare-{track}")
    page.reload()
    expect(page.get_by_role("button", name="Continue")).to_be_enabled()
    expect(page.get_by_role("radio", name="Answer B")).to_be_checked()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/debrief/")
    assert known(anna.session, pair=0) == {"prefer": "B", "why": "It was warmer."}
    assert anna.session.state == Session.State.FINISHED


def sides(page: Page) -> tuple[Locator, Locator]:
    return page.get_by_role("region", name="Answer A"), page.get_by_role("region", name="Answer B")


def test_words_appear_once_an_answer_was_heard_and_ones_own_question_counts_for_nothing(
    launch: Launch, new_page: NewPage, live_server: LiveServer, screenshots: Screenshots
) -> None:
    document = asking(PREFER, at="after_pair")
    open_new_study({**document, "questionnaires": document["questionnaires"][:1]})
    anna = Visitor().to_talk()
    for _ in range(2):
        anna.talk(duration_sec=4.0, audible={"agent": [[24_000 * 3, 12_000]], "participant": [[0, 12_000]]})
    page = new_page(launch())
    page.goto(f"{live_server.url}/p/{anna.token}/compare/0/")
    first, second = sides(page)
    expect(first.get_by_text("hello")).to_be_visible()
    expect(first.get_by_text("hi there")).to_be_hidden()
    screenshots(page, "compare-before")
    page.get_by_role("button", name="Play: What you said before Answer A").click(timeout=HEARD_MS)
    expect(first.locator(".waveform--participant[data-heard]")).to_have_count(1, timeout=HEARD_MS)
    expect(first.locator("[data-heard-tag]")).to_have_text("not heard yet")
    expect(first.get_by_text("hi there")).to_be_hidden()
    page.get_by_role("button", name="Play: Answer A").click(timeout=HEARD_MS)
    expect(first.locator("[data-heard-tag]")).to_have_text("heard", timeout=HEARD_MS)
    expect(first.get_by_text("hi there")).to_be_visible()
    expect(second.get_by_text("hi there")).to_be_hidden()
    expect(page.get_by_text(SAVED)).to_be_visible()
    listened = known(anna.session, anna.session.trials.get(side="A"))["listened_sec"]
    assert 0.4 <= listened <= 0.6  # of the half second that can be heard in four seconds
    page.reload()
    expect(first.get_by_text("hi there")).to_be_visible()
    expect(second.get_by_text("hi there")).to_be_hidden()


def test_pair_whose_answer_is_missing_can_be_left_without_a_verdict(
    launch: Launch, new_page: NewPage, live_server: LiveServer, screenshots: Screenshots
) -> None:
    document = asking(PREFER, at="after_pair")
    open_new_study({**document, "questionnaires": document["questionnaires"][:1]})
    anna = Visitor().to_talk()
    anna.talk()
    anna.talk()
    page = new_page(launch())
    page.goto(f"{live_server.url}/p/{anna.token}/compare/0/")
    first, second = sides(page)
    page.get_by_role("button", name="Play: Answer A").click(timeout=HEARD_MS)
    expect(first.locator("[data-heard-tag]")).to_have_text("heard", timeout=HEARD_MS)
    expect(page.get_by_role("button", name="Continue")).to_be_disabled()
    second.get_by_role("checkbox", name="There was no answer").check()
    expect(page.get_by_text("you can leave these questions open")).to_be_visible()
    expect(second.locator("[data-heard-tag]")).to_be_hidden()
    screenshots(page, "compare-no-answer")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/debrief/")
    assert known(anna.session, anna.session.trials.get(side="B"))["no_answer"] is True
    assert known(anna.session, pair=0) == {}


def test_what_participants_get_back_is_legible_and_fits(
    launch: Launch, new_page: NewPage, live_server: LiveServer, screenshots: Screenshots
) -> None:
    document = asking(PREFER, at="after_pair")
    give_back = {"pictures": True}
    open_new_study({**document, "questionnaires": document["questionnaires"][:1], "give_back": give_back})
    anna = Visitor().to_talk()
    spoken = {"participant": [[2_000, 9_000]], "agent": [[12_000, 6_000], [20_000, 4_000]], "heard": [[2_000, 9_000]]}
    for _ in range(2):
        anna.talk(audible=spoken)
    anna.judge()
    page = new_page(launch())
    page.goto(f"{live_server.url}/p/{anna.token}/debrief/")
    expect(page.get_by_role("heading", name="Your conversations")).to_be_visible()
    expect(page.get_by_role("img", name="Who spoke when")).to_have_count(2)
    words = page.get_by_text("What was said").first
    words.click()
    expect(page.get_by_text("hi there").first).to_be_visible()
    screenshots(page, "debrief-given-back")
    page.set_viewport_size({"width": 360, "height": 740})
    assert fits(page)
    assert barriers(page) == []


def test_going_back_after_a_refused_form_shows_the_page(
    launch: Launch, new_page: NewPage, live_server: LiveServer
) -> None:
    open_new_study(asking(PREFER, at="after_pair"))
    anna = Visitor().begin()
    page = new_page(launch())
    page.goto(f"{live_server.url}/p/{anna.token}/consent/")
    page.get_by_role("checkbox").first.check()
    page.evaluate("document.querySelector('form[novalidate]').noValidate = true")
    page.get_by_role("button", name="I agree").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("checkbox").first).to_be_checked()
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="I agree").click()
    page.wait_for_url("**/check/")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sound check")  # the consent is given, so it leads on


def test_excerpt_is_counted_and_used_up(
    launch: Launch, new_page: NewPage, live_server: LiveServer, screenshots: Screenshots
) -> None:
    playback = {"type": "playback", "key": "hear", "text": "Listen again to how the machine began.", "max_plays": 2}
    likert = {"type": "likert", "key": "warm", "text": "How warm was it?", "low": "Cold", "high": "Warm"}
    document = asking({**playback, "start_sec": 0.5, "max_duration_sec": 1}, likert, at="after_trial")
    open_new_study(document)
    anna = Visitor().to_talk()
    anna.talk(duration_sec=2.0)
    page = new_page(launch())
    page.goto(f"{live_server.url}/p/{anna.token}/questions/asked/0/")
    expect(page.get_by_text("It can be played 2 times.")).to_be_visible(timeout=HEARD_MS)
    screenshots(page, "playback")
    page.locator("#q-warm-6").check(force=True)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert").first).to_contain_text("Please listen to this recording to the end.")
    page.get_by_role("button", name="Play: recording").click(timeout=HEARD_MS)
    expect(page.get_by_text("It can be played 1 time.")).to_be_visible(timeout=HEARD_MS)
    page.goto(page.url)
    page.get_by_role("button", name="Play: recording").click(timeout=HEARD_MS)
    expect(page.get_by_text("It has been played as often as allowed.")).to_be_visible(timeout=HEARD_MS)
    expect(page.get_by_role("button", name="Play: recording")).to_be_disabled()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/talk/1/")
    values = known(anna.session, anna.session.trials.get(position=0))
    assert (values["warm"], values["hear"]["plays"]) == (6, 2)
    assert 0.9 <= values["hear"]["listened_sec"] <= 1.1
