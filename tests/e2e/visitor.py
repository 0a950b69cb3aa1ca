"""A person in a browser: goes through a study's pages by what they show, and takes pictures on the way."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, Page, Playwright, expect

from tests.extent import PICTURES
from tests.requirements import browser as chromium

SCREENSHOTS = Path(__file__).parent / "screenshots"
SIZES = {"1280": (1280, 900), "360": (360, 740)}
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FILING_MS = 60_000
SETTLED_MS = 5_000
LOOK_MS = 100
COLOURS_MS = 300  # what inherits its colour has changed it by then
READ_MS = 2_000  # of the sentence of the microphone check
LONG_MS = 40_000  # for what takes a few seconds on a quiet machine


def open_browser(playwright: Playwright, microphone: Path) -> Browser:
    """Chromium whose microphone plays `microphone` from its start whenever a page opens it."""
    fake = f"--use-file-for-fake-audio-capture={microphone}%noloop"
    return playwright.chromium.launch(executable_path=chromium(), headless=False, args=[*FLAGS, fake])


def picture(page: Page, name: str) -> None:
    """Nothing of the page may stick out, at both widths; `make pictures` keeps it, in light and dark, in
    tests/e2e/screenshots. Does nothing without a name."""
    if not name:
        return
    page.emulate_media(reduced_motion="reduce")
    for label, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        assert fits(page), f"{name} is too wide at {width} px"
        if PICTURES:
            _keep(page, f"{name}-{label}")
    page.set_viewport_size({"width": 1280, "height": 900})


def fits(page: Page) -> bool:
    """Whether nothing sticks out to the side, once what follows the size of the page has followed it."""
    for _ in range(SETTLED_MS // LOOK_MS):
        if page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"):
            return True
        page.wait_for_timeout(LOOK_MS)
    return False


def _keep(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.wait_for_timeout(COLOURS_MS)
        page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}.png", full_page=True)


def enter(page: Page, url: str, slug: str) -> None:
    """From the welcome page through consent and device check."""
    page.goto(f"{url}/s/{slug}/")
    picture(page, f"{slug}-1-welcome")
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("heading", name="Your consent").wait_for()
    picture(page, f"{slug}-2-consent")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="I agree").click()
    check_device(page, slug)


def check_device(page: Page, slug: str = "") -> None:
    """Microphone, tones, headphones; then on. Pictures where there is a slug."""
    page.wait_for_url(re.compile("/check/$"))
    picture(page, slug and f"{slug}-3-check")
    page.locator("[data-part=listen]:enabled").click()
    page.locator("[data-part=finish]").wait_for(timeout=LONG_MS)
    page.wait_for_timeout(READ_MS)
    page.locator("[data-part=finish]").dispatch_event("click")  # whether or not it is over by itself
    page.locator("[data-part=microphone-result]:not(:empty)").wait_for(timeout=LONG_MS)
    page.locator("[data-part=play]").click()
    page.locator("[data-part=heard-yes]").click(timeout=LONG_MS)
    page.locator("input[value=headphones]").check(force=True)
    page.locator("[data-part=continue]:enabled").wait_for(timeout=LONG_MS)
    picture(page, slug and f"{slug}-3-check-done")
    page.locator("[data-part=continue]").click()


def talk(page: Page, name: str, talk_sec: float) -> list[str]:
    """Start, let the microphone speak for so long, end. Returns what the machine was seen to say."""
    page.get_by_role("button", name="Start talking").click()
    expect(page.locator("#talk")).to_have_attribute("data-state", "live", timeout=30_000)
    page.wait_for_timeout(talk_sec * 1_000)
    said = page.locator("[data-part=words] > *").all_inner_texts()
    picture(page, name)
    end_talk(page)
    expect(page.locator("#talk")).to_have_attribute("data-state", "ended", timeout=15_000)
    page.locator("[data-part=next]").click()
    return said


def end_talk(page: Page) -> None:
    """Ends the talk, whether or not there was an answer."""
    page.locator("[data-part=end]:visible").click()
    anyway = page.locator("[data-part=end-anyway]")
    if anyway.is_visible():
        anyway.click()


def explore_talk(page: Page, name: str, talk_sec: float) -> None:
    """A talk on the page of an explore study, until its answer stands in the list."""
    before = page.locator("[data-talk]").count()
    page.locator("[data-part=start]:visible").click()
    expect(page.locator("#explore")).to_have_attribute("data-state", "live", timeout=30_000)
    page.wait_for_timeout(talk_sec * 1_000)
    picture(page, name)
    end_talk(page)
    expect(page.locator("[data-talk]")).to_have_count(before + 1, timeout=15_000)


def rate(page: Page, name: str, value: int) -> None:
    """The same point on each scale, the first of each choice."""
    page.wait_for_url(re.compile(r"/questions/rating/\d+/$"))
    picture(page, name)
    for scale in page.locator("[data-type=likert]").all():
        scale.get_by_role("radio").nth(value - 1).check(force=True)
    for choice in page.locator("[data-type=single_choice]").all():
        choice.get_by_role("radio").first.check(force=True)
    for remark in page.get_by_role("textbox").all():
        remark.fill('=1+1 <b>noted</b>, "quoted"\nand more')
    page.get_by_role("button", name="Continue").click()


def listen(page: Page) -> None:
    """Play each answer to its end."""
    for side in page.locator(".side").all():
        if side.get_attribute("data-heard") is None:
            side.locator("[data-answer] .waveform__play").click(timeout=FILING_MS)
        expect(side).to_have_attribute("data-heard", "", timeout=FILING_MS)
