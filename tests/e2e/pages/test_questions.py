"""Questions in Chromium, on the site itself: by keyboard alone, without a connection, in two tabs, without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from studies.models import Answer
from studies.participant.answering.answers import known
from studies.protocol.languages import texts_of
from studies.protocol.reading.document import parse
from tests.e2e.pages.conftest import Launch, NewPage, Screenshots
from tests.studies.participant.questionnaires import EVERY_ITEM, asking
from tests.studies.participant.visitor import Visitor, open_new_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SAVED = "All your answers are saved."


@pytest.fixture(scope="module", autouse=True)
def _beside_playwright() -> Iterator[None]:
    """Playwright keeps an event loop in this thread; the database is used beside it, never from it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


def begin(page: Page, site: LiveServer, *items: dict[str, Any], **fields: Any) -> Visitor:
    """At a page of these items, in the browser and as somebody who can look at what was kept."""
    open_new_study(asking(*items, **fields))
    anna = Visitor().begin()
    page.goto(f"{site.url}/p/{anna.token}/")
    return anna


def test_every_item_looks_well(
    launch: Launch, new_page: NewPage, live_server: LiveServer, screenshots: Screenshots
) -> None:
    page = new_page(launch())
    begin(page, live_server, *EVERY_ITEM, title="About you", intro="A few questions before you **start**.")
    screenshots(page, "questions-empty")
    page.get_by_role("radio", name="Another, please say").check()
    page.get_by_role("textbox", name="Another, please say").fill("Water")
    page.get_by_role("checkbox", name="Coffee").check()
    page.locator("#q-warm-5").check(force=True)
    page.get_by_role("slider").click(position={"x": 200, "y": 20})
    for name in ("kind", "slow"):
        page.locator(f"input[name='tone.{name}']").nth(3).check()
    for name in ("mood", "calm", "power"):
        page.locator(f"input[name={name}]").nth(3).check(force=True)
    page.locator("input[name=age]").fill("17")
    page.get_by_label("Tell us more.").fill("So much to say. " * 13)
    page.locator("input[name=smokes]").first.check(force=True)
    page.locator("input[name=day]").fill("2026-03-01")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    screenshots(page, "questions-filled")


def test_every_item_by_keyboard_alone(launch: Launch, new_page: NewPage, live_server: LiveServer) -> None:
    page = new_page(launch())
    anna = begin(page, live_server, *EVERY_ITEM)

    def press(*keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    page.locator("#q-drink").focus()
    press("Space", "ArrowDown", "ArrowUp", "ArrowUp")  # round to the last one
    press("Tab")
    page.keyboard.type("Water")
    press("Tab", "Tab", "Space", "Tab", "Tab", "Space", "Tab")
    page.keyboard.type("Juice")
    press("Tab", "Space", *["ArrowRight"] * 4)  # the scale: five
    press("Tab")
    expect(page.get_by_role("slider")).to_be_focused()
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "not answered")
    press("Enter")
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "50, where 0 is Far and 100 is Near")
    press("Tab", "Enter")  # taken back
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "not answered")
    press("ArrowRight", "ArrowRight", "Tab", "Tab", "Tab")  # past what takes back and the extra answer
    press("Space", "ArrowRight", "ArrowRight", "ArrowRight", "Tab", "Space")
    press("Tab", "Space", *["ArrowRight"] * 6, "Tab", "Space", "ArrowRight", "Tab", "Space", *["ArrowRight"] * 2)
    press("Tab")
    page.keyboard.type("34")
    press("Tab")
    page.keyboard.type("Uppsala")
    press("Tab")
    page.keyboard.type("One line")
    press("Tab", "Space", "Tab")
    page.keyboard.type("2,5")
    press("Tab")
    page.keyboard.type("03012026")
    press("Tab", "Tab")
    while page.evaluate("document.activeElement.tagName") == "INPUT":
        press("Tab")
    expect(page.get_by_role("button", name="Continue")).to_be_focused()
    press("Enter")
    page.wait_for_url("**/consent/")
    assert known(anna.session) == {
        "drink": {"other": "Water"},
        "drinks": ["coffee", {"other": "Juice"}],
        "warm": 5,
        "near": 51.0,
        "tone": {"kind": 4, "slow": 1},
        "mood": 7,
        "calm": 2,
        "power": 3,
        "age": 34,
        "town": "Uppsala",
        "story": "One line",
        "smokes": True,
        "cigarettes": 2.5,
        "day": "2026-03-01",
    }


def test_each_answer_is_saved_when_it_is_given_and_is_there_after_a_reload(
    launch: Launch, new_page: NewPage, live_server: LiveServer
) -> None:
    page = new_page(launch())
    anna = begin(page, live_server, *EVERY_ITEM)
    page.get_by_label("Tell us more.").fill("So far")
    page.get_by_role("radio", name="Tea").check()
    expect(page.get_by_role("status").filter(has_text=SAVED)).to_be_visible()
    page.reload()
    expect(page.get_by_role("radio", name="Tea")).to_be_checked()
    expect(page.get_by_label("Tell us more.")).to_have_value("So far")
    assert known(anna.session) == {"drink": "tea", "story": "So far"}


