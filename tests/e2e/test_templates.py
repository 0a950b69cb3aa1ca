"""Each of the ready studies from its link to the completion code in a browser: every page without barriers, a refresh
on each, and in the database what was answered. On SQLite, and on PostgreSQL and Redis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.e2e.english import english_on
from tests.e2e.own_databases import ON_SERVICES_TOO, own_databases
from tests.e2e.stack import Stack
from tests.e2e.visitor import open_browser
from tests.e2e.walk import Sent, Walk, microphone_file

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(600)]

TALK_SEC = 4.0
TALKS = {"paired-prompts": 4, "emotional-awareness": 5, "server-room": 3}
LONG = {"emotional-awareness", "server-room"}  # each takes as long as the one that stays, which is translated as well
LANGUAGES = {"embedded": "sv", "services": "de"}  # of the study that is translated


@pytest.fixture(scope="module", params=["embedded", pytest.param("services", marks=ON_SERVICES_TOO)])
def where(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def stack(where: str, local_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if where == "embedded":
        yield local_stack
    else:
        with own_databases() as named, Stack(tmp_path_factory.mktemp("templates"), **named) as stack:
            yield stack


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = open_browser(playwright, microphone_file(tmp_path_factory.mktemp("microphone")))
    yield browser
    browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    "slug", [pytest.param(slug, marks=pytest.mark.slow) if slug in LONG else slug for slug in TALKS]
)
def test_template_leads_to_its_completion_code(stack: Stack, page: Page, where: str, slug: str) -> None:
    language = LANGUAGES[where] if slug == "paired-prompts" else "en"
    foreign: list[str] = []

    def listen(page: Page, kind: str) -> None:
        expect(page.locator("html")).to_have_attribute("lang", language)
        foreign.extend(f"{kind}: {line}" for line in english_on(page) if language != "en")

    walk = Walk(page, f"{slug}-{language}" if where == "embedded" else "", TALK_SEC, listen)
    walk.enter(f"{stack.url}/s/{slug}/?language={language}")
    code = walk.to_the_end()
    left = stack.script("tests.e2e.inspect_visit", token=page.url.split("/p/")[1].split("/")[0])
    assert re.fullmatch(r"[A-Z0-9-]{6,12}", code)
    assert (left["state"], left["mode"], left["code"]) == ("finished", "live", code)
    assert left["language"] in ("", language)
    assert left["outcomes"] == ["completed"] * TALKS[slug]
    assert set(left["consents"].values()) == {True}
    assert kept(left["answers"]) == answered(walk.sent)
    assert (walk.barriers, walk.problems, foreign) == ([], [], [])


Fields = dict[tuple[str, str], list[str]]


def answered(sent: list[Sent]) -> Fields:
    """The fields that were sent, by what they are about: `position/0`, `pair/0`, or nothing."""
    found: Fields = {}
    for form in sent:
        kind, *rest = form.place.split("/")
        about = f"pair/{rest[-1]}" if kind == "compare" else f"position/{rest[-1]}" if len(rest) == 2 else ""
        found |= {(about, name): values for name, values in form.fields.items() if any(values)}
    return found


def kept(answers: list[list[Any]]) -> Fields:
    """The same from the database."""
    found: Fields = {}
    for item, position, pair, value in answers:
        about = f"pair/{pair}" if pair is not None else f"position/{position}" if position is not None else ""
        found |= {(about, name): values for name, values in fields(item, value).items()}
    return found


def fields(item: str, value: Any) -> dict[str, list[str]]:
    """As the form of the page has them."""
    match value:
        case {"other": words}:
            return {item: ["other"], f"{item}.other": [words]}
        case dict():
            return {f"{item}.{part}": [str(number)] for part, number in value.items()}
        case list():
            return {item: value}
        case bool():
            return {item: [str(value).lower()]}
        case _:
            return {item: [str(value)]}
