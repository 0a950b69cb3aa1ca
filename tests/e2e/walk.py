"""A participant with a browser who goes through any study, page by page, whatever it asks.

Every kind of page is refreshed: that leads back to the same place. axe examines each kind once in a run, or in each
study once in a thorough one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, Page, expect

from hearmeout_site.environment import ROOT
from tests.e2e.visitor import FILING_MS, check_device, end_talk, listen, picture
from tests.extent import THOROUGH

AXE: Final = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WCAG: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MOST_PAGES: Final = 80
SETTLED_MS: Final = 300  # colours have changed by then
PLACE: Final = re.compile(r"/p/[^/]+/(.+?)/?$")
NEXT_PAGE: Final = "() => window.isLeft === undefined && document.readyState === 'complete'"
FIELDS: Final = """() => {
  const form = document.querySelector("form[data-questions]"), fields = {};
  for (const question of form.querySelectorAll("[data-question]:not([hidden])")) {
    for (const { name } of question.querySelectorAll("[name]")) fields[name] = new FormData(form).getAll(name);
  }
  return fields;
}"""


_examined: set[str] = set()  # kinds of pages that axe has seen in this run


@dataclass(frozen=True, slots=True)
class Sent:
    """A form of questions as it was sent from `place`: the fields of items that were to be seen, by their names."""

    place: str
    fields: dict[str, list[str]]


@dataclass
class Walk:
    """`name` begins the names of the pictures, of which there are none without it; `pages` are the places in the order
    of the visit, `barriers` what axe found, `problems` what the browser complained of. `on_page` looks on each kind of
    page for what the test cares for."""

    page: Page
    name: str
    talk_sec: float
    on_page: Callable[[Page, str], None] | None = None
    pages: list[str] = field(default_factory=list)
    barriers: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("crash", lambda page: self.problems.append(f"{page.url}: crashed"))
        self.page.on("pageerror", lambda error: self.problems.append(f"{self.page.url}: {error}"))
        self.page.on("console", lambda line: self._complain(line.text) if line.type == "error" else None)

    def enter(self, link: str) -> None:
        """From the welcome page to the first page of the visit."""
        self.page.goto(link)
        self._look_at("welcome")
        self.page.locator("main form:is([method=post], [data-questions]) button[type=submit]").first.click()

    def to_the_end(self) -> str:
        """The completion code."""
        for _ in range(MOST_PAGES):
            place = self.place()
            self.look(place)
            if place == "debrief":
                code = self.page.locator(".completion-code")
                code.wait_for(timeout=FILING_MS)
                self._look_at("debrief-with-code")
                return code.inner_text().strip()
            self.act(place)
        raise AssertionError(f"no end after {self.pages}")

    def place(self) -> str:
        found = PLACE.search(self.page.url.split("?")[0])
        assert found, f"{self.page.url} is no page of a visit"
        return found[1]

    def look(self, place: str) -> None:
        """Looks at each kind of page once, then refreshes it."""
        self.page.locator("h1").first.wait_for()
        self.pages.append(place)
        if self._look_at(self._kind(place)) and place != "debrief":
            self.page.reload()
            self.page.locator("h1").first.wait_for()
            assert self.place() == place, "a refresh leads somewhere else"

    def _look_at(self, kind: str) -> bool:
        """Whether it is the first of its kind."""
        if kind in self._seen:
            return False
        self._seen.add(kind)
        if self.name:
            picture(self.page, f"{self.name}-{len(self._seen):02}-{kind}")
        if self.name and (THOROUGH or kind not in _examined):
            _examined.add(kind)
            self.barriers += [f"{kind}: {barrier}" for barrier in barriers(self.page)]
        if self.on_page is not None:
            self.on_page(self.page, kind)
        return True

    def _kind(self, place: str) -> str:
        return re.sub(r"/\d+", "", place).replace("/", "-")

    def _complain(self, text: str) -> None:
        self.problems.append(f"{self.page.url}: {text}")

    def act(self, place: str) -> None:
        """Does what the page asks, and waits for the next one: another document, whatever became of the history."""
        kind = place.split("/")[0]
        try:
            self.page.evaluate("window.isLeft = false")
            getattr(self, f"_{kind}")()
            self.page.wait_for_function(NEXT_PAGE, timeout=FILING_MS)
        except PlaywrightError as error:
            error.add_note(f"from {place}, and now on {self.page.url}; the browser complained of {self.problems}")
            raise

    def _consent(self) -> None:
        for box in self.page.get_by_role("checkbox").all():
            box.check()
        self.page.locator("button[value=agree]").click()

    def _check(self) -> None:
        check_device(self.page)

    def _headphones(self) -> None:
        """Answers as somebody would who hears nothing in it, and the second time goes on without the test."""
        if not self.name or self.pages.count("headphones") > 1:
            self.page.locator("details:has(button[value=skip]) summary").click()
            self.page.locator("button[value=skip]").click()
            return
        self.page.locator("[data-part=volume]:enabled").click()
        self.page.locator("[data-part=ready]:enabled").click(timeout=20_000)
        rounds = json.loads(self.page.locator("#headphones-config").inner_text())["trials"]
        for number in range(rounds):
            self.page.locator("[data-part=play]:enabled").click()
            answer = self.page.locator("[data-interval='2']:enabled")
            answer.wait_for(timeout=20_000)
            if number < rounds - 1:
                answer.click()
            else:
                answer.click(no_wait_after=True)

    def _intro(self) -> None:
        self._continue()

    def _break(self) -> None:
        self._continue()

    def _questions(self) -> None:
        fill(self.page)
        self._send()

    def _talk(self) -> None:
        self.page.locator("[data-part=start]:visible").click()
        expect(self.page.locator("#talk")).to_have_attribute("data-state", "live", timeout=30_000)
        self.page.wait_for_timeout(self.talk_sec * 1_000)
        self._look_at("talk-live")
        end_talk(self.page)
        expect(self.page.locator("#talk")).to_have_attribute("data-state", "ended", timeout=15_000)
        self._look_at("talk-ended")
        self.page.locator("[data-part=next]").click()

    def _compare(self) -> None:
        listen(self.page)
        fill(self.page)
        self._send()

    def _send(self) -> None:
        self.sent.append(Sent(self.place(), self.page.evaluate(FIELDS)))
        self._continue()

    def _continue(self) -> None:
        self.page.locator("main form:is([method=post], [data-questions]) button[type=submit]").last.click()


def barriers(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA, in light and in dark: rule, and where."""
    found: list[str] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        page.wait_for_timeout(SETTLED_MS)
        page.evaluate(AXE.read_text())
        result: dict[str, Any] = page.evaluate(
            "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", WCAG
        )
        for violation in result["violations"]:
            places = ", ".join(str(node["target"][0]) for node in violation["nodes"][:3])
            found.append(f"{scheme} {violation['id']}: {places}")
    page.emulate_media(color_scheme="light")
    return found


