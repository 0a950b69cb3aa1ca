"""A talk that ends before there was an answer asks once whether that is meant."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from inference.contract import wire
from inference.contract.audio import float32_to_pcm16
from tests.e2e.pages.conftest import Launch, NewPage, Screenshots, voiced
from tests.e2e.pages.server import PageServer, Script
from tests.e2e.pages.test_talk import start, state

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(launch: Launch) -> Browser:
    return launch("--use-fake-ui-for-media-stream", loop=True)


def live(browser: Browser, new_page: NewPage, url: str) -> Page:
    page = new_page(browser)
    start(page, url)
    state(page, "live")
    return page


def test_end_before_the_first_answer_is_asked_about_once(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str, screenshots: Screenshots
) -> None:
    recording = server.reset()
    page = live(browser, new_page, talk_url)
    end = page.get_by_role("button", name="End the conversation")
    question = page.get_by_role("dialog", name="The machine has not answered yet")
    end.click()
    expect(question).to_be_visible()
    screenshots(page, "talk-early-end")
    page.get_by_role("button", name="Wait for the answer").click()
    expect(question).to_be_hidden()
    state(page, "live")
    assert recording.of("end") == []
    end.click()
    state(page, "ended")
    assert [dict(event.data) for event in recording.of("end")] == [{}]


def test_end_can_be_confirmed(browser: Browser, new_page: NewPage, server: PageServer, talk_url: str) -> None:
    server.reset()
    page = live(browser, new_page, talk_url)
    page.get_by_role("button", name="End the conversation").click()
    page.get_by_role("button", name="End anyway").click()
    state(page, "ended")
    expect(page.get_by_role("heading", name="Conversation finished")).to_be_focused()


@pytest.mark.parametrize(
    "script",
    [
        Script(float32_to_pcm16(voiced(4))),
        Script(agent_events={2: [wire.Metadata("turn", {"state": "speaking", "turn": 0})]}),
    ],
    ids=["heard", "said to be speaking"],
)
def test_end_after_an_answer_is_not_asked_about(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str, script: Script
) -> None:
    recording = server.reset(script)
    page = live(browser, new_page, talk_url)
    page.wait_for_function("document.querySelector('[data-part=status]').textContent !== ''")
    while len(recording.playback) < 3:  # what was sent sounds
        page.wait_for_timeout(100)
    page.get_by_role("button", name="End the conversation").click()
    state(page, "ended")


def test_question_about_the_end_goes_when_the_talk_does(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str
) -> None:
    server.reset(Script(ends_after=(150, "limit", "The time for this conversation is over.")))
    page = live(browser, new_page, talk_url)
    page.get_by_role("button", name="End the conversation").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    state(page, "ended")
    expect(page.get_by_role("dialog")).to_be_hidden()
