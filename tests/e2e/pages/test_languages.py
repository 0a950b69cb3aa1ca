"""Participants' pages in other languages, scripts included, and from right to left."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation
from playwright.sync_api import Browser, expect

from inference.contract.audio import float32_to_pcm16
from studies.participant.language import activate_language, page_language
from tests.e2e.english import english_on
from tests.e2e.pages.conftest import CAPTURE, Launch, NewPage, Screenshots, voiced
from tests.e2e.pages.server import PageServer, Script

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(launch: Launch) -> Browser:
    return launch("--use-fake-ui-for-media-stream", loop=True)


@pytest.fixture(autouse=True)
def _default_language() -> Iterator[None]:
    yield
    translation.deactivate()


def serve_talk(server: PageServer, language: str) -> str:
    """The talk page of a session in `language`, its study's texts in it too."""
    request = RequestFactory().get("/")
    activate_language(request, language)
    texts = {"sv": ("En ledig helg", "Fråga maskinen."), "de": ("Ein freies Wochenende", "Fragen Sie die Maschine.")}
    title, card = texts.get(language, ("عطلة نهاية الأسبوع", "اسأل الآلة عن **عطلة** هادئة."))
    config = {"takesUrl": "/takes/", "doneUrl": "/done/", "limitMs": 90_000, "capture": CAPTURE, "hearYourself": True}
    context: dict[str, Any] = {
        "session": SimpleNamespace(token="token", pk=1),
        "study": SimpleNamespace(title=title),
        "progress": {"now": 2, "done": 1, "total": 6},
        "epoch": 1,
        "resume_link": "http://127.0.0.1/p/token/",
        "csrf_token": "test-csrf",
        "CSP_NONCE": "test",
        "trial": SimpleNamespace(practice=False),
        "card": SimpleNamespace(title=title, card=card),
        "prompt": SimpleNamespace(title=title, card=card, limit_sec=90),
        "talk_config": config | {"engineLabel": "", "engineAbout": ""},
    }
    server.pages["/talk/"] = render_to_string("participant/talking/talk.html", context | page_language(request))
    return f"{server.url}/talk/"


@pytest.mark.parametrize(
    ("language", "start", "live", "end", "ended"),
    [
        ("sv", "Börja tala", "Inspelningen är i gång", "Avsluta samtalet", "Samtalet är avslutat"),
        ("de", "Gespräch beginnen", "Die Aufnahme läuft", "Gespräch beenden", "Gespräch beendet"),
    ],
)
def test_talk_speaks_the_language_of_the_session_throughout(
    browser: Browser,
    new_page: NewPage,
    server: PageServer,
    screenshots: Screenshots,
    language: str,
    start: str,
    live: str,
    end: str,
    ended: str,
) -> None:
    server.reset(Script(float32_to_pcm16(voiced(4)), queue=[3]))
    page = new_page(browser)
    page.goto(serve_talk(server, language))
    assert page.locator("html").get_attribute("lang") == language
    assert english_on(page) == []
    page.get_by_role("button", name=start).click()
    expect(page.locator("[data-part=status]")).to_contain_text(live, timeout=15_000)
    assert english_on(page) == []
    screenshots(page, f"talk-{language}")
    page.get_by_role("button", name=end).click()
    expect(page.get_by_role("heading", name=ended)).to_be_focused(timeout=15_000)
    assert english_on(page) == ["You ended the conversation."]  # in the words of the small server


def test_worker_speaks_the_language_of_its_page(browser: Browser, new_page: NewPage, server: PageServer) -> None:
    server.reset(Script(float32_to_pcm16(voiced(4)), drops=[(20, 60.0)]))
    page = new_page(browser)
    page.goto(serve_talk(server, "sv"))
    page.get_by_role("button", name="Börja tala").click()
    expect(page.locator("[data-part=text]")).to_have_text(
        "Anslutningen gick inte att återställa. Det som har sagts hittills är sparat.", timeout=45_000
    )


def test_english_is_found(browser: Browser, new_page: NewPage, server: PageServer) -> None:
    server.reset()
    page = new_page(browser)
    page.goto(serve_talk(server, "en"))
    found = english_on(page)
    assert {"Start talking", "Ready when you are", "Step 2 of 6", "Come back later"} <= set(found)


def test_study_from_right_to_left_is_mirrored_and_fits(
    browser: Browser, new_page: NewPage, server: PageServer, screenshots: Screenshots
) -> None:
    server.reset(Script(float32_to_pcm16(voiced(4))))
    page = new_page(browser)
    page.goto(serve_talk(server, "ar"))
    assert (page.locator("html").get_attribute("lang"), page.locator("html").get_attribute("dir")) == ("ar", "rtl")
    assert page.locator(".skip-link").get_attribute("lang") == "en-gb"
    stage = page.locator("[data-part=stage]")
    assert (stage.get_attribute("lang"), stage.get_attribute("dir")) == ("en-gb", "ltr")  # not to say ".Start talking"
    page.get_by_role("button", name="Start talking").click()
    expect(page.locator("[data-part=status]")).to_contain_text("You are live", timeout=15_000)
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    mark, title = page.locator(".wordmark svg").bounding_box(), page.locator(".wordmark").bounding_box()
    assert mark is not None
    assert title is not None
    assert mark["x"] + mark["width"] == pytest.approx(
        title["x"] + title["width"], abs=1
    )  # the title begins at the right
    assert page.locator("#task").evaluate("element => getComputedStyle(element).direction") == "rtl"
    screenshots(page, "talk-ar")
