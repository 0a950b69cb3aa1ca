"""A visitor of the demo asks twice in two voices and compares; a researcher then finds it all and plays it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright, expect

from inference.contract.audio import SAMPLE_RATE_HZ
from tests.e2e.filing import filed
from tests.e2e.stack import Stack
from tests.e2e.visitor import FILING_MS, LONG_MS, explore_talk, open_browser, picture
from tests.e2e.walk import barriers
from tests.speech import conversation, write_microphone

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(400)]

QUESTION = "Can you tell me a very short story about a sailor?"
TALK_SEC = 11.0
MOST_WORDS = 150
MOST_BYTES = 350_000
MOST_TABS = 80
EFFECT = re.compile(r"^\d+ → \d+ Hz: ")
COUNT_CLICKS = """addEventListener("click", (event) => {
  if (event.isTrusted) sessionStorage.setItem("clicks", Number(sessionStorage.getItem("clicks") ?? 0) + 1);
}, true);"""


@pytest.fixture(scope="module")
def stack(local_stack: Stack) -> Stack:
    return local_stack


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Browser:
    wav = tmp_path_factory.mktemp("microphone") / "microphone.wav"
    return open_browser(playwright, write_microphone(wav, conversation([QUESTION], pause_sec=12, lead_sec=2.5)))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Counts the clicks on all pages; fails the test when a script does."""
    context = browser.new_context(permissions=["microphone"])
    context.add_init_script(COUNT_CLICKS)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    yield page
    context.close()
    assert problems == []


def clicks(page: Page) -> int:
    return int(page.evaluate("Number(sessionStorage.getItem('clicks') ?? 0)"))


def words(page: Page, selector: str) -> list[str]:
    """What is there to be read."""
    return str(page.locator(selector).inner_text()).split()


def at_explore(page: Page, stack: Stack) -> None:
    """From the start page to where one may talk."""
    page.goto(stack.url)
    page.get_by_role("button", name="Talk to it").click()
    page.get_by_role("button", name="Agree to all, allow microphone").click()
    page.get_by_role("button", name="Talk", exact=True).wait_for()


def test_three_clicks_and_few_words_stand_before_the_first_word(stack: Stack, page: Page) -> None:
    read: list[str] = []
    page.goto(stack.url)
    picture(page, "start")
    read += words(page, ".hero")
    page.get_by_role("button", name="Talk to it").click()
    page.get_by_role("button", name="Agree to all, allow microphone").wait_for()
    picture(page, "explore-1-consent")
    read += words(page, "main")
    page.get_by_role("button", name="Agree to all, allow microphone").click()
    expect(page.get_by_text("You are heard well.")).to_be_visible(timeout=LONG_MS)
    picture(page, "explore-2-ready")
    read += words(page, "main")
    page.get_by_role("button", name="Talk", exact=True).click()
    expect(page.locator("#explore")).to_have_attribute("data-state", "live", timeout=LONG_MS)
    expect(page.get_by_text("It understood:")).to_be_visible(timeout=LONG_MS)
    assert clicks(page) == 3
    assert len(read) <= MOST_WORDS, " ".join(read)
    token = page.url.split("/p/")[1].split("/")[0]
    seen = stack.script("tests.e2e.inspect_visit", token=token)
    assert seen["consents"] == {"participate": True, "record": True, "convert": True, "third_party": True}


