"""What the talk page shows in every state and for every trouble."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from inference.contract import wire
from inference.contract.audio import float32_to_pcm16
from tests.e2e.pages.conftest import Launch, NewPage, Screenshots, voiced
from tests.e2e.pages.server import PageServer, Script

pytestmark = pytest.mark.browser

SPOKEN = "You could take a slow train to the coast and walk along the cliffs if you like fresh air."


def spoken_words() -> dict[int, list[wire.Metadata]]:
    """One turn of an agent: a word every 160 ms from step 2 on."""
    events = {
        2 + 2 * place: [
            wire.Metadata(
                "words", {"text": word, "start_ms": 160 + 160 * place, "end_ms": 320 + 160 * place, "turn": 1}
            )
        ]
        for place, word in enumerate(SPOKEN.split())
    }
    events[1] = [wire.Metadata("turn", {"state": "speaking", "turn": 1})]
    return events


def state(page: Page, name: str) -> None:
    page.locator(f"#talk[data-state={name}]").wait_for(timeout=15_000)


def start(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Start talking").click()


@pytest.fixture(scope="module")
def browser(launch: Launch) -> Browser:
    return launch("--use-fake-ui-for-media-stream", loop=True)


def test_talk_from_start_to_end(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str, screenshots: Screenshots
) -> None:
    script = Script(float32_to_pcm16(voiced(4)), spoken_words(), queue=[3, 2], queue_sec=2.5)
    recording = server.reset(script)
    page = new_page(browser)
    page.goto(talk_url)
    assert page.evaluate("navigator.mediaDevices.enumerateDevices().then(d => d.length)") >= 1
    screenshots(page, "talk-idle")
    page.get_by_role("button", name="Start talking").click()
    state(page, "queue")
    expect(page.get_by_role("heading", name="You are number 3 in the queue")).to_be_visible()
    screenshots(page, "talk-queue")
    state(page, "live")
    assert recording.frames == {} or min(recording.frames) == 0
    expect(page.get_by_role("log")).to_contain_text("slow train", timeout=10_000)
    expect(page.locator("[data-part=status]")).to_have_text("The machine is speaking")
    page.wait_for_timeout(1_500)
    screenshots(page, "talk-live")
    expect(page.get_by_role("log")).to_have_text(SPOKEN)
    assert page.locator("[data-part=elapsed]").inner_text() >= "0:01"
    page.get_by_role("button", name="Mute").click()
    expect(page.get_by_role("button", name="Unmute")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-part=status]")).to_have_text("You are muted: the machine does not hear you")
    page.get_by_role("button", name="Unmute").click()
    expect(page.locator("[data-part=status]")).to_have_text("The machine is speaking")
    page.get_by_role("button", name="End the conversation").click()
    state(page, "ended")
    expect(page.get_by_role("heading", name="Conversation finished")).to_be_focused()
    screenshots(page, "talk-ended")
    page.get_by_role("link", name="Continue").click()
    expect(page).to_have_title("Done")


def test_microphone_is_not_touched_before_the_click(browser: Browser, new_page: NewPage, talk_url: str) -> None:
    page = new_page(browser)
    page.add_init_script(
        "window.asked = 0; const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);"
        "navigator.mediaDevices.getUserMedia = (options) => { window.asked++; return get(options); }"
    )
    page.goto(talk_url)
    page.wait_for_timeout(500)
    assert page.evaluate("window.asked") == 0
    page.get_by_role("button", name="Start talking").click()
    state(page, "live")
    assert page.evaluate("window.asked") == 1


def test_lost_connection_is_shown_and_found_again(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str, screenshots: Screenshots
) -> None:
    recording = server.reset(Script(drops=[(60, 4.0)]))
    page = new_page(browser)
    start(page, talk_url)
    state(page, "reconnecting")
    screenshots(page, "talk-reconnecting")
    state(page, "live")
    assert recording.connections == 2


def test_connection_that_stays_away_ends_the_talk(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str
) -> None:
    server.reset(Script(drops=[(60, 60.0)]))
    page = new_page(browser)
    start(page, talk_url)
    state(page, "reconnecting")
    page.locator("#talk[data-state=ended]").wait_for(timeout=25_000)
    expect(page.get_by_role("heading", name="The connection was lost")).to_be_visible()
    expect(page.get_by_role("button", name="Start again")).to_be_visible()


@pytest.mark.parametrize(
    ("reason", "title", "action"),
    [
        ("limit", "Time is up", "Continue"),
        ("recording_failed", "The recording stopped", "Start again"),
        ("another_tab", "This session was opened in another window", "Continue here"),
        ("abandoned", "The connection was lost", "Start again"),
    ],
)
def test_server_ends_the_talk(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str, reason: str, title: str, action: str
) -> None:
    server.reset(Script(ends_after=(20, reason, "As the server says it.")))
    page = new_page(browser)
    start(page, talk_url)
    state(page, "ended")
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.get_by_text("As the server says it.")).to_be_visible()
    expect(page.locator("[data-part=start], [data-part=next]").filter(visible=True)).to_have_text(action)


def test_another_take_can_follow(browser: Browser, new_page: NewPage, server: PageServer, talk_url: str) -> None:
    server.reset(Script(ends_after=(20, "abandoned", "The connection was lost for too long.")))
    page = new_page(browser)
    start(page, talk_url)
    state(page, "ended")
    recording = server.reset()
    page.get_by_role("button", name="Start again").click()
    state(page, "live")
    page.wait_for_timeout(500)
    assert 0 in recording.frames


LOST = Script(ends_after=(20, "engine_lost", "The machine stopped unexpectedly. What has been said so far is saved."))


def test_lost_machine_is_followed_by_a_new_take_by_itself(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str, screenshots: Screenshots
) -> None:
    server.reset(LOST)
    page = new_page(browser)
    start(page, talk_url)
    state(page, "restarting")
    recording = server.reset()
    expect(page.get_by_role("heading", name="The machine stopped")).to_be_focused()
    expect(page.get_by_text("What has been said so far is saved.")).to_be_visible()
    expect(page.get_by_role("timer")).to_have_text("A new conversation begins automatically in 4 seconds.")
    screenshots(page, "talk-restarting")
    assert [path for path, _ in server.posts if path == "/takes/"] == []
    state(page, "live")
    page.wait_for_timeout(500)
    assert 0 in recording.frames
    assert [path for path, _ in server.posts if path == "/takes/"] == ["/takes/"]


def test_participant_stops_the_countdown(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str
) -> None:
    server.reset(LOST)
    page = new_page(browser)
    start(page, talk_url)
    state(page, "restarting")
    page.get_by_role("button", name="Stop here").click()
    state(page, "ended")
    expect(page.get_by_role("heading", name="The machine stopped")).to_be_visible()
    page.wait_for_timeout(5_500)
    assert [path for path, _ in server.posts if path == "/takes/"] == ["/takes/"]
    expect(page.get_by_role("button", name="Start again")).to_be_visible()


def test_machine_that_is_lost_again_and_again_waits_for_a_click(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str
) -> None:
    server.reset(LOST)
    page = new_page(browser)
    start(page, talk_url)
    for _ in range(3):
        server.recording.frames.clear()
        page.get_by_role("button", name="Continue now").click()
    state(page, "ended")
    expect(page.get_by_text("It has stopped several times in a row.")).to_be_visible()
    server.reset()
    page.get_by_role("button", name="Start again").click()
    state(page, "live")


AWAY = "The machine is unavailable for a moment; what you say is being saved"
REMEMBER_STATUS = """
window.told = [];
new MutationObserver(() => {
  const text = document.querySelector("[data-part=status]")?.textContent;
  if (text && window.told.at(-1) !== text) window.told.push(text);
}).observe(document, {subtree: true, childList: true, characterData: true});
"""


def test_engine_that_is_away_is_told(browser: Browser, new_page: NewPage, server: PageServer, talk_url: str) -> None:
    """All that the page said counts: on a busy machine the moment may be over before anybody looks."""
    away = [wire.Metadata("away", {"away": gone}) for gone in (True, False)]
    server.reset(Script(agent_events={25: away[:1], 45: away[1:]}))
    page = new_page(browser)
    page.add_init_script(REMEMBER_STATUS)
    start(page, talk_url)
    state(page, "live")
    told: list[str] = []
    for _ in range(200):
        told = page.evaluate("window.told")
        if AWAY in told[:-1]:
            break
        page.wait_for_timeout(100)
    assert AWAY in told, told
    assert told[told.index(AWAY) + 1] == "You are live: speak"


def test_refused_take_says_why(browser: Browser, new_page: NewPage, server: PageServer, talk_url: str) -> None:
    server.reset(Script(refuse_take=(503, "no_worker", "All machines are switched off. Please try again later.")))
    page = new_page(browser)
    start(page, talk_url)
    state(page, "failed")
    expect(page.get_by_text("All machines are switched off. Please try again later.")).to_be_visible()


def test_refused_socket_says_why(browser: Browser, new_page: NewPage, server: PageServer, talk_url: str) -> None:
    server.reset(Script(refuse_socket=(4403, "no_consent", "There is no consent to be recorded.")))
    page = new_page(browser)
    start(page, talk_url)
    state(page, "ended")
    expect(page.get_by_text("There is no consent to be recorded.")).to_be_visible()
    expect(page.get_by_role("link", name="Continue")).to_be_visible()


def test_leaving_the_queue_goes_back_to_the_start(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str
) -> None:
    recording = server.reset(Script(queue=[4] * 40))
    page = new_page(browser)
    start(page, talk_url)
    state(page, "queue")
    page.get_by_role("button", name="Leave the queue").click()
    state(page, "idle")
    assert recording.frames == {}


def test_no_microphone(launch: Launch, new_page: NewPage, talk_url: str) -> None:
    page = new_page(launch(microphone=False))
    start(page, talk_url)
    state(page, "failed")
    expect(page.get_by_role("heading", name="No microphone was found")).to_be_visible()


def test_blocked_microphone_tells_how_to_allow_it(
    launch: Launch, new_page: NewPage, talk_url: str, screenshots: Screenshots
) -> None:
    page = new_page(launch("--deny-permission-prompts"), allowed=False)
    start(page, talk_url)
    state(page, "failed")
    expect(page.get_by_role("heading", name="The microphone is blocked")).to_be_visible()
    expect(page.get_by_text("set Microphone to Allow")).to_be_visible()
    screenshots(page, "talk-blocked")


def test_insecure_address(launch: Launch, new_page: NewPage, talk_url: str) -> None:
    page = new_page(launch("--host-resolver-rules=MAP study.test 127.0.0.1"))
    page.goto(talk_url.replace("127.0.0.1", "study.test"))
    expect(page.get_by_role("heading", name="This address is not secure")).to_be_visible()


def test_unsupported_browser_names_what_is_missing(browser: Browser, new_page: NewPage, talk_url: str) -> None:
    page = new_page(browser)
    page.add_init_script("delete AudioContext.prototype.constructor; delete window.WebSocket; delete window.Worker;")
    page.goto(talk_url)
    expect(page.get_by_text("It lacks web workers, web sockets.")).to_be_visible()


def test_keyboard_alone_is_enough(browser: Browser, new_page: NewPage, server: PageServer, talk_url: str) -> None:
    server.reset()
    page = new_page(browser)
    page.goto(talk_url)
    page.get_by_role("button", name="Start talking").focus()
    page.keyboard.press("Enter")
    state(page, "live")
    page.keyboard.press("m")
    expect(page.get_by_role("button", name="Unmute")).to_be_visible()
    page.get_by_role("button", name="End the conversation").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Wait for the answer")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    state(page, "ended")


def test_card_with_words_to_say_stays_beside_the_talk_on_a_small_screen(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str, screenshots: Screenshots
) -> None:
    server.reset()
    page = new_page(browser)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(talk_url)
    goal = page.get_by_role("heading", name="Your goal")
    expect(goal).to_be_visible()
    expect(page.get_by_text("Practice: this conversation does not count.")).to_be_visible()
    expect(page.get_by_text("Say it with a laugh.")).to_be_visible()
    page.get_by_role("button", name="Start talking").click()
    state(page, "live")
    for part in ("Say it with a laugh.", "Practice: this conversation does not count."):
        expect(page.get_by_text(part)).to_be_in_viewport()
    expect(page.locator("[data-part=status]")).to_be_in_viewport()
    expect(page.locator("[data-part=elapsed]")).to_be_in_viewport()
    expect(page.get_by_role("button", name="End the conversation")).to_be_in_viewport()
    page.get_by_text("What to talk about").click()
    expect(goal).to_be_hidden()
    page.get_by_text("What to talk about").click()
    expect(goal).to_be_visible()
    screenshots(page, "talk-card")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_card_without_words_to_say_folds_up_on_a_small_screen(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str
) -> None:
    server.reset()
    server.pages["/talk/"] = server.pages["/talk/"].replace(" data-said", "")
    page = new_page(browser)
    page.set_viewport_size({"width": 360, "height": 740})
    start(page, talk_url)
    state(page, "live")
    goal = page.get_by_role("heading", name="Your goal")
    expect(goal).to_be_hidden()
    expect(page.get_by_role("button", name="End the conversation")).to_be_in_viewport()
    page.get_by_text("What to talk about").click()
    expect(goal).to_be_in_viewport()


def test_end_of_the_time_is_said_before_it_comes(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str
) -> None:
    server.reset(Script(limit_ms=12_000))
    page = new_page(browser)
    start(page, talk_url)
    state(page, "live")
    expect(page.locator("[data-part=left]")).to_be_empty()
    expect(page.locator("[data-part=left]")).to_have_text(
        "10 seconds left; then the conversation ends automatically.", timeout=10_000
    )


def test_single_key_does_nothing_outside_the_talk(
    browser: Browser, new_page: NewPage, server: PageServer, talk_url: str
) -> None:
    server.reset()
    page = new_page(browser)
    start(page, talk_url)
    state(page, "live")
    page.locator("[data-part=card] summary").first.focus()
    page.keyboard.press("m")
    expect(page.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "false")
