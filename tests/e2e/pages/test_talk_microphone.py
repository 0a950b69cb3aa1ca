"""The microphone of a talk is lost, or the system mutes it: the page says so, and the conversation is offered again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.pages.conftest import Launch, NewPage, Screenshots
from tests.e2e.pages.server import PageServer, Recording
from tests.e2e.pages.test_talk import start, state

pytestmark = pytest.mark.browser

KEEP_TRACK = """
const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (options) => {
  const stream = await get(options);
  [window.track] = stream.getAudioTracks();
  return stream;
};
"""
KEPT = "What has been said so far is saved, and you can have this conversation again."
END = "window.track.stop(); window.track.dispatchEvent(new Event('ended'));"
ENDED = "The microphone was disconnected"
LONG_MS = 30_000


@pytest.fixture(scope="module")
def browser(launch: Launch) -> Browser:
    return launch("--use-fake-ui-for-media-stream", loop=True)


def talking(browser: Browser, new_page: NewPage, url: str) -> Page:
    page = new_page(browser)
    page.add_init_script(KEEP_TRACK)
    start(page, url)
    state(page, "live")
    page.wait_for_timeout(500)  # something is said
    return page


def lost(page: Page, title: str, recording: Recording) -> None:
    """The page says what was lost, the take has ended for that, over its one connection, and another one can follow."""
    expect(page.get_by_role("heading", name=title)).to_be_focused(timeout=LONG_MS)
    expect(page.locator("[data-part=text]")).to_contain_text(KEPT)
    assert [dict(event.data) for event in recording.of("end")] == [{"reason": "microphone_lost"}]
    assert recording.connections == 1
    page.get_by_role("button", name="Start again").click()
    state(page, "live")
    assert recording.connections == 2


def test_unplugged_microphone_ends_the_take_and_offers_another(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str, screenshots: Screenshots
) -> None:
    recording = server.reset()
    page = talking(browser, new_page, talk_url)
    page.evaluate(END)
    expect(page.get_by_role("heading", name=ENDED)).to_be_visible()
    screenshots(page, "talk-microphone-lost")
    said = len(recording.frames)
    assert said > 0
    page.wait_for_timeout(500)
    assert len(recording.frames) == said  # no other microphone was opened
    lost(page, ENDED, recording)


def test_permission_that_is_withdrawn_ends_the_take(
    launch: Launch, new_page: NewPage, server: PageServer, talk_url: str
) -> None:
    recording = server.reset()
    page = talking(launch(loop=True), new_page, talk_url)
    page.context.clear_permissions()
    expect(page.get_by_role("heading", name="The microphone is no longer allowed")).to_be_visible(timeout=LONG_MS)
    page.context.grant_permissions(["microphone"])
    lost(page, "The microphone is no longer allowed", recording)


def test_microphone_that_sends_nothing_any_more_ends_the_take(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str
) -> None:
    recording = server.reset()
    page = talking(browser, new_page, talk_url)
    page.evaluate("window.track.stop()")  # and nothing tells the page
    lost(page, "The microphone stopped sending sound", recording)


def test_microphone_that_the_system_mutes_pauses_the_talk(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str
) -> None:
    recording = server.reset()
    page = talking(browser, new_page, talk_url)
    page.evaluate("window.track.dispatchEvent(new Event('mute'))")
    state(page, "paused")
    expect(page.locator("[data-part=status]")).to_contain_text("your system has muted the microphone")
    page.evaluate("window.track.dispatchEvent(new Event('unmute'))")
    state(page, "live")
    assert (recording.of("end"), recording.connections) == ([], 1)


def test_microphone_that_stays_muted_by_the_system_is_lost(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str
) -> None:
    recording = server.reset()
    page = talking(browser, new_page, talk_url)
    page.evaluate("window.track.dispatchEvent(new Event('mute'))")
    lost(page, "Your system muted the microphone", recording)