def test_all_is_never_said_to_be_saved_beside_an_error(
    launch: Launch, new_page: NewPage, live_server: LiveServer, screenshots: Screenshots
) -> None:
    short = {"type": "short_text", "key": "town", "text": "Where do you live?", "max_length": 5}
    other = {"type": "short_text", "key": "from", "text": "Where are you from?"}
    page = new_page(launch())
    anna = begin(page, live_server, short, other)
    status = page.locator("[data-save-status]")
    page.get_by_label("Where do you live?").fill("Uppsala")
    page.get_by_label("Where are you from?").fill("Lund")
    expect(status).to_have_text("Everything is saved except what is marked above.")
    expect(page.locator("[data-question=town] [data-unsaved]")).to_be_visible()
    screenshots(page, "questions-error-status")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    expect(status).to_have_text("Everything is saved except what is marked above.")
    expect(page.get_by_label("Where do you live?")).to_have_value("Uppsala")
    page.get_by_label("Where do you live?").fill("Ulm")
    expect(status).to_have_text(SAVED)
    expect(page.locator("[data-error-summary]")).to_be_hidden()
    assert known(anna.session) == {"town": "Ulm", "from": "Lund"}


def test_questions_appear_and_go_with_the_answers(launch: Launch, new_page: NewPage, live_server: LiveServer) -> None:
    page = new_page(launch())
    anna = begin(page, live_server, *EVERY_ITEM)
    amount = page.get_by_label("How many a day?")
    expect(amount).to_be_hidden()
    page.get_by_role("radio", name="Yes").check(force=True)
    amount.fill("7")
    amount.press("Tab")
    expect(page.get_by_text(SAVED)).to_be_visible()
    page.get_by_role("radio", name="No", exact=True).check(force=True)
    expect(amount).to_be_hidden()
    page.wait_for_timeout(300)
    expect(page.get_by_text(SAVED)).to_be_visible()
    assert known(anna.session) == {"smokes": False}
    page.get_by_role("radio", name="Yes").check(force=True)
    expect(amount).to_have_value("7")
    page.wait_for_timeout(300)
    expect(page.get_by_text(SAVED)).to_be_visible()
    assert known(anna.session) == {"smokes": True, "cigarettes": 7}


def test_without_a_connection_answers_wait_in_the_page(
    launch: Launch, new_page: NewPage, live_server: LiveServer
) -> None:
    page = new_page(launch())
    anna = begin(page, live_server, *EVERY_ITEM)
    page.context.set_offline(True)
    page.get_by_role("radio", name="Tea").check()
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("You cannot continue without a connection.")).to_be_visible()
    assert known(anna.session) == {}
    page.context.set_offline(False)
    expect(page.get_by_text(SAVED)).to_be_visible()
    assert known(anna.session) == {"drink": "tea"}


def test_what_waits_survives_a_reload(launch: Launch, new_page: NewPage, live_server: LiveServer) -> None:
    page = new_page(launch())
    anna = begin(page, live_server, *EVERY_ITEM)
    page.route("**/answers/", lambda route: route.abort())
    page.get_by_role("checkbox", name="Milk").check()
    page.get_by_label("Where do you live?").fill("Uppsala")
    page.get_by_label("Where do you live?").press("Tab")
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    page.unroute("**/answers/")
    page.on("dialog", lambda dialog: dialog.accept())  # the warning that something is not saved
    page.reload()
    expect(page.get_by_label("Where do you live?")).to_have_value("Uppsala")
    expect(page.get_by_role("checkbox", name="Milk")).to_be_checked()
    expect(page.get_by_text(SAVED)).to_be_visible()
    assert known(anna.session) == {"drinks": ["milk"], "town": "Uppsala"}


def test_second_tab_takes_over_and_the_first_may_take_back(
    launch: Launch, new_page: NewPage, live_server: LiveServer
) -> None:
    browser = launch()
    page = new_page(browser)
    anna = begin(page, live_server, *EVERY_ITEM)
    other = new_page(browser)
    for tab in (page, other):
        tab.route("**/tab/*", lambda route: route.abort())  # an answer is what learns of the other tab
    other.goto(f"{live_server.url}/p/{anna.token}/")
    page.get_by_role("radio", name="Tea").check()
    expect(page.get_by_text("opened in another tab")).to_be_visible()
    assert known(anna.session) == {}
    page.get_by_role("button", name="Continue here").click()
    expect(page.get_by_text(SAVED)).to_be_visible()
    assert known(anna.session) == {"drink": "tea"}
    page.unroute("**/tab/*")
    with page.expect_response("**/tab/*") as asked:
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert asked.value.json()["live"] is True
    other.get_by_role("radio", name="Coffee").check()
    expect(other.get_by_text("opened in another tab")).to_be_visible()
    assert known(anna.session) == {"drink": "tea"}


