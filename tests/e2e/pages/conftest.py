"""Chromium with a recorded microphone, and our pages in a small server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, Playwright

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from studies.participant.checking.page import mending
from tests.e2e.pages.server import PageServer
from tests.extent import PICTURES
from tests.requirements import browser as chromium
from tests.speech import write_microphone

SPEECH_SEC = 10
SETTLED_MS = 200  # colours have changed by then
CAPTURE = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}
CHECK = {
    "capture": CAPTURE,
    "previewUrl": "/ws/preview/",
    "previewVoices": 0,
    "attemptsUrl": "/check/attempts/",
    "limits": {"noise_dbfs": None, "snr_db": None, "clipped_percent": None, "round_trip_ms": None},
    "onFail": "warn",
    "mayLeave": False,
    "screened": False,
    "sentence": "I would like to plan a short trip, and I don’t know where to go.",
}
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Launch = Callable[..., Browser]
NewPage = Callable[..., Page]
Screenshots = Callable[[Page, str], None]


def voiced(seconds: float) -> Float32:
    """Something like speech at 24 kHz: syllables of a gliding voice over noise, no two alike. Peak 0.5."""
    generator = np.random.default_rng(7)
    count = int(seconds * SAMPLE_RATE_HZ)
    time = np.arange(count) / SAMPLE_RATE_HZ
    pitch = 140 + 40 * np.sin(2 * np.pi * 0.31 * time) + 15 * np.sin(2 * np.pi * 1.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE_HZ
    voice = np.sum([np.sin(k * phase) / k for k in range(1, 25)], axis=0)
    noise = np.convolve(generator.standard_normal(count), np.ones(4) / 4, mode="same")
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * time) + 0.5 * np.sin(2 * np.pi * 0.7 * time), 0, None)
    samples = syllables * voice + 0.05 * noise
    peaked: Float32 = (0.5 * samples / np.abs(samples).max()).astype(np.float32)
    return peaked


@pytest.fixture(scope="session")
def speech() -> Float32:
    """What the fake microphone plays, at 24 kHz: a second of silence, then speech."""
    return np.concatenate([np.zeros(SAMPLE_RATE_HZ, np.float32), voiced(SPEECH_SEC)])


@pytest.fixture(scope="module")
def launch(playwright: Playwright, speech: Float32, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launch]:
    """launch(loop=…, microphone=…): a Chromium whose microphone plays `speech` from its start for each page that opens
    it, or that has none. A module's tests share those that are alike; each has pages of its own (`new_page`)."""
    executable = chromium()
    if executable is None:
        pytest.skip("Chromium is not installed")
    wav = write_microphone(tmp_path_factory.mktemp("microphone") / "speech.wav", speech)
    opened: list[Browser] = []

    @cache
    def open_one(*extra: str, microphone: bool = True, loop: bool = False) -> Browser:
        fake = [
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={wav}{'' if loop else '%noloop'}",
        ]
        flags = [*FLAGS, *(fake if microphone else []), *extra]
        browser = playwright.chromium.launch(executable_path=executable, headless=False, args=flags)
        opened.append(browser)
        return browser

    yield open_one
    for browser in opened:
        browser.close()


@pytest.fixture(scope="session")
def server() -> Iterator[PageServer]:
    server = PageServer()
    with server.running():
        yield server


@pytest.fixture
def talk_url(server: PageServer) -> str:
    """Our talk page, told to talk to this server."""
    config = {
        "takesUrl": "/takes/",
        "doneUrl": "/done/",
        "limitMs": 120_000,
        "capture": CAPTURE,
        "engineLabel": "Test engine",
        "engineAbout": "Plays what the test gives it.",
    }
    card = SimpleNamespace(
        title="A free weekend",
        card="Ask the machine what to do with a **free weekend**. Tell it what you like, and ask about an idea of its.",
    )
    sections = [
        ("goal", "Your goal", "Agree on **one** plan."),
        ("first_line", "You could begin with", "What shall I do this weekend?"),
    ]
    server.reset()
    server.pages["/talk/"] = render(
        "talking/talk",
        trial=SimpleNamespace(practice=True),
        card=card,
        sections=sections,
        delivery="Say it with a laugh.",
        talk_config=config,
    )
    server.pages["/done/"] = "<!doctype html><title>Done</title>"
    return f"{server.url}/talk/"


@pytest.fixture
def check_url(server: PageServer) -> str:
    server.reset()
    server.pages["/check/"] = render("checking/check", check_config=CHECK | {"mending": mending()}, errors=[])
    server.answers["/check/attempts/"] = {"failed": [], "blocked": False, "mayLeave": False}
    return f"{server.url}/check/"


def render(template: str, **context: Any) -> str:
    """A participant's page as the site renders it."""
    frame = {
        "session": SimpleNamespace(token="token", pk=1),
        "study": SimpleNamespace(title="Two voices"),
        "progress": {"now": 2, "done": 1, "total": 6},
        "epoch": 1,
        "resume_link": "http://127.0.0.1/p/token/",
        "csrf_token": "test-csrf",
        "CSP_NONCE": "test",
    }
    return render_to_string(f"participant/{template}.html", frame | context)


@pytest.fixture
def new_page(launch: Launch) -> Iterator[NewPage]:
    """new_page(browser): a page with the microphone allowed; fails the test when the page's scripts do."""
    failures: list[str] = []
    pages: list[Page] = []

    def open_page(browser: Browser, *, allowed: bool = True, **options: Any) -> Page:
        context = browser.new_context(permissions=["microphone"] if allowed else [], **options)
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.context.close()
    assert failures == []


@pytest.fixture
def screenshots(request: pytest.FixtureRequest) -> Screenshots:
    """screenshots(page, name): at 360 and 1280 px, light and dark, into tests/e2e/screenshots, by `make pictures`."""
    folder = Path(__file__).parent.parent / "screenshots"

    def take(page: Page, name: str) -> None:
        if not PICTURES:
            return
        folder.mkdir(exist_ok=True)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width, height in ((360, 740), (1_280, 860)):
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(SETTLED_MS)
                page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)

    return take