def test_visitor_asks_again_in_one_click_and_compares(stack: Stack, page: Page) -> None:
    at_explore(page, stack)
    explore_talk(page, "explore-3-live", TALK_SEC)
    first = page.locator("[data-talk]").first
    expect(first.locator(".words__turn--agent")).to_be_visible(timeout=FILING_MS)
    picture(page, "explore-4-answer")
    before = clicks(page)
    first.get_by_role("button", name="Lower", exact=True).click()
    second = page.locator(".own-talk--live")
    expect(second.get_by_text("The machine is speaking")).to_be_visible(timeout=LONG_MS)
    picture(page, "explore-5-asked-again")
    assert clicks(page) == before + 1
    boxes = [card.bounding_box() for card in (first, second)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["y"] == boxes[1]["y"]
    expect(page.locator("[data-talk]")).to_have_count(2, timeout=LONG_MS)
    expect(page.locator("[data-talk] .words__turn--agent")).to_have_count(2, timeout=FILING_MS)
    page.get_by_role("button", name="Show what differs").click()
    expect(page.get_by_role("heading", name="What differs")).to_be_visible(timeout=FILING_MS)
    expect(page.get_by_text("Measurements are being made")).to_have_count(0, timeout=FILING_MS)
    picture(page, "explore-6-compare")
    text = page.locator("[data-part=differences]").inner_text()
    for measure in ("speech rate", "pitch", "sentiment"):
        assert re.search(measure, text, re.IGNORECASE), f"{measure} is not compared"
    token = page.url.split("/p/")[1].split("/")[0]
    medians = stack.script("tests.e2e.inspect_metric", session=token, track="heard", name="f0_median_hz")
    own, lower = (value["value"] for value in medians)
    assert lower / own == pytest.approx(0.59, rel=0.05)
    asked = stack.script("tests.e2e.inspect_visit", token=token)["asked_from"]
    assert asked == [None, first.get_attribute("data-talk")]
    assert barriers(page) == []
    page.get_by_role("button", name="Erase", exact=True).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Keep").click()
    expect(page.locator("[data-talk]")).to_have_count(2)
    page.get_by_role("button", name="Erase", exact=True).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Erase", exact=True).click()
    expect(page.locator("[data-talk]")).to_have_count(1)
    page.get_by_role("button", name="I am done").click()
    picture(page, "explore-7-done")
    page.get_by_role("button", name="Yes, I am done").click()
    page.wait_for_url(re.compile(rf"^{stack.url}/(\?|$)"))


def test_voice_is_heard_before_the_talk_and_says_what_it_does_to_this_person(stack: Stack, page: Page) -> None:
    at_explore(page, stack)
    expect(page.get_by_text("You are heard well.")).to_be_visible(timeout=LONG_MS)
    page.locator("[data-choice=voice] summary").click()
    lower = page.locator(".explore__option", has=page.locator("input[value=lower]"))
    expect(lower.locator("[data-effect]")).to_have_text(EFFECT, timeout=LONG_MS)
    own, expected = (int(hz) for hz in re.findall(r"\d+", lower.locator("[data-effect]").inner_text()))
    assert expected == pytest.approx(0.59 * own, abs=1)
    lower.get_by_role("button", name="Hear yourself: Lower").click()
    expect(lower.get_by_role("button")).to_have_text("■", timeout=LONG_MS)
    expect(lower.locator("[data-effect]")).to_have_text(EFFECT)
    achieved = int(re.findall(r"\d+", lower.locator("[data-effect]").inner_text())[1])
    assert achieved / own == pytest.approx(0.59, rel=0.05)


def test_explore_page_has_no_barriers_and_is_light(stack: Stack, page: Page) -> None:
    """axe before and after consent; bytes as they come over the wire, to a browser that has nothing yet."""
    received: list[float] = []
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    page.goto(stack.url)
    assert barriers(page) == []
    network.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    network.send("Network.clearBrowserCache")
    page.get_by_role("button", name="Talk to it").click()
    page.get_by_role("button", name="Agree to all, allow microphone").wait_for()
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Agree to all, allow microphone").click()
    page.get_by_role("button", name="Talk", exact=True).wait_for()
    page.wait_for_load_state("networkidle")
    assert 0 < sum(received) <= MOST_BYTES
    page.locator("[data-choice=voice] summary").click()
    picture(page, "explore-8-voices")
    assert barriers(page) == []


def test_whole_page_is_used_with_the_keyboard(stack: Stack, page: Page) -> None:
    page.goto(stack.url)
    tab_to(page, page.get_by_role("button", name="Talk to it"))
    page.keyboard.press("Enter")
    agree = page.get_by_role("button", name="Agree to all, allow microphone")
    agree.wait_for()
    tab_to(page, agree)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Talk", exact=True)).to_be_focused()
    tab_to(page, page.locator("[data-choice=voice] summary"), backwards=True)
    page.keyboard.press("Enter")
    tab_to(page, page.locator("input[name=voice]:checked"))
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-choice=voice] [data-chosen]")).to_have_text("My own voice, processed")
    tab_to(page, page.get_by_role("button", name="Talk", exact=True))
    page.keyboard.press("t")
    expect(page.locator("#explore")).to_have_attribute("data-state", "live", timeout=LONG_MS)
    page.keyboard.press("m")
    expect(page.get_by_role("button", name="Unmute")).to_be_visible()
    page.keyboard.press("m")
    expect(page.get_by_text("The machine is speaking")).to_be_visible(timeout=LONG_MS)
    page.keyboard.press("e")
    expect(page.locator("[data-talk]")).to_have_count(1, timeout=LONG_MS)
    again = page.get_by_role("button", name="In the same voice")
    tab_to(page, again)
    page.keyboard.press("Enter")
    expect(page.locator(".own-talk--live")).to_be_visible()
    expect(page.locator("[data-talk]")).to_have_count(2, timeout=LONG_MS)