def test_answer_that_is_not_right_stays_in_its_field(
    launch: Launch, new_page: NewPage, live_server: LiveServer
) -> None:
    page = new_page(launch())
    anna = begin(page, live_server, *EVERY_ITEM)
    age = page.get_by_label("How old are you?")
    age.fill("seventeen")
    age.press("Tab")
    expect(page.get_by_text("Please enter a number, in digits.")).to_be_visible()
    expect(age).to_have_value("seventeen")
    age.fill("18")
    age.press("Tab")
    expect(page.get_by_text("Please enter a number, in digits.")).to_be_hidden()
    assert known(anna.session) == {"age": 18}


def test_without_scripts_the_page_says_that_it_needs_them(
    launch: Launch, new_page: NewPage, live_server: LiveServer
) -> None:
    page = new_page(launch(), java_script_enabled=False)
    anna = begin(page, live_server, *EVERY_ITEM[3:5])
    assert re.search("<noscript>.*These questions require JavaScript.*</noscript>", anna.page)
    expect(page.get_by_role("button", name="Continue")).to_be_disabled()
    assert known(anna.session) == {}


def test_what_is_missing_is_said_beside_its_question_and_nothing_typed_is_lost(
    launch: Launch, new_page: NewPage, live_server: LiveServer
) -> None:
    page = new_page(launch())
    anna = begin(page, live_server, *EVERY_ITEM[3:5], EVERY_ITEM[9], EVERY_ITEM[12])
    page.locator("#q-warm-5").check(force=True)
    page.get_by_role("slider").click(position={"x": 200, "y": 20})
    page.get_by_label("How old are you?").fill("seventeen")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert").filter(has_text="2 answers are missing")).to_be_focused()
    age, smokes = page.locator("[data-question=age]"), page.locator("[data-question=smokes]")
    expect(age.locator("[data-error]")).to_have_text("Please enter a number, in digits.")
    expect(smokes.locator("[data-error]")).to_have_text("Please choose an answer.")
    expect(page.get_by_label("How old are you?")).to_have_value("seventeen")
    expect(page.get_by_label("How old are you?")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("radiogroup", name="Do you smoke?")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("How old are you?").fill("18")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert").filter(has_text="One answer is missing")).to_be_focused()
    expect(age.locator("[data-error]")).to_be_hidden()
    page.get_by_role("link", name="Do you smoke?").click()
    page.locator("#q-smokes").check(force=True)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/consent/*")
    assert known(anna.session).keys() == {"warm", "near", "age", "smokes"}


def test_older_tab_goes_on_when_it_says_so(launch: Launch, new_page: NewPage, live_server: LiveServer) -> None:
    browser = launch()
    page = new_page(browser)
    anna = begin(page, live_server, EVERY_ITEM[1])
    page.get_by_role("radio", name="Tea").check()
    expect(page.get_by_text(SAVED)).to_be_visible()
    new_page(browser).goto(f"{live_server.url}/p/{anna.token}/")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("opened in another tab")).to_be_visible()
    page.get_by_role("button", name="Continue here").click()
    page.wait_for_url("**/consent/")
    assert known(anna.session) == {"drink": "tea"}


@pytest.mark.parametrize("language", ["en", "ar"])
def test_ends_of_a_picture_scale_stand_below_its_first_and_last_picture(
    launch: Launch, new_page: NewPage, live_server: LiveServer, screenshots: Screenshots, language: str
) -> None:
    open_new_study(speaking(asking(EVERY_ITEM[6]), "ar"))
    page = new_page(launch(), viewport={"width": 360, "height": 740})
    page.goto(f"{live_server.url}/s/voices/?language={language}")
    page.get_by_role("button", name="Begin").click()
    pictures = [box_of(picture) for picture in page.locator(".manikins__option").all()]
    low, high = (box_of(end) for end in page.locator(".manikins + .poles span").all())
    assert len({top for _left, _right, top in pictures}) == 1
    assert page.locator(".manikins + .poles span").first.inner_text() == "very unpleasant"
    edge = 1 if language == "ar" else 0
    assert low[edge] == pytest.approx(pictures[0][edge], abs=3)
    assert high[1 - edge] == pytest.approx(pictures[-1][1 - edge], abs=3)
    screenshots(page, f"questions-pictures-{language}")


def speaking(document: dict[str, Any], language: str) -> dict[str, Any]:
    """A study that has the same texts in another language too."""
    return {**document, "languages": ["en", language], "translations": {language: texts_of(parse(document))}}


def box_of(element: Locator) -> tuple[float, float, float]:
    """Left, right, top."""
    box = element.bounding_box()
    assert box is not None
    return box["x"], box["x"] + box["width"], box["y"]


def test_double_click_goes_on_once(launch: Launch, new_page: NewPage, live_server: LiveServer) -> None:
    page = new_page(launch())
    anna = begin(page, live_server, EVERY_ITEM[1])
    page.get_by_role("radio", name="Tea").check()
    page.get_by_role("button", name="Continue").dblclick()
    page.wait_for_url("**/consent/")
    assert Answer.objects.count() == 1
    assert known(anna.session) == {"drink": "tea"}
