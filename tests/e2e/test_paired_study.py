"""One person, one study: from the link to the completion code in a real browser, with real speech and the local
engine; then what is in the files, the database and the CSV."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, Playwright, expect

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from tests.e2e.alignment import lag_of, snr_db, window_lags
from tests.e2e.stack import Stack
from tests.e2e.visitor import enter, listen, open_browser, picture, rate, talk
from tests.speech import conversation, read_microphone, write_microphone

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(600)]

QUESTION = "What should I do on a free weekend, if I like walking and music?"
TALK_SEC = 11.0


@dataclass
class Visit:
    """What a visit left."""

    stack: Stack
    played: Float32  # what the browser's microphone played, at 24 kHz
    token: str = ""
    code: str = ""
    said: list[list[str]] = field(default_factory=list)
    trials: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture(scope="module")
def visit(local_stack: Stack, playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    folder = tmp_path_factory.mktemp("paired")
    microphone = write_microphone(folder / "microphone.wav", conversation([QUESTION], pause_sec=12, lead_sec=2.5))
    played = read_microphone(microphone)
    visit = Visit(local_stack, played)
    page = open_browser(playwright, microphone).new_page()
    go_through(page, visit)
    visit.trials = local_stack.script("tests.e2e.inspect_session", token=visit.token)
    takes = {trial["take"] for trial in visit.trials}
    visit.rows = [row for row in download(local_stack) if row["take"] in takes]
    return visit


def go_through(page: Page, visit: Visit) -> None:
    enter(page, visit.stack.url, "paired-prompts")
    for pair in range(2):
        for number in range(2):
            page.wait_for_url(re.compile(r"/talk/\d+/$"))
            if pair == number == 0:
                picture(page, "paired-4-talk")
            position = 2 * pair + number
            first = position == 0
            visit.said.append(talk(page, "paired-5-live" if first else "", TALK_SEC))
            rate(page, "paired-6-rate" if first else "", value=2 + position)
        page.wait_for_url(re.compile(r"/compare/\d+/$"))  # which pair is first depends on the arm
        listen(page)
        picture(page, f"paired-7-compare-{pair}")
        for question in page.locator(".versus").all():
            question.get_by_role("radio").nth(pair).check(force=True)
        page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Thank you").wait_for()
    picture(page, "paired-8-debrief")
    visit.code = page.locator(".completion-code").inner_text()
    visit.token = page.url.split("/p/")[1].split("/")[0]


def download(stack: Stack) -> list[dict[str, str]]:
    """The CSV as a signed-in researcher gets it."""
    found = re.search(r"Name: (\S+)\s+Password: (\S+)", stack.log)
    assert found, "the first researcher's password is printed once"
    with httpx.Client(base_url=stack.url, follow_redirects=True, headers={"Referer": stack.url}) as http:
        http.get("/accounts/login/")
        form = {"login": found[1], "password": found[2], "csrfmiddlewaretoken": http.cookies["csrftoken"]}
        signed_in = http.post("/accounts/login/", data=form)
        assert signed_in.url.path == "/admin/"
        answer = http.get(stack.script("tests.e2e.inspect_session", csv_of="paired-prompts"))
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def samples_of(trial: dict[str, Any], kind: str) -> Float32:
    samples, rate_hz = soundfile.read(trial["tracks"][kind]["path"], dtype="float32")
    assert rate_hz == SAMPLE_RATE_HZ
    return np.asarray(samples, np.float32)


def test_every_trial_has_three_tracks_of_one_length(visit: Visit) -> None:
    assert len(visit.trials) == 4
    for trial in visit.trials:
        assert sorted(trial["tracks"]) == ["agent", "heard", "participant"]
        lengths = {track["duration_samples"] for track in trial["tracks"].values()}
        assert len(lengths) == 1
        assert lengths.pop() > (TALK_SEC - 2) * SAMPLE_RATE_HZ


def captured(trial: dict[str, Any]) -> Float32:
    """The microphone's track without its marked silence: on a busy machine Chromium's fake microphone stalls, which
    loses nothing of its file. Whatever is missing beyond that is seen as a slipped window."""
    samples = samples_of(trial, "participant")
    for start, count in reversed(trial["tracks"]["participant"]["gaps"]):
        assert not samples[start : start + count].any()
        samples = np.delete(samples, slice(start, start + count))
    return samples


def test_participant_track_is_what_was_spoken(visit: Visit) -> None:
    for trial in visit.trials:
        recorded = captured(trial)
        lag = lag_of(visit.played, recorded)
        assert snr_db(visit.played, recorded, lag) >= 60
        assert window_lags(visit.played, recorded, lag) == {0}, "a window slipped"


def test_agent_speaks_words_that_were_shown(visit: Visit) -> None:
    for trial, said in zip(visit.trials, visit.said, strict=True):
        assert np.sqrt(np.mean(samples_of(trial, "agent") ** 2)) > 0.005
        answers = [said_by for said_by in trial["utterances"] if said_by["role"] == "agent"]
        assert answers
        first_words = answers[-1]["text"].split()[:3]
        assert len(first_words) == 3
        assert " ".join(first_words) in " ".join(" ".join(said).split())


def test_words_of_the_participant_were_understood(visit: Visit) -> None:
    for trial in visit.trials:
        heard = " ".join(said["raw_text"] for said in trial["utterances"] if said["role"] == "participant").lower()
        if trial["converter"] == "resynthesis":
            assert "weekend" in heard


def test_conditions_of_a_pair_differ_in_the_voice_alone(visit: Visit) -> None:
    for pair in (0, 1):
        first, second = (trial for trial in visit.trials if trial["pair"] == pair)
        assert first["prompt"] == second["prompt"]
        assert {first["side"], second["side"]} == {"A", "B"}
        assert {first["converter"], second["converter"]} == {"resynthesis", "transform"}
        assert first["delay_samples"] == second["delay_samples"]


def test_csv_agrees_with_the_database(visit: Visit) -> None:
    assert [row["position"] for row in visit.rows] == [str(trial["position"] + 1) for trial in visit.trials]
    for row, trial in zip(visit.rows, visit.trials, strict=True):
        assert row["condition"] == trial["condition"]
        assert row["prompt"] == trial["prompt"]
        assert row["take"] == trial["take"]
        assert row["answer_helpful"] == str(trial["answers"]["helpful"])
        assert row["answer_remark"].splitlines() == ("'" + trial["answers"]["remark"]).splitlines()


def test_completion_code_is_shown_to_the_participant_alone(visit: Visit) -> None:
    assert re.fullmatch(r"[A-Z0-9-]{6,12}", visit.code)
    assert visit.code not in visit.stack.log
    assert visit.token not in visit.stack.log


def test_log_holds_no_word_that_was_said(visit: Visit) -> None:
    for trial in visit.trials:
        for said in trial["utterances"]:
            assert len(said["text"]) < 8 or said["text"] not in visit.stack.log


def test_visit_that_is_over_shows_its_end_by_the_same_link(
    visit: Visit, playwright: Playwright, tmp_path: Path
) -> None:
    silence = write_microphone(tmp_path / "silence.wav", np.zeros(SAMPLE_RATE_HZ, np.float32))
    page = open_browser(playwright, silence).new_page()
    page.goto(f"{visit.stack.url}/p/{visit.token}/")
    expect(page.locator(".completion-code")).to_have_text(visit.code)
