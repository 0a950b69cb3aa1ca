"""Visits that go another way than straight through: turned away, interrupted, gone on with elsewhere, taken back, and
made with the keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, Route, expect

from tests.e2e.stack import Stack
from tests.e2e.visitor import FILING_MS, LONG_MS, open_browser, picture
from tests.e2e.walk import barriers, microphone_file

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MOST_TABS = 60
COUNT_MICROPHONES = """() => {
  const own = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (wanted) => {
    localStorage.setItem("microphones", Number(localStorage.getItem("microphones")) + 1);
    return own(wanted);
  };
}"""


@pytest.fixture(scope="module")
def stack(echo_stack: Stack) -> Stack:
    return echo_stack


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = open_browser(playwright, microphone_file(tmp_path_factory.mktemp("microphone")))
    yield browser
    browser.close()


@pytest.fixture
def device(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    context.add_init_script(f"({COUNT_MICROPHONES})()")
    yield context
    context.close()


@pytest.fixture
def other_device(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


def begin(device: BrowserContext, stack: Stack, slug: str) -> Page:
    page = device.new_page()
    page.goto(f"{stack.url}/s/{slug}/")
    page.get_by_role("button", name="Begin").click()
    return page


def agree(page: Page) -> None:
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="I agree").click()


def token(page: Page) -> str:
    return page.url.split("/p/")[1].split("/")[0]


def left_by(stack: Stack, page: Page) -> dict[str, Any]:
    found: dict[str, Any] = stack.script("tests.e2e.inspect_visit", token=token(page))
    return found


def microphones(page: Page) -> int:
    """How often the microphone was asked for."""
    return int(page.evaluate("Number(localStorage.getItem('microphones'))"))


def told(page: Page, heading: str, name: str) -> None:
    expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
    picture(page, name)
    assert barriers(page) == []


def recordings(stack: Stack) -> list[str]:
    folders = [stack.folder / "data" / name for name in ("journal", "recordings")]
    return [str(path) for folder in folders if folder.exists() for path in folder.rglob("*") if path.is_file()]


def saved(page: Page) -> None:
    expect(page.locator("[data-save-status]")).to_have_text("All your answers are saved.", timeout=LONG_MS)


# -- turned away


def test_screened_out_person_is_told_before_anything_is_asked_of_them(device: BrowserContext, stack: Stack) -> None:
    before = recordings(stack)
    page = begin(device, stack, "server-room")
    page.locator("input[name=adult][value=false]").check(force=True)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("This study is for people aged 18 and over.")).to_be_visible()
    told(page, "Thank you for your interest", "visit-screened-out")
    assert microphones(page) == 0
    for place in ("consent", "check", "talk/0", "questions/background"):
        page.goto(f"{stack.url}/p/{token(page)}/{place}/")
        expect(page.get_by_text("This study is for people aged 18 and over.")).to_be_visible()
    page.goto(f"{stack.url}/s/server-room/")
    expect(page.get_by_text("This study is for people aged 18 and over.")).to_be_visible()
    left = left_by(stack, page)
    assert (left["state"], left["consents"], left["answers"], left["outcomes"]) == ("screened", {}, [], [])
    assert left["device"] == {}
    assert recordings(stack) == before


def test_full_quota_of_one_kind_is_told_once_the_kind_is_known(device: BrowserContext, stack: Stack) -> None:
    page = begin(device, stack, "no-adults")
    page.locator("input[name=adult][value=true]").check(force=True)
    page.get_by_role("button", name="Continue").click()
    told(page, "This study has enough participants", "visit-quota-full")
    left = left_by(stack, page)
    assert (left["state"], left["consents"], microphones(page)) == ("full", {}, 0)


def test_quota_of_one_kind_lets_others_in(device: BrowserContext, stack: Stack) -> None:
    page = begin(device, stack, "no-adults")
    page.locator("input[name=adult][value=false]").check(force=True)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Your consent")).to_be_visible()


def test_full_study_is_told_at_its_door(device: BrowserContext, stack: Stack) -> None:
    page = device.new_page()
    page.goto(f"{stack.url}/s/nobody/")
    told(page, "This study has enough participants", "visit-study-full")
    expect(page.get_by_role("button", name="Begin")).to_have_count(0)


@pytest.mark.parametrize(("state", "heading"), [("paused", "This study is paused"), ("closed", "This study has ended")])
def test_study_that_stops_says_so_and_keeps_what_was_answered(
    device: BrowserContext, stack: Stack, state: str, heading: str
) -> None:
    page = begin(device, stack, "ending")
    agree(page)
    page.get_by_label("Where do you live?").fill("Uppsala")
    saved(page)
    link = page.url
    try:
        stack.script("tests.e2e.seed_visits", slug="ending", state=state)
        page.get_by_role("button", name="Continue").click()
        told(page, heading, f"visit-{state}")
        newcomer = device.browser.new_context()  # type: ignore[union-attr]
        other = newcomer.new_page()
        other.goto(f"{stack.url}/s/ending/")
        told(other, heading, f"visit-{state}-at-the-door")
        newcomer.close()
    finally:
        stack.script("tests.e2e.seed_visits", slug="ending", state="open")
    page.goto(link)
    expect(page.get_by_label("Where do you live?")).to_have_value("Uppsala")


# -- elsewhere, and later


def test_second_tab_takes_over_and_the_older_one_says_so(device: BrowserContext, stack: Stack) -> None:
    older = begin(device, stack, "questions")
    agree(older)
    older.get_by_label("Where do you live?").fill("Uppsala")
    saved(older)
    newer = device.new_page()
    newer.goto(f"{stack.url}/p/{token(older)}/")
    over = older.get_by_role("dialog", name="Opened elsewhere")
    expect(over).to_be_visible(timeout=LONG_MS)
    expect(newer.get_by_role("dialog")).to_be_hidden()
    expect(newer.get_by_label("Where do you live?")).to_have_value("Uppsala")
    newer.get_by_label("Where do you live?").fill("Lund")
    saved(newer)
    over.get_by_role("link", name="Continue here instead").click()
    expect(older.get_by_label("Where do you live?")).to_have_value("Lund")
    expect(newer.get_by_role("dialog", name="Opened elsewhere")).to_be_visible(timeout=LONG_MS)


def test_visit_goes_on_at_the_same_place_on_another_device(
    device: BrowserContext, other_device: BrowserContext, stack: Stack
) -> None:
    first = begin(device, stack, "questions")
    agree(first)
    first.get_by_label("Where do you live?").fill("Uppsala, Sweden")
    first.locator("input[name=used][value='6']").check(force=True)
    first.get_by_label("How was your day?").fill("Long,\nbut good")
    saved(first)
    first.get_by_text("Come back later").click()
    link = first.get_by_label("Your link").input_value()
    picture(first, "visit-come-back-later")
    place = first.url
    first.close()
    second = other_device.new_page()
    second.goto(link)
    expect(second).to_have_url(place)
    expect(second.get_by_label("Where do you live?")).to_have_value("Uppsala, Sweden")
    expect(second.locator("input[name=used][value='6']")).to_be_checked()
    expect(second.get_by_label("How was your day?")).to_have_value("Long,\nbut good")
    second.get_by_role("button", name="Continue").click()
    expect(second.locator("[data-error-summary]")).to_be_focused()
    picture(second, "visit-questions-missing")
    assert barriers(second) == []
    expect(second.get_by_label("Where do you live?")).to_have_value("Uppsala, Sweden")


def test_answer_given_before_the_script_of_the_page_has_come_is_saved(
    device: BrowserContext, other_device: BrowserContext, stack: Stack
) -> None:
    page = begin(device, stack, "questions")
    late: list[Route] = []
    page.route("**/js/pages/questions.js", lambda route: late.append(route))
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="I agree").click(no_wait_after=True)
    page.wait_for_url(re.compile("/questions/background/$"), wait_until="commit")
    page.get_by_label("Where do you live?").fill("Uppsala")
    page.locator("input[name=drink][value=tea]").check(force=True)
    for route in late:
        route.continue_()
    saved(page)
    other = other_device.new_page()
    other.goto(f"{stack.url}/p/{token(page)}/")
    expect(other.get_by_label("Where do you live?")).to_have_value("Uppsala")
    expect(other.locator("input[name=drink][value=tea]")).to_be_checked()


def test_withdrawal_in_the_middle_of_questions_erases_them(device: BrowserContext, stack: Stack) -> None:
    page = begin(device, stack, "questions")
    agree(page)
    page.get_by_label("Where do you live?").fill("Uppsala")
    saved(page)
    assert left_by(stack, page)["answers"] == [["town", None, None, "Uppsala"]]
    page.get_by_role("link", name="Stop and erase everything").click()
    told(page, "Stop and erase everything?", "visit-withdraw")
    page.get_by_role("button", name="Erase everything").click()
    told(page, "You have withdrawn", "visit-withdrawn")
    left = left_by(stack, page)
    assert (left["state"], left["answers"], left["pages"]) == ("withdrawn", [], [])
    with page.expect_download() as receipt:
        page.get_by_role("link", name="Download the receipt").click()
    assert "answers" in receipt.value.path().read_text()
    page.goto(f"{stack.url}/p/{token(page)}/questions/background/")
    expect(page.get_by_role("heading", name="You have withdrawn")).to_be_visible()


# -- with the keyboard alone


class Keyboard:
    """Somebody who has no mouse; what has the focus must be seen to have it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, target: Locator) -> None:
        """Tab until it has the focus; what is disabled, as a player is until its recording has come, cannot have it."""
        expect(target).to_be_enabled(timeout=FILING_MS)
        for _ in range(MOST_TABS):
            if target.evaluate("element => element === document.activeElement"):
                assert target.evaluate(FOCUS_IS_SEEN), f"no focus is seen on {target}"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} cannot be reached")

    def press(self, target: Locator, key: str = "Enter") -> None:
        self.reach(target)
        self.page.keyboard.press(key)

    def choose(self, radios: Locator, steps: int = 0) -> None:
        """The radio so many steps after the first."""
        self.press(radios.first, "Space")
        for _ in range(steps):
            self.page.keyboard.press("ArrowRight")
        expect(radios.nth(steps)).to_be_checked()

    def write(self, target: Locator, text: str) -> None:
        self.reach(target)
        self.page.keyboard.type(text)


