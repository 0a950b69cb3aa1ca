"""`python -m inference.terminal` in studies: consented to in a browser, then recorded like any other talk there."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest
import soundfile

from inference.contract.audio import FRAME_SAMPLES
from inference.terminal.sound import read_audio
from tests.e2e.filing import filed
from tests.e2e.stack import Stack
from tests.inference.terminal.terminal import likeness, read_answer, talk, write_question

AFTER_SEC = "0.8"


@pytest.fixture(scope="module")
def stack(echo_stack: Stack) -> Stack:
    return echo_stack


async def test_talk_in_a_study_is_heard_printed_and_filed(stack: Stack, tmp_path: Path) -> None:
    (token,) = await asyncio.to_thread(stack.script, "tests.e2e.seed", trials=1, engine="echo")
    question, answer = write_question(tmp_path, frames=20), tmp_path / "answer.wav"
    link = f"{stack.url}/p/{token}/talk/0/"
    over = await talk(link, "--in", question, "--out", answer, "--after", AFTER_SEC)
    ((take,),) = await asyncio.to_thread(stack.script, "tests.e2e.inspect_take", tokens=[token])
    found = await asyncio.to_thread(filed, stack, take["id"])
    assert (over.status, over.words) == (0, "echo\n")
    assert over.notes.splitlines() == ["You can talk. Ctrl-C ends the conversation.", "(you: echo)"]
    assert likeness(read_answer(answer), read_audio(question), FRAME_SAMPLES) > 0.999
    assert (found["outcome"], found["end_reason"]) == ("completed", "participant")
    spoken, _ = soundfile.read(found["tracks"]["participant"]["path"], dtype="float32")
    assert len(spoken) == 30 * FRAME_SAMPLES
    assert likeness(spoken, read_audio(question), 0) > 0.999


async def test_token_and_site_are_enough_once_consent_is_given(stack: Stack, tmp_path: Path) -> None:
    question = ("--in", write_question(tmp_path), "--after", AFTER_SEC)
    async with httpx.AsyncClient(base_url=stack.url, follow_redirects=True) as browser:
        page = await submit(browser, await browser.get("/s/explore/"))
        token = page.url.path.split("/")[2]
        before = await talk(stack.url, "--token", token, *question)
        page = await browser.get(page.url)  # the terminal was the last to open the session
        boxes = re.findall(r'type="checkbox" name="([^"]+)"', page.text)
        consent = page.url.join("../consent/")
        await submit(browser, page, consent, decision="agree", **dict.fromkeys(boxes, "on"))
    unknown = await talk(stack.url, "--token", token, "--voice", "angelic", *question)
    alone = await talk(stack.url, "--token", token, *question)
    assert (before.status, unknown.status, alone.status) == (4, 4, 4)
    assert before.notes.startswith("The consent form of this session has not been filled in yet. Open http")
    assert unknown.notes.startswith("The study offers no voice called 'angelic'; there are ")
    # the choice was made and its talk begun; but this stack's worker has no engine that the demo offers
    assert alone.notes.endswith(" Please try again in a moment.\n")


async def test_questions_that_come_first_are_left_to_the_browser(stack: Stack, tmp_path: Path) -> None:
    async with httpx.AsyncClient(base_url=stack.url, follow_redirects=True) as browser:
        page = await submit(browser, await browser.get("/s/questions/"))
        boxes = re.findall(r'type="checkbox" name="([^"]+)"', page.text)
        page = await submit(browser, page, decision="agree", **dict.fromkeys(boxes, "on"))
    over = await talk(str(page.url), "--in", write_question(tmp_path))
    assert page.url.path.endswith("/questions/background/")
    assert over.status == 4
    assert over.notes.startswith("Some questions of this session have to be answered first. Open http")


async def test_what_leads_to_no_talk_is_told(stack: Stack, tmp_path: Path) -> None:
    question = ("--in", write_question(tmp_path))
    site = await talk(stack.url, *question)
    stranger = await talk(f"{stack.url}/p/nobody/", *question)
    (token,) = await asyncio.to_thread(stack.script, "tests.e2e.seed", trials=1, engine="echo")
    chosen = await talk(f"{stack.url}/p/{token}/talk/0/", "--voice", "higher", *question)
    fast = await talk(f"{stack.url}/p/{token}/talk/0/", "--fast", *question)
    assert (site.status, stranger.status, chosen.status, fast.status) == (4, 4, 4, 4)
    assert site.notes.startswith("This is a study's site: give the link to your session")
    assert stranger.notes == "This link does not belong to a session on this site.\n"
    assert chosen.notes == "The study decides on the engine and the voice: leave both out.\n"
    assert fast.notes.startswith("The study decides how the engine is conditioned, and it hears in real time")


async def submit(
    browser: httpx.AsyncClient, page: httpx.Response, to: httpx.URL | None = None, /, **fields: str
) -> httpx.Response:
    """Sends the page's form to its own address or another, with what is hidden in it."""
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    answer = await browser.post(to or page.url, data={**hidden, **fields}, headers={"Referer": str(page.url)})
    assert answer.status_code == 200, answer.text
    return answer
