"""A researcher makes a target voice in Chromium: a wrong file, a refused one, then a recording; nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from studies.models import AccessLog, TargetVoiceVersion
from tests.e2e.visitor import open_browser, picture
from tests.speech import write_microphone
from tests.studies.factories import make_researcher
from tests.studies.voices.recordings import babble, encoded, melody

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RECORDED_SEC = 13
CONSENT = {
    "Who speaks": "Speaker 7",
    "Permitted use": "Studies of how machines hear people",
    "Permitted until": "31/12/2090",
    "Evidence": "Form 12/2026",
}


@pytest.fixture
def session_key(transactional_db: None) -> str:
    """Of a researcher who is signed in."""
    client = Client()
    client.force_login(make_researcher())
    return str(client.cookies["sessionid"].value)


@contextmanager
def browsing(address: str, session_key: str, folder: Path) -> Iterator[Page]:
    """Chromium with a microphone that speaks. Its event loop ends with it: rows cannot be looked at beside one."""
    microphone = write_microphone(folder / "microphone.wav", babble(RECORDED_SEC + 7, 210.0, 1.17, 3))
    with sync_playwright() as playwright:
        context = open_browser(playwright, microphone).new_context(base_url=address)
        context.add_cookies([{"name": "sessionid", "value": session_key, "url": address}])
        yield context.new_page()


def test_researcher_records_a_voice(session_key: str, live_server: LiveServer, tmp_path: Path) -> None:
    with browsing(live_server.url, session_key, tmp_path) as page:
        make_voice(page)
    version = TargetVoiceVersion.objects.get()
    assert (version.source, version.licence, version.speaker) == ("recorded", "cc_by", "Speaker 7")
    assert version.quality["verdict"] != "refused"
    assert version.duration_sec == pytest.approx(RECORDED_SEC, abs=1.5)
    assert AccessLog.objects.filter(reader="rosa", action="listen", target="voice anna v1").exists()


def choose(page: Page, name: str, data: bytes) -> None:
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "audio/wav", "buffer": data})


def make_voice(page: Page) -> None:
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto("/admin/studies/targetvoice/add/")
    choose(page, "voice.wav", b"\x89PNG\r\n\x1a\n" + bytes(500))
    expect(page.get_by_text("Its content is a PNG picture.")).to_be_visible()
    choose(page, "music.flac", encoded(melody(8)))
    expect(page.get_by_text("This recording is not good enough as a reference.")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Record", exact=True).press("Enter")
    stop = page.get_by_role("button", name="Stop")
    expect(stop).to_be_visible()
    expect(page.get_by_label("Length")).to_have_text(f"0:{RECORDED_SEC}", timeout=30_000)
    stop.press("Enter")
    expect(page.get_by_text("Your recording is kept. Complete the form below and save.")).to_be_visible(timeout=20_000)
    picture(page, "research-voice-1-recorded")
    page.get_by_label("Key").fill("anna")
    page.locator("#id_name").fill("Anna")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Required: without the speaker’s consent").first).to_be_visible()
    expect(page.get_by_text("Your recording is kept. You do not have to choose it again")).to_be_visible()
    for label, text in CONSENT.items():
        page.get_by_label(label).fill(text)
    page.get_by_label("Licence", exact=False).first.select_option("cc_by")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Anna v1 is in the library.")).to_be_visible()
    picture(page, "research-voice-2-library")
    page.locator("#result_list").get_by_role("link", name="Anna").click()
    page.get_by_role("button", name=re.compile("^Play: Anna v1")).click()
    expect(page.get_by_role("button", name=re.compile("^Pause: Anna v1"))).to_be_visible()
    picture(page, "research-voice-3-voice")

    assert faults == []
