"""Whatever fails in mid-talk, in a browser: the participant is told and goes on, and what was said is there.

A network that is cut for a moment continues the same take; one that is cut for longer than the grace, a page that is
loaded again and a second tab end it, and a new one begins when the participant says so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.e2e.filing import filed_takes
from tests.e2e.own_databases import ON_SERVICES_TOO, own_databases
from tests.e2e.pages.conftest import voiced
from tests.e2e.pages.test_talk_microphone import END, KEEP_TRACK
from tests.e2e.stack import Stack
from tests.e2e.visitor import end_talk, open_browser, picture
from tests.e2e.walk import barriers
from tests.speech import write_microphone
from tests.studies.talk.cable import Cable

GRACE_SEC = 30  # a web process that was killed is back well before, on a busy machine too
LONG_MS = 60_000  # nothing here is about speed


class Network:
    """What lies between the browser and the web process; it can be cut."""

    def __init__(self, port: int) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._cable = asyncio.run_coroutine_threadsafe(Cable(port).lay(), self._loop).result(10)
        self.url = f"http://127.0.0.1:{self._cable.port}"

    def cut(self) -> None:
        self._loop.call_soon_threadsafe(self._cable.cut)

    def mend(self) -> None:
        self._loop.call_soon_threadsafe(self._cable.mend)


@pytest.fixture(scope="module", params=["embedded", pytest.param("services", marks=ON_SERVICES_TOO)])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    places: AbstractContextManager[dict[str, str]] = own_databases() if request.param == "services" else nullcontext({})
    folder = tmp_path_factory.mktemp("failures")
    with (
        places as named,
        Stack(folder, WORKER_ENGINES="echo", RECONNECT_GRACE_SEC=str(GRACE_SEC), **named) as stack,
    ):
        yield stack


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    microphone = write_microphone(tmp_path_factory.mktemp("microphone") / "microphone.wav", voiced(120))
    browser = open_browser(playwright, microphone)
    yield browser
    browser.close()


@pytest.fixture
def network(stack: Stack) -> Network:
    return Network(stack.port)


@pytest.fixture
def token(stack: Stack) -> str:
    return str(stack.script("tests.e2e.seed", trials=1, engine="echo")[0])


@pytest.fixture
def talking(browser: Browser, network: Network, token: str) -> Iterator[Page]:
    """A page in mid-talk."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(KEEP_TRACK)
    page.goto(f"{network.url}/p/{token}/")
    start(page, "Start talking")
    yield page
    context.close()


def start(page: Page, button: str) -> None:
    page.get_by_role("button", name=button).click()
    live(page)
    page.wait_for_timeout(1_500)  # something is said


def live(page: Page) -> None:
    expect(page.locator("#talk")).to_have_attribute("data-state", "live", timeout=LONG_MS)


