"""Somebody laughs or sighs in a browser and says the same words: the machine that is told of it answers differently,
and the control alike."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.e2e.filing import filed
from tests.e2e.stack import Stack
from tests.e2e.visitor import open_browser, picture
from tests.sighing_and_laughing import after_a_laugh, after_a_sigh
from tests.speech import write_microphone

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(600)]

WORDS = "My cake fell on the floor."
PERSONA = "You are a friend on the phone. Answer in one or two short sentences."
CONDITIONING = {"text_prompt": PERSONA, "seed": {"policy": "fixed", "value": 7}}
LEAD_SEC = 6.0  # until the talk is live
SOUNDS = {"laugh": after_a_laugh, "sigh": after_a_sigh}
ANSWERED_MS = 60_000


@dataclass(frozen=True)
class Talked:
    """What the page showed and what is filed."""

    caption: str | None
    heard: str
    noticed: str | None
    answer: str


@pytest.fixture(scope="module")
def microphones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("microphones")
    return {
        name: write_microphone(folder / f"{name}.wav", sound(WORDS, lead_sec=LEAD_SEC, pause_sec=60))
        for name, sound in SOUNDS.items()
    }


def say(stack: Stack, playwright: Playwright, microphone: Path, engine: str, name: str) -> Talked:
    """One talk, ended when the machine has answered."""
    (token,) = stack.script("tests.e2e.seed", trials=1, engine=engine, conditioning=CONDITIONING)
    browser = open_browser(playwright, microphone)
    try:
        page = browser.new_page()
        page.goto(f"{stack.url}/p/{token}/talk/0/")
        with page.expect_response(re.compile(r"/takes/\?")) as started:
            page.get_by_role("button", name="Start talking").click()
        take = started.value.json()["take"]
        expect(page.locator("[data-part=status]")).to_have_text("The machine is speaking", timeout=ANSWERED_MS)
        expect(page.locator("[data-part=status]")).to_have_text("You are live: speak", timeout=ANSWERED_MS)
        caption = page.locator("[data-part=noticed]")
        shown = caption.inner_text() if caption.count() else None
        picture(page, name)
        page.get_by_role("button", name="End the conversation").click()
        expect(page.locator("#talk")).to_have_attribute("data-state", "ended", timeout=ANSWERED_MS)
    finally:
        browser.close()
    said = filed(stack, take)["utterances"]
    heard, answer = (
        next(row for row in said if row["role"] == role and row["text"]) for role in ("participant", "agent")
    )
    return Talked(shown, heard["text"], (heard["noticed"] or {}).get("sounded"), answer["text"])


def test_same_words_after_a_laugh_and_after_a_sigh(
    local_stack: Stack, playwright: Playwright, microphones: dict[str, Path]
) -> None:
    talked = {
        (engine, sound): say(local_stack, playwright, microphones[sound], engine, f"told-{engine}-{sound}")
        for engine in ("cascade_voice", "cascade")
        for sound in SOUNDS
    }
    assert {each.heard for each in talked.values()} == {WORDS}
    laughed, sighed = talked["cascade_voice", "laugh"], talked["cascade_voice", "sigh"]
    assert (laughed.caption, laughed.noticed) == ("It noticed: laughing", "laughing")
    assert (sighed.caption, sighed.noticed) == ("It noticed: sighing", "sighing")
    assert (laughed.answer.startswith("Ha ha! "), sighed.answer.startswith("Oh dear. ")) == (True, True)
    control = [talked["cascade", sound] for sound in SOUNDS]
    assert [(each.caption, each.noticed) for each in control] == [(None, None)] * 2
    assert control[0].answer == control[1].answer
