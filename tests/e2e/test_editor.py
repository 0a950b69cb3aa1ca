"""A researcher makes a study in the browser: from a template, through a mistake, to a published version and back in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Locator, Page, Playwright, Route, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.visitor import open_browser, picture
from tests.e2e.walk import barriers
from tests.extent import THOROUGH
from tests.speech import conversation, write_microphone
from tests.studies import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]

SOON_MS = 30_000
WIDTHS = (1280, 800)  # axe examines the first, and both in a thorough run


@pytest.fixture(autouse=True, scope="module")
def _rows_beside_the_browser() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright runs an event loop in this thread
        yield


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Browser:
    wav = tmp_path_factory.mktemp("microphone") / "microphone.wav"
    return open_browser(playwright, write_microphone(wav, conversation(["Hello"], pause_sec=1, lead_sec=0)))


def signed_in(browser: Browser, live_server: LiveServer, name: str) -> Page:
    client = Client()
    client.force_login(factories.make_researcher(name))
    context = browser.new_context(accept_downloads=True)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    context.set_default_timeout(SOON_MS)
    return context.new_page()


def start_from(page: Page, live_server: LiveServer, template: str) -> None:
    page.goto(f"{live_server.url}/research/studies/new/")
    page.get_by_role("button", name=f"Start from {template}").click()
    page.wait_for_url("**/design/")
    expect(page.get_by_label("Title")).not_to_have_value("", timeout=SOON_MS)


def summary(page: Page) -> Locator:
    return page.locator("[data-part=summary]")


def kept(page: Page) -> None:
    expect(page.locator("[data-part=state]")).to_have_attribute("data-state", "kept", timeout=SOON_MS)


def published(page: Page) -> str:
    """Publishes what stands there; its hash."""
    page.get_by_role("link", name="Publish …").click()
    digest = page.locator("code.digest").inner_text()
    page.get_by_role("button", name="Publish", exact=True).click()
    page.wait_for_url("**/share/")
    return digest


def test_study_is_made_mended_changed_looked_at_published_and_imported_again(
    live_server: LiveServer, browser: Browser, tmp_path: Path
) -> None:
    page = signed_in(browser, live_server, "anna")
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"{error} {error.stack}"))
    page.goto(f"{live_server.url}/research/studies/new/")
    picture(page, "editor-1-new")
    start_from(page, live_server, "Paired prompts")
    expect(summary(page)).to_have_text("Valid: this can be published")

    page.locator(".cm-line", has_text="kind: planned").first.click()
    page.keyboard.press("End")
    page.keyboard.type("n")
    expect(summary(page)).to_have_text("1 problem to mend before this can be published", timeout=SOON_MS)
    expect(page.locator(".cm-lint-marker-error")).to_have_count(1)
    expect(page.locator(".form-problem")).to_contain_text("did you mean planned?")
    kept(page)
    picture(page, "editor-2-problem")
    page.locator("[data-part=list] button").click()
    page.keyboard.press("End")
    page.keyboard.press("Backspace")
    expect(summary(page)).to_have_text("Valid: this can be published", timeout=SOON_MS)

    page.get_by_label("Title").fill("Two voices: a pilot")
    expect(page.locator(".cm-line", has_text="Two voices: a pilot")).to_have_count(1, timeout=SOON_MS)
    expect(page.locator(".cm-line").first).to_contain_text("# A paired study")  # comments stay
    kept(page)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Title")).to_have_value("Paired prompts", timeout=SOON_MS)
    page.get_by_role("button", name="Redo").click()
    expect(page.get_by_label("Title")).to_have_value("Two voices: a pilot", timeout=SOON_MS)
    kept(page)

    page.get_by_role("link", name="Preview").click()
    visit = page.frame_locator("iframe[name=visit]")
    expect(visit.get_by_role("heading", name="Two voices: a pilot")).to_be_visible(timeout=SOON_MS)
    page.get_by_role("link", name="How was this conversation? (conversation 1)").click()
    expect(visit.get_by_text("How helpful was the answer?").first).to_be_visible(timeout=SOON_MS)
    page.get_by_role("button", name="Phone").click()
    picture(page, "editor-3-preview")

    page.get_by_role("link", name="Counterbalance").click()
    expect(page.get_by_role("heading", name=re.compile("^Conditions and prompts"))).to_be_visible()
    picture(page, "editor-4-balance")

    page.get_by_role("link", name="Write").first.click()
    digest = published(page)
    picture(page, "editor-5-share")
    page.get_by_role("link", name="Versions", exact=True).click()
    with page.expect_download() as export:
        page.get_by_role("link", name="Export YAML").click()
    file = tmp_path / "exported.yaml"
    export.value.save_as(file)

    page.goto(f"{live_server.url}/research/studies/new/")
    page.get_by_label(re.compile("A protocol as YAML")).set_input_files(file)
    page.get_by_role("button", name="Open this file").click()
    page.wait_for_url("**/exported/design/")
    assert published(page) == digest
    assert problems == []


def test_two_researchers_at_once_lose_nothing(live_server: LiveServer, browser: Browser) -> None:
    anna, bo = signed_in(browser, live_server, "anna"), signed_in(browser, live_server, "bo")
    start_from(anna, live_server, "Explore")
    bo.goto(anna.url)
    expect(bo.get_by_label("Title")).to_have_value("Explore")
    anna.get_by_label("Summary").fill("What Anna wrote")
    expect(anna.locator(".cm-line", has_text="What Anna wrote")).to_have_count(1, timeout=SOON_MS)
    kept(anna)
    bo.get_by_label("Title").fill("What Bo wrote")
    expect(bo.get_by_role("heading", name="Two people edited the draft at the same time")).to_be_visible(
        timeout=SOON_MS
    )
    expect(bo.locator("[data-part=who]")).to_contain_text("anna")
    picture(bo, "editor-6-conflict")
    for text in ("What Anna wrote", "What Bo wrote"):
        expect(bo.locator("[data-part=both]")).to_contain_text(text)
    bo.get_by_role("button", name="Continue with the right side").click()
    kept(bo)
    bo.reload()
    expect(bo.get_by_label("Title")).to_have_value("What Bo wrote")


def field(page: Page, path: str) -> Locator:
    return page.locator(f"textarea[data-path='{path}']")


def test_study_is_translated_and_what_is_missing_is_seen(live_server: LiveServer, browser: Browser) -> None:
    page = signed_in(browser, live_server, "anna")
    start_from(page, live_server, "Paired prompts")
    write = page.url
    page.get_by_role("link", name="Translate").click()
    page.get_by_label("Add a language").fill("ar")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("[aria-current=page] [data-part=count]")).to_have_text("0 of 29")
    picture(page, "editor-7-translate")
    expect(field(page, "title")).to_have_attribute("dir", "rtl")
    field(page, "title").fill("كلام")
    field(page, "summary").fill("x" * 400)
    expect(page.locator("#problem-summary")).to_have_text(
        "This is 400 characters long; expected at most 300", timeout=SOON_MS
    )
    expect(page.locator("[aria-current=page] [data-part=count]")).to_have_text("2 of 29")
    page.get_by_label("Only what is missing").check()
    expect(field(page, "title")).to_be_hidden()
    expect(field(page, "welcome")).to_be_visible()
    field(page, "welcome").fill("مرحبا\n\nبكم")
    page.get_by_role("link", name="Write").first.click()  # without waiting: it is saved first
    page.wait_for_url(write)
    for text in ("title: كلام", "welcome: |-"):
        expect(page.locator(".cm-content")).to_be_visible()
        assert text in page.evaluate("JSON.parse(document.querySelector('#editor-start').textContent).text")
    page.get_by_role("button", name="Form", exact=True).click()
    page.locator("[data-part=list] button", has_text="translations.ar.consent.text").click()
    page.wait_for_url("**/translate/?language=ar#consent.text")
    expect(field(page, "consent.text")).to_be_focused()


def test_what_is_typed_without_a_network_is_kept_when_it_is_back(live_server: LiveServer, browser: Browser) -> None:
    page = signed_in(browser, live_server, "anna")
    start_from(page, live_server, "Explore")
    write = page.url
    for address, name in ((write, "Summary"), (f"{write}translate/?language=sv", None)):
        page.goto(address)
        if name is None:
            page.get_by_label("Add a language").fill("sv")
            page.get_by_role("button", name="Add", exact=True).click()
        box = page.get_by_label(name) if name else field(page, "title")
        expect(box).to_be_visible(timeout=SOON_MS)
        page.context.set_offline(True)
        box.fill("Without a network")
        expect(page.locator("[data-part=state]")).to_have_text(
            "Not saved: The server cannot be reached.", timeout=SOON_MS
        )
        page.wait_for_timeout(1_000)
        expect(box).to_have_value("Without a network")
        page.context.set_offline(False)
        kept(page)
        page.reload()
        expect(box).to_have_value("Without a network", timeout=SOON_MS)


def test_form_and_yaml_changed_at_once_both_stand(live_server: LiveServer, browser: Browser) -> None:
    page = signed_in(browser, live_server, "anna")
    start_from(page, live_server, "Explore")
    held: list[Route] = []
    page.route("**/design/rewrite/", lambda route: held.append(route))
    with page.expect_request("**/design/rewrite/"):
        page.get_by_label("Summary").fill("From the form")
    page.locator(".cm-line", has_text="kind: explore").first.click()
    page.keyboard.press("End")
    page.keyboard.type("  # typed meanwhile")
    held[0].continue_()
    page.unroute("**/design/rewrite/")
    expect(page.locator(".cm-line", has_text="summary: From the form")).to_have_count(1, timeout=SOON_MS)
    expect(page.locator(".cm-line", has_text="kind: explore  # typed meanwhile")).to_have_count(1)
    kept(page)
    expect(page.get_by_label("Summary")).to_have_value("From the form")


@pytest.mark.parametrize("part", ["", "translate/", "balance/", "preview/", "publish/", "versions/", "share/"])
def test_every_page_of_a_study_is_accessible_in_both_widths(
    live_server: LiveServer, browser: Browser, part: str
) -> None:
    page = signed_in(browser, live_server, "anna")
    start_from(page, live_server, "Paired prompts")
    page.goto(f"{page.url}{part}")
    page.wait_for_load_state("networkidle")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if THOROUGH or width == WIDTHS[0]:
            assert barriers(page) == []
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0


@pytest.mark.parametrize(
    "page_name", ["admin:index", "admin:studies_study_changelist", "data", "codebook", "design_new"]
)
def test_pages_around_a_study_are_accessible(live_server: LiveServer, browser: Browser, page_name: str) -> None:
    study = factories.make_study().study
    factories.make_session(study.versions.get())
    own = {"data": ("admin:studies_study_change", study.pk), "codebook": ("codebook", study.slug)}
    name, *about = own.get(page_name, (page_name,))
    page = signed_in(browser, live_server, "anna")
    page.goto(f"{live_server.url}{reverse(str(name), args=about)}")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if THOROUGH or width == WIDTHS[0]:
            assert barriers(page) == []
