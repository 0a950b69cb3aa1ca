"""The pages of a visit around its talks in Chromium: tabs, languages, the end; and pictures of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from studies.entrance import mode_link
from studies.models import Session, Study, Take
from studies.participant.leaving.page import withdraw
from tests.e2e.pages.conftest import Launch, NewPage, Screenshots
from tests.studies.participant.arriving.test_entry import spoken_in
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import asking

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AGE = {"type": "number", "key": "age", "text": "How old are you?", "whole": True}
CONSENT = """## What happens
You talk with a computer program, for a minute at most each time.

## What is recorded
Your microphone during the talks, and what the machine says. **Nothing before you agree.**

| What | How long |
|---|---|
| Recordings | one year |
"""


@pytest.fixture(autouse=True, scope="module")
def _rows_beside_the_browser() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright runs an event loop in this thread
        yield


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
        duration_min=15,
        practice=[{"prompt": "hello", "condition": "own"}],
        practice_intro="First a talk **to try it out**. You can ask anything.",
        main_intro="From now on it counts. You talk about *two* topics, each of them twice.",
        pairs=[{"prompt": key, "conditions": ["own", "higher"]} for key in ("weekend", "salary")],
        design={"break_every": 2},
        recruiter={
            "service": "prolific",
            "codes": {"completed": "C1A2B3", "screened_out": "S1A2B3", "no_consent": "N1A2B3"},
        },
        screen_out=[{"when": {"all": [{"item": "age", "at_most": 17}]}, "message": "This study is for **adults**."}],
    )
    document["consent"]["text"] = CONSENT
    document["welcome"] = (
        "You talk with a machine **five times**, and say what you make of it.\n\n- a microphone\n- a quiet place"
    )
    document["debrief"] = "In each pair the machine heard **your own voice once** and a changed voice once."
    return open_new_study(document)


@pytest.fixture
def page(launch: Launch, new_page: NewPage) -> Page:
    return new_page(launch())


def jump(page: Page, name: str) -> None:
    page.goto(page.url.split("/p/")[0] + f"/p/{token(page)}/preview/{name}/")


def token(page: Page) -> str:
    return page.url.split("/p/")[1].split("/")[0]


def begin(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_role("button", name="Begin").click()


def test_pages_of_a_visit_look_as_they_should(
    page: Page, live_server: LiveServer, study: Study, screenshots: Screenshots
) -> None:
    page.goto(live_server.url + mode_link(study, "preview"))
    screenshots(page, "visit-welcome")
    page.get_by_role("button", name="Begin").click()
    page.get_by_label("How old are you?").fill("30")
    page.get_by_role("button", name="Continue").click()
    screenshots(page, "visit-consent")
    page.get_by_role("button", name="I agree").click()
    for name in ("intro:practice", "intro:main", "break::3", "debrief", "screened-out", "quota-full", "declined"):
        jump(page, name)
        expect(page.locator("h1")).to_have_count(1)
        screenshots(page, f"visit-{name.replace(':', '-')}")
    page.get_by_text("Go to a page").click()
    screenshots(page, "visit-preview-menu")


def test_older_tab_stands_still_until_it_takes_over(
    page: Page, launch: Launch, new_page: NewPage, live_server: LiveServer, study: Study, screenshots: Screenshots
) -> None:
    begin(page, f"{live_server.url}/s/voices/?PROLIFIC_PID=abc")
    other = page.context.new_page()
    other.goto(page.url)
    over = page.get_by_role("dialog", name="Opened elsewhere")
    expect(over).to_be_visible()
    expect(other.get_by_role("dialog")).to_be_hidden()
    screenshots(page, "visit-taken-over")
    page.keyboard.press("Escape")
    expect(over).to_be_visible()
    over.get_by_role("link", name="Continue here instead").click()
    expect(page.get_by_label("How old are you?")).to_be_visible()
    expect(other.get_by_role("dialog", name="Opened elsewhere")).to_be_visible()
    elsewhere = new_page(launch())
    elsewhere.goto(f"{live_server.url}/s/voices/?PROLIFIC_PID=abc")
    expect(elsewhere.get_by_label("How old are you?")).to_be_visible()
    expect(page.get_by_role("dialog", name="Opened elsewhere")).to_be_visible(timeout=15_000)


def test_page_that_is_open_learns_of_a_withdrawal_elsewhere(page: Page, live_server: LiveServer, study: Study) -> None:
    begin(page, f"{live_server.url}/s/voices/?PROLIFIC_PID=abc")
    expect(page.get_by_label("How old are you?")).to_be_visible()
    withdraw(Session.objects.get())
    expect(page.get_by_role("heading", name="You have withdrawn")).to_be_visible(timeout=15_000)


def test_screen_out_stands_against_the_back_button(page: Page, live_server: LiveServer, study: Study) -> None:
    begin(page, f"{live_server.url}/s/voices/?PROLIFIC_PID=abc")
    page.get_by_label("How old are you?").fill("12")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("link", name="Back to Prolific")).to_have_attribute(
        "href", "https://app.prolific.com/submissions/complete?cc=S1A2B3"
    )
    for _ in range(2):
        page.go_back()
        page.reload()
        expect(page.get_by_text("This study is for adults.")).to_be_visible()
    assert Session.objects.count() == 1


def test_code_appears_by_itself_once_all_is_saved(
    page: Page, live_server: LiveServer, screenshots: Screenshots
) -> None:
    open_new_study(plain())
    anna = Visitor().begin().agree().check()
    anna.talk()
    anna.talk(state="ended")
    page.goto(f"{live_server.url}/p/{anna.token}/debrief/")
    expect(page.get_by_text("Your recordings are being saved")).to_be_visible()
    screenshots(page, "visit-saving")
    Take.objects.update(state="final")
    expect(page.get_by_role("heading", name="Your completion code")).to_be_visible(timeout=15_000)
    screenshots(page, "visit-debrief-done")


def test_language_changes_on_any_page_and_back(page: Page, live_server: LiveServer, screenshots: Screenshots) -> None:
    open_new_study(spoken_in("sv", "ar", "de", duration_min=15))
    page.goto(f"{live_server.url}/s/voices/?language=ar")
    screenshots(page, "visit-welcome-arabic")
    page.get_by_role("link", name="Svenska").click()
    screenshots(page, "visit-welcome-swedish")
    page.locator("form button[type=submit]").first.click()
    expect(page.locator("html")).to_have_attribute("lang", "sv")
    page.locator("#language").select_option("ar")
    page.locator("form.language button").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    screenshots(page, "visit-consent-arabic")


def plain() -> dict[str, Any]:
    document = asking(AGE)
    document["questionnaires"] = []
    return document


def test_links_that_do_not_lead_in_say_why(
    page: Page, live_server: LiveServer, study: Study, screenshots: Screenshots
) -> None:
    refused = page.goto(f"{live_server.url}/s/voices/")
    assert refused is not None
    assert refused.status == 400
    tells(page, "This link does not work", "This link is missing your participant ID.", "Nothing was recorded.")
    screenshots(page, "visit-no-entry")
    Study.objects.update(state="paused")
    page.goto(f"{live_server.url}/s/voices/?PROLIFIC_PID=abc")
    tells(page, "This study is paused", "The research team has paused it. Please come back later")
    screenshots(page, "visit-paused")
    unknown = page.goto(f"{live_server.url}/p/nobody/")
    assert unknown is not None
    assert unknown.status == 404
    tells(page, "This page does not exist", "open the complete link you were given")
    screenshots(page, "visit-unknown")
    assert Session.objects.count() == 0


def tells(page: Page, heading: str, *texts: str) -> None:
    """The page has this one heading and these texts, and no way in."""
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    for text in texts:
        expect(page.get_by_role("main")).to_contain_text(text)
    expect(page.get_by_role("button", name="Begin")).to_have_count(0)


def test_form_after_its_cookie_was_lost_can_be_sent_again(
    page: Page, live_server: LiveServer, study: Study, screenshots: Screenshots
) -> None:
    begin(page, f"{live_server.url}/s/voices/?PROLIFIC_PID=abc")
    page.get_by_label("How old are you?").fill("30")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Your consent")).to_be_visible()
    page.context.clear_cookies()
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="I agree").click()
    screenshots(page, "visit-send-again")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("heading", name="Your consent")).to_have_count(0)
    expect(page.get_by_role("button", name="Send again")).to_have_count(0)


@pytest.mark.parametrize("already_saved", [False, True])
def test_questions_come_anew_with_their_answers_after_the_cookie_was_lost(
    page: Page, live_server: LiveServer, study: Study, already_saved: bool
) -> None:
    begin(page, f"{live_server.url}/s/voices/?PROLIFIC_PID=abc")
    if not already_saved:
        page.context.clear_cookies()
    with page.expect_response("**/answers/"):
        page.get_by_label("How old are you?").fill("30")
        page.get_by_label("How old are you?").blur()
    page.context.clear_cookies()
    with page.expect_navigation():
        page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("How old are you?")).to_have_value("30")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Your consent")).to_be_visible()