def fill(page: Page) -> None:
    """Answers every question that is to be seen, and those that answers bring to light."""
    done: set[str] = set()
    for _ in range(40):
        shown: list[str] = page.locator("[data-question]:visible").evaluate_all(
            "questions => questions.map((question) => question.dataset.question)"
        )
        waiting = [key for key in shown if key not in done]
        if not waiting:
            return
        done.add(waiting[0])
        _answer(page, page.locator(f'[data-question="{waiting[0]}"]'))


def _answer(page: Page, question: Locator) -> None:
    names = {radio.get_attribute("name") or "" for radio in question.locator("input[type=radio]").all()}
    excerpt = question.locator("[data-excerpt]")
    analogue = question.locator("[data-analogue] [role=slider], [data-analogue] input[type=range]")
    if excerpt.count():
        _listen_to(excerpt)
    elif analogue.count():
        analogue.first.focus()
        page.keyboard.press("ArrowRight")
    elif names:
        for name in sorted(names):
            question.locator(f"input[name='{name}']").first.check(force=True)
    elif question.locator("input[type=checkbox]").count():
        question.locator("input[type=checkbox]").first.check(force=True)
    elif question.locator("input[type=date]").count():
        question.locator("input[type=date]").fill("2001-02-03")
    elif question.locator("textarea").count():
        question.locator("textarea").fill('=1+1 <b>noted</b>, "quoted"\nand more')
    elif question.locator("input").count():
        question.locator("input").first.fill("42")


def _listen_to(excerpt: Locator) -> None:
    """To its end, as the page counts it."""
    excerpt.get_by_role("button").first.click(timeout=FILING_MS)
    excerpt.page.wait_for_function(
        """(excerpt) => {
            const counted = excerpt.parentElement.querySelector("[data-listened-sec]").value;
            const bar = excerpt.querySelector("progress");
            return bar.value === 0 && Number(counted) >= 0.9 * bar.max;
        }""",
        arg=excerpt.element_handle(),
        timeout=FILING_MS,
    )


def microphone_file(folder: Path) -> Path:
    """A quiet room for some seconds, then a question in it."""
    from tests.speech import conversation, write_microphone

    question = "Could you please help me with something small today?"
    return write_microphone(folder / "microphone.wav", conversation([question], pause_sec=12, lead_sec=4.2))
