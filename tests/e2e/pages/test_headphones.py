"""The headphone screening by keyboard and by mouse."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages.conftest import Launch, NewPage, Screenshots, render
from tests.e2e.pages.server import PageServer

pytestmark = pytest.mark.browser

HEARD_MS = 15_000


def set_up(server: PageServer, method: str, **context: Any) -> str:
    server.reset()
    asked = SimpleNamespace(method=method, trials=2, required=context.pop("required", False))
    config = {"method": method, "seed": "5b1f9a0c77e2d4436a8b90c1d2e3f405", "attempt": 0, "trials": 2}
    frame = {"asked": asked, "headphones_config": config, "failed": False, "left": 2, "error": "", **context}
    server.pages["/headphones/"] = render("checking/headphones", **frame)
    return f"{server.url}/headphones/"


def watch_sounds(page: Page) -> None:
    """Keeps the strength of each ear, and of both in the air, of every sound that the page plays."""
    page.add_init_script("""
        window.sounds = [];
        const rms = (samples) => Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
        const start = AudioBufferSourceNode.prototype.start;
        AudioBufferSourceNode.prototype.start = function (...at) {
            const [left, right] = [this.buffer.getChannelData(0), this.buffer.getChannelData(1)];
            const air = left.map((sample, n) => (sample + right[n]) / 2);
            window.sounds.push([rms(left), rms(right), rms(air)]);
            return start.apply(this, at);
        };
    """)


def set_volume(page: Page) -> None:
    expect(page.get_by_role("button", name="The volume is comfortable")).to_be_disabled()
    page.get_by_role("button", name="Play the sound").click()
    page.get_by_role("button", name="The volume is comfortable").click(timeout=HEARD_MS)


def test_antiphase_by_keyboard_alone(
    launch: Launch, new_page: NewPage, server: PageServer, screenshots: Screenshots
) -> None:
    url = set_up(server, "antiphase")
    page = new_page(launch())
    watch_sounds(page)
    page.goto(url)
    screenshots(page, "headphones-volume")
    page.locator("[data-part=volume]:enabled").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="The volume is comfortable")).to_be_enabled(timeout=HEARD_MS)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    for trial in (1, 2):
        expect(page.get_by_role("heading", name=f"Round {trial} of 2")).to_be_visible()
        expect(page.locator("[data-part=play]")).to_be_focused()
        page.keyboard.press("2")  # before anything was heard: nothing happens
        page.keyboard.press("Enter")
        expect(page.get_by_text("Which one was it?")).to_be_visible(timeout=HEARD_MS)
        if trial == 1:
            page.keyboard.press("3")
    screenshots(page, "headphones-answer")
    with page.expect_navigation():
        page.keyboard.press("1")
    [(path, body)] = server.posts
    fields = parse_qs(body.decode())
    assert path == "/headphones/"
    assert (json.loads(fields["answers"][0]), fields["attempt"]) == ([3, 1], ["0"])


@pytest.mark.parametrize("method", ["huggins", "antiphase"])
def test_three_sounds_a_round_of_which_one_is_special(
    launch: Launch, new_page: NewPage, server: PageServer, method: str
) -> None:
    url = set_up(server, method)
    page = new_page(launch())
    watch_sounds(page)
    page.goto(url)
    set_volume(page)
    common = page.evaluate("window.sounds")[0]
    page.evaluate("window.sounds = []")
    page.get_by_role("button", name="Play the three sounds").click()
    expect(page.get_by_role("button", name="The second sound")).to_be_enabled(timeout=HEARD_MS)
    sounds = page.evaluate("window.sounds")
    assert len(sounds) == 3
    in_the_air = [air / left for left, _right, air in sounds]
    if method == "antiphase":
        levels = sorted(left / common[0] for left, _right, _air in sounds)
        assert levels == pytest.approx([10 ** (-6 / 20), 1, 1], rel=1e-3)
        assert sorted(in_the_air) == pytest.approx([0, 1, 1], abs=1e-6)
    else:
        assert [left / common[0] for left, _right, _air in sounds] == pytest.approx([1, 1, 1], rel=0.05)
        assert sorted(in_the_air)[1:] == pytest.approx([1, 1], abs=1e-6)
        assert 0.99 < min(in_the_air) < 0.9999  # a band of 72 Hz is gone, of 24 kHz
    page.get_by_role("button", name="Play them again").click()
    expect(page.get_by_role("button", name="The second sound")).to_be_disabled()
    expect(page.get_by_role("button", name="The second sound")).to_be_enabled(timeout=HEARD_MS)
    assert page.evaluate("window.sounds")[3:] == sounds
    page.get_by_role("button", name="The second sound").click()
    expect(page.get_by_role("heading", name="Round 2 of 2")).to_be_visible()


def test_failed_attempt_says_what_to_see_to(
    launch: Launch, new_page: NewPage, server: PageServer, screenshots: Screenshots
) -> None:
    page = new_page(launch())
    page.goto(set_up(server, "huggins", failed=True, left=1))
    expect(page.get_by_role("alert")).to_contain_text("You have 1 attempt left.")
    page.get_by_text("I cannot do this").click()
    expect(page.get_by_role("button", name="Continue without the test")).to_be_visible()
    screenshots(page, "headphones-failed")


def test_required_headphones_offer_to_leave(launch: Launch, new_page: NewPage, server: PageServer) -> None:
    page = new_page(launch())
    page.goto(set_up(server, "huggins", required=True))
    page.get_by_text("I cannot do this").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Leave the study").click()
    [(_, body)] = server.posts
    assert parse_qs(body.decode())["decision"] == ["skip"]
