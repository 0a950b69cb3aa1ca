"""Recordings in Chromium: the answers of a pair, and an excerpt within a questionnaire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from studies.models import Session
from studies.participant.answering.answers import known
from tests.e2e.pages.conftest import Launch, NewPage, Screenshots
from tests.studies.participant.questionnaires import asking
from tests.studies.participant.visitor import Visitor, open_new_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PREFER = {"type": "preference", "key": "prefer", "text": "Which answer do you prefer?"}
WHY = {
    "type": "long_text",
    "key": "why",
    "text": "What made the difference?",
    "required": False,
    "show_if": {"all": [{"item": "prefer", "one_of": ["A", "B"]}]},
}
HEARD_MS = 15_000


@pytest.fixture(scope="module", autouse=True)
def _beside_playwright() -> Iterator[None]:
    """Playwright keeps an event loop in this thread; the database is used beside it, never from it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.mark.parametrize("track", ["agent", "conversation"])
def test_pair_is_judged_once_all_of_it_was_heard(
    track: str, launch: Launch, new_page: NewPage, live_server: LiveServer, screenshots: Screenshots
) -> None:
    document = asking(PREFER, WHY, at="after_pair")
    open_new_study({**document, "questionnaires": document["questionnaires"][:1], "comparison": {"track": track}})
    anna = Visitor().to_talk()
    anna.talk()
    anna.talk(duration_sec=2.0)
    page = new_page(launch())
    page.goto(f"{live_server.url}/p/{anna.token}/compare/0/")
    expect(page.get_by_role("button", name="Continue")).to_be_disabled()
    page.get_by_role("radio", name="Answer B").check(force=True)
    for label in ("Answer A", "Answer B"):
        page.get_by_role("button", name=f"Play: {label}").click(timeout=HEARD_MS)
        expect(page.get_by_role("region", name=label)).to_contain_text("heard", timeout=HEARD_MS)
        expect(page.get_by_role("region", name=label).locator("[data-heard-tag]")).to_have_text(
            "heard", timeout=HEARD_MS
        )
    expect(page.get_by_role("button", name="Continue")).to_be_enabled()
    page.get_by_label("What made the difference?").fill("It was warmer.")
    expect(page.get_by_text("All your answers are saved.")).to_be_visible()
    screenshots(page, f"compare-{track}")
    page.reload()
    expect(page.get_by_role("button", name="Continue")).to_be_enabled()
    expect(page.get_by_role("radio", name="Answer B")).to_be_checked()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/debrief/")
    assert known(anna.session, pair=0) == {"prefer": "B", "why": "It was warmer."}
    assert anna.session.state == Session.State.FINISHED


def test_excerpt_is_counted_and_used_up(
    launch: Launch, new_page: NewPage, live_server: LiveServer, screenshots: Screenshots
) -> None:
    playback = {"type": "playback", "key": "hear", "text": "Listen again to how the machine began.", "max_plays": 2}
    likert = {"type": "likert", "key": "warm", "text": "How warm was it?", "low": "Cold", "high": "Warm"}
    document = asking({**playback, "start_sec": 0.5, "max_duration_sec": 1}, likert, at="after_trial")
    open_new_study(document)
    anna = Visitor().to_talk()
    anna.talk(duration_sec=2.0)
    page = new_page(launch())
    page.goto(f"{live_server.url}/p/{anna.token}/questions/asked/0/")
    expect(page.get_by_text("It can be played 2 times.")).to_be_visible(timeout=HEARD_MS)
    screenshots(page, "playback")
    page.locator("#q-warm-6").check(force=True)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert").first).to_contain_text("Please listen to this recording to the end.")
    page.get_by_role("button", name="Play: recording").click(timeout=HEARD_MS)
    expect(page.get_by_text("It can be played 1 time.")).to_be_visible(timeout=HEARD_MS)
    page.goto(page.url)
    page.get_by_role("button", name="Play: recording").click(timeout=HEARD_MS)
    expect(page.get_by_text("It has been played as often as allowed.")).to_be_visible(timeout=HEARD_MS)
    expect(page.get_by_role("button", name="Play: recording")).to_be_disabled()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/talk/1/")
    values = known(anna.session, anna.session.trials.get(position=0))
    assert (values["warm"], values["hear"]["plays"]) == (6, 2)
    assert 0.9 <= values["hear"]["listened_sec"] <= 1.1