FOCUS_IS_SEEN = """(element) => {
  const shown = [element, element.parentElement, element.nextElementSibling].filter(Boolean);
  return shown.some((each) => {
    const style = getComputedStyle(each);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  });
}"""


def test_whole_visit_by_keyboard_alone(device: BrowserContext, stack: Stack) -> None:
    page = device.new_page()
    page.goto(f"{stack.url}/s/questions/")
    keyboard = Keyboard(page)
    keyboard.press(page.get_by_role("button", name="Begin"))
    page.wait_for_url(re.compile("/consent/$"))
    for box in page.get_by_role("checkbox").all():
        keyboard.press(box, "Space")
    keyboard.press(page.get_by_role("button", name="I agree"))
    page.wait_for_url(re.compile("/questions/background/$"))
    keyboard.write(page.get_by_label("Where do you live?"), "Uppsala")
    keyboard.choose(page.locator("input[name=used]"), steps=4)
    keyboard.press(page.get_by_role("slider", name="How awake are you?"), "End")
    keyboard.choose(page.locator("input[name=drink]"), steps=1)
    keyboard.write(page.get_by_label("How was your day?"), "Good")
    keyboard.press(page.get_by_role("button", name="Continue"))
    page.wait_for_url(re.compile("/check/$"))
    keyboard.press(page.locator("[data-part=listen]:enabled"))
    page.locator("[data-part=microphone-result]:not(:empty)").wait_for(timeout=FILING_MS)
    keyboard.press(page.locator("[data-part=play]"))
    page.locator("[data-part=heard-yes]").wait_for(timeout=LONG_MS)
    keyboard.press(page.locator("[data-part=heard-yes]"))
    keyboard.choose(page.locator("input[name=output]"))
    page.locator("[data-part=continue]:enabled").wait_for(timeout=FILING_MS)
    keyboard.press(page.locator("[data-part=continue]"))
    for number in range(2):
        page.wait_for_url(re.compile(f"/talk/{number}/$"))
        keyboard.press(page.locator("[data-part=start]"))
        expect(page.locator("#talk")).to_have_attribute("data-state", "live", timeout=LONG_MS)
        page.wait_for_timeout(3_000)
        keyboard.press(page.locator("[data-part=end]"))
        if page.get_by_role("dialog").is_visible():  # nothing was said yet
            keyboard.press(page.locator("[data-part=end-anyway]"))
        expect(page.locator("#talk")).to_have_attribute("data-state", "ended", timeout=LONG_MS)
        keyboard.press(page.locator("[data-part=next]"))
    page.wait_for_url(re.compile(r"/compare/\d+/$"))
    for side in page.locator(".side").all():
        keyboard.press(side.get_by_role("button", name=re.compile("^Play: Answer")))
        expect(side.locator("[data-heard-tag]")).to_have_text("heard", timeout=FILING_MS)
    keyboard.choose(page.locator("input[name=prefer]"), steps=2)  # past "No difference"
    keyboard.press(page.get_by_role("button", name="Continue"))
    expect(page.locator(".completion-code")).to_be_visible(timeout=FILING_MS)
    left = left_by(stack, page)
    answers = {item: value for item, _, _, value in left["answers"]}
    assert left["state"] == "finished"
    assert answers == {"town": "Uppsala", "used": 5, "awake": 100, "drink": "coffee", "day": "Good", "prefer": "B"}
