"""A visitor of the demo asks twice in two voices and compares; a researcher then finds it all and plays it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from inference.contract.audio import SAMPLE_RATE_HZ
from tests.e2e.filing import filed
from tests.e2e.stack import Stack
from tests.e2e.visitor import enter, open_browser, picture, talk
from tests.speech import conversation, write_microphone

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(400)]

QUESTION = "Can you tell me a very short story about a sailor?"
TALK_SEC = 11.0


@pytest.fixture(scope="module")
def stack(local_stack: Stack) -> Stack:
    return local_stack


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Browser:
    wav = tmp_path_factory.mktemp("microphone") / "microphone.wav"
    return open_browser(playwright, write_microphone(wav, conversation([QUESTION], pause_sec=12, lead_sec=2.5)))


def test_visitor_asks_again_in_another_voice_and_compares(stack: Stack, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(stack.url)
    picture(page, "start")
    enter(page, stack.url, "explore")
    page.get_by_role("heading", name="Choose, then talk").wait_for()
    picture(page, "explore-4-choose")
    page.get_by_role("radio", name=re.compile("^My own voice As it is")).check(force=True)
    page.get_by_role("radio", name=re.compile("^Hear a short story")).check(force=True)
    page.get_by_role("button", name="Go to the talk").click()
    talk(page, "explore-5-live", TALK_SEC)
    page.get_by_role("heading", name="My own voice").wait_for()
    picture(page, "explore-6-latest")
    page.get_by_role("button", name="Lower", exact=True).click()
    talk(page, "explore-7-live-lower", TALK_SEC)
    page.get_by_role("heading", name="Lower").wait_for()
    page.get_by_role("button", name="Compare the ticked ones").click()
    page.get_by_role("heading", name="Side by side").wait_for()
    expect(page.get_by_role("heading", name="What differs")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Measurements are being made")).to_have_count(0, timeout=60_000)
    expect(page.get_by_text("The recording is being prepared")).to_have_count(0, timeout=60_000)
    expect(page.get_by_text("Loading …")).to_have_count(0, timeout=60_000)
    picture(page, "explore-8-compare")
    text = page.locator("main").inner_text()
    for measure in ("speech rate", "pitch", "sentiment"):
        assert re.search(measure, text, re.IGNORECASE), f"{measure} is not compared"
    token = page.url.split("/p/")[1].split("/")[0]
    medians = stack.script("tests.e2e.inspect_metric", session=token, track="heard", name="f0_median_hz")
    own, lower = (value["value"] for value in medians)
    assert lower / own == pytest.approx(0.59, rel=0.05)


def test_visitor_who_closes_the_tab_comes_back_by_the_link(stack: Stack, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    enter(page, stack.url, "explore")
    page.get_by_role("radio", name=re.compile("^My own voice As it is")).check(force=True)
    page.get_by_role("radio", name=re.compile("^Talk freely")).check(force=True)
    page.get_by_role("button", name="Go to the talk").click()
    with page.expect_response(re.compile(r"/takes/\?")) as started:
        page.get_by_role("button", name="Start talking").click()
    take = started.value.json()["take"]
    expect(page.locator("#talk")).to_have_attribute("data-state", "live", timeout=30_000)
    page.wait_for_timeout(3_000)
    link = page.url.split("/talk/")[0] + "/"
    page.close()
    found = filed(stack, take)
    assert found["outcome"] == "abandoned"
    assert found["tracks"]["participant"]["duration_samples"] > SAMPLE_RATE_HZ
    again = context.new_page()
    again.goto(link)
    expect(again.get_by_text("broke off").first).to_be_visible()
    context.close()


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