def stopped(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", name=title)).to_be_visible(timeout=LONG_MS)
    expect(page.locator("#talk[data-state=live]")).to_have_count(0)  # whether the same page says it or another


def end(page: Page) -> None:
    end_talk(page)
    expect(page.get_by_role("heading", name="Conversation finished")).to_be_visible(timeout=LONG_MS)


def takes(stack: Stack, token: str) -> list[dict[str, Any]]:
    return filed_takes(stack, [token])[0]


def outcomes(stack: Stack, token: str) -> list[str]:
    """Of all takes; whatever became of them, what was said in each is filed."""
    found = takes(stack, token)
    assert all(take["tracks"]["participant"]["duration_samples"] > 12_000 for take in found)
    return [take["outcome"] for take in found]


def look(page: Page, name: str) -> None:
    picture(page, name)
    assert barriers(page) == []


def test_short_cut_of_the_network_continues_the_take(talking: Page, network: Network, stack: Stack, token: str) -> None:
    network.cut()
    expect(talking.locator("#talk")).to_have_attribute("data-state", "reconnecting", timeout=LONG_MS)
    talking.wait_for_timeout(2_000)
    network.mend()
    live(talking)
    talking.wait_for_timeout(1_500)
    end(talking)
    (take,) = takes(stack, token)
    late = take["tracks"]["participant"]["backfilled"]
    assert (take["outcome"], take["counts"]["lost_samples"]) == ("completed", 0)
    assert take["counts"]["reconnects"] >= 1
    assert late[0][0] > 0
    assert sum(samples for _, samples in late) >= 24_000  # of two seconds, some came in before the page noticed


def test_question_in_a_cut_of_eight_seconds_is_kept_and_asked_for_again(
    talking: Page, network: Network, stack: Stack, token: str
) -> None:
    network.cut()
    talking.wait_for_timeout(8_000)  # in which the microphone speaks all the time
    network.mend()
    live(talking)
    expect(talking.get_by_text("The machine did not hear what you said while the connection was lost.")).to_be_visible()
    picture(talking, "talk-unheard")
    end(talking)
    (take,) = takes(stack, token)
    late = take["tracks"]["participant"]["backfilled"]
    assert (take["outcome"], take["counts"]["lost_samples"]) == ("completed", 0)
    assert sum(samples for _, samples in late) >= 5 * 24_000  # the first of it came in before the network was cut


def test_microphone_lost_in_mid_talk_ends_the_take_and_offers_another(talking: Page, stack: Stack, token: str) -> None:
    talking.evaluate(END)
    stopped(talking, "The microphone was disconnected")
    look(talking, "talk-microphone-lost")
    start(talking, "Start again")
    end(talking)
    assert outcomes(stack, token) == ["interrupted", "completed"]
    assert [take["end_reason"] for take in takes(stack, token)] == ["microphone_lost", "participant"]
    assert [take["counts"]["reconnects"] for take in takes(stack, token)] == [0, 0]


def test_long_cut_is_told_and_opens_a_new_take(talking: Page, network: Network, stack: Stack, token: str) -> None:
    network.cut()
    stopped(talking, "The connection was lost")
    network.mend()
    start(talking, "Start again")
    end(talking)
    assert outcomes(stack, token) == ["abandoned", "completed"]


def test_killed_worker_is_told_and_the_talk_begins_anew(talking: Page, stack: Stack, token: str) -> None:
    stack.kill("inference")
    stopped(talking, "The machine stopped")
    live(talking)  # by itself
    talking.wait_for_timeout(1_500)
    end(talking)
    assert outcomes(stack, token) == ["interrupted", "completed"]


def test_killed_web_process_loses_nothing(talking: Page, stack: Stack, token: str) -> None:
    stack.kill("web")
    expect(talking.locator("#talk")).to_have_attribute("data-state", "reconnecting", timeout=LONG_MS)
    live(talking)
    talking.wait_for_timeout(1_500)
    end(talking)
    (take,) = takes(stack, token)
    assert (take["outcome"], take["counts"]["lost_samples"]) == ("completed", 0)
    assert take["tracks"]["participant"]["duration_samples"] > 12_000


def test_page_loaded_again_offers_to_go_on(talking: Page, stack: Stack, token: str) -> None:
    talking.on("dialog", lambda dialog: dialog.accept())
    talking.reload()
    stopped(talking, "Your conversation was interrupted")
    expect(talking.get_by_text("What was said in it is saved.")).to_be_visible()
    start(talking, "Continue")
    end(talking)
    assert outcomes(stack, token) == ["abandoned", "completed"]


def test_second_tab_takes_over_and_the_first_says_so(talking: Page, stack: Stack, token: str) -> None:
    newer = talking.context.new_page()
    newer.goto(talking.url.split("/talk/")[0] + "/")
    stopped(talking, "This session was opened in another window")
    stopped(newer, "Your conversation was interrupted")
    start(newer, "Continue")
    end(newer)
    assert outcomes(stack, token) == ["abandoned", "completed"]


@pytest.mark.parametrize("where", ["another tab", "another browser"])
def test_withdrawal_in_mid_talk_ends_it(talking: Page, browser: Browser, stack: Stack, token: str, where: str) -> None:
    context = talking.context if where == "another tab" else browser.new_context()
    other = context.new_page()
    other.goto(f"{stack.url}/p/{token}/withdraw/")
    look(other, "withdraw")
    other.get_by_role("button", name="Erase everything").click()
    expect(other.get_by_role("heading", name="You have withdrawn")).to_be_visible()
    look(other, "withdrawn")
    stopped(talking, "You have withdrawn")
    talking.bring_to_front()  # then it asks how things stand, and goes on by itself
    expect(talking.get_by_role("heading", name="Your receipt")).to_be_visible(timeout=LONG_MS)
    (take,) = takes(stack, token)
    assert (take["outcome"], take["end_reason"], take["tracks"]) == ("interrupted", "withdrawn", {})
    assert not (stack.folder / "data" / "recordings" / take["id"]).exists()