def tab_to(page: Page, wanted: Locator, *, backwards: bool = False) -> None:
    """Presses Tab until the element has the focus."""
    for _ in range(MOST_TABS):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
    raise AssertionError(f"{wanted} is not reached with the keyboard")


def test_visitor_who_closes_the_tab_comes_back_by_the_link(stack: Stack, page: Page) -> None:
    at_explore(page, stack)
    with page.expect_response(re.compile(r"/explore/talks/\?")) as started:
        page.get_by_role("button", name="Talk", exact=True).click()
    take = started.value.json()["take"]
    expect(page.locator("#explore")).to_have_attribute("data-state", "live", timeout=LONG_MS)
    page.wait_for_timeout(3_000)
    link = page.url.split("/explore/")[0] + "/"
    context = page.context
    page.close()
    found = filed(stack, take)
    assert found["outcome"] == "abandoned"
    assert found["tracks"]["participant"]["duration_samples"] > SAMPLE_RATE_HZ
    again = context.new_page()
    again.goto(link)
    expect(again.get_by_text("broke off early").first).to_be_visible()


def sign_in(page: Page, stack: Stack) -> None:
    found = re.search(r"Name: (\S+)\s+Password: (\S+)", stack.log)
    assert found
    page.goto(f"{stack.url}/admin/")
    picture(page, "research-1-sign-in")
    page.get_by_label("Username").fill(found[1])
    page.get_by_label("Password").fill(found[2])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/admin/$"))


def test_researcher_sees_what_goes_on_and_plays_the_tracks(stack: Stack, browser: Browser) -> None:
    page = browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    sign_in(page, stack)
    picture(page, "research-2-now")
    page.goto(f"{stack.url}/admin/studies/study/")
    picture(page, "research-3-studies")
    page.goto(f"{stack.url}/admin/studies/session/")
    picture(page, "research-4-sessions")
    page.goto(f"{stack.url}/admin/studies/take/?outcome__exact=completed")
    picture(page, "research-5-takes")
    page.locator("#result_list a[href*='/take/']").first.click()
    player = page.locator("[data-multitrack]")
    play = player.get_by_role("button", name=re.compile("^play", re.IGNORECASE)).first
    play.wait_for(timeout=30_000)
    picture(page, "research-6-take")
    play.click()
    page.wait_for_timeout(1_500)
    assert player.get_by_role("button", name=re.compile("^pause", re.IGNORECASE)).count() == 1
    assert problems == []
