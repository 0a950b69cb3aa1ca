"""The device check with a recorded microphone."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import expect

from tests.e2e.pages.conftest import Launch, NewPage, Screenshots
from tests.e2e.pages.server import PageServer

pytestmark = pytest.mark.browser


def test_check_measures_and_posts(
    launch: Launch, new_page: NewPage, server: PageServer, check_url: str, screenshots: Screenshots
) -> None:
    page = new_page(launch(loop=True))
    page.goto(check_url)
    expect(page.get_by_text("Still to do: the microphone, the sound, the headphones.")).to_be_visible()
    screenshots(page, "check-start")
    page.get_by_role("button", name="Check the microphone").click()
    expect(page.get_by_text("Speak now")).to_be_visible()
    expect(page.get_by_text("Your microphone works well.")).to_be_visible(timeout=15_000)
    page.get_by_role("button", name="Play the tones").click()
    page.get_by_role("button", name="Yes").click(timeout=10_000)
    expect(page.get_by_text("Good: you hear it, and your microphone does not.")).to_be_visible()
    page.get_by_text("I wear headphones").click()
    screenshots(page, "check-done")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_load_state()

    [(path, body)] = server.posts
    fields = parse_qs(body.decode())
    device = json.loads(fields["device"][0])
    assert path == "/check/"
    assert device["microphone"]["verdict"] == "ok"
    assert -40 < device["microphone"]["speech_db"] < 0
    assert device["sound"]["heard"] is True
    assert device["sound"]["leaking"] is False
    assert device["headphones"] is True
    assert device["settings"]["applied"]["noiseSuppression"] is False


def test_no_microphone_is_said(launch: Launch, new_page: NewPage, check_url: str) -> None:
    page = new_page(launch(microphone=False))
    page.goto(check_url)
    page.get_by_role("button", name="Check the microphone").click()
    expect(page.get_by_text("No microphone was found.")).to_be_visible()
    expect(page.get_by_role("button", name="Continue")).to_be_disabled()
    expect(page.get_by_role("button", name="Check again")).to_be_enabled()


def test_unheard_tone_does_not_let_go_on(launch: Launch, new_page: NewPage, check_url: str) -> None:
    page = new_page(launch(loop=True))
    page.goto(check_url)
    page.get_by_role("button", name="Play the tones").click()
    page.get_by_role("button", name="No", exact=True).click(timeout=10_000)
    expect(page.get_by_text("Turn the volume up")).to_be_visible()
    expect(page.get_by_text("Still to do: the microphone, the sound, the headphones.")).to_be_visible()
