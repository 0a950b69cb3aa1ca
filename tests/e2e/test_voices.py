"""One microphone through the natural and a changed voice: they differ in the voice alone. Then a voice with sliders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page, Playwright, WebSocket, expect

from hearmeout_site.environment import ROOT
from inference.contract.audio import SAMPLE_RATE_HZ, Float32, Int16, pcm16_to_float32
from inference.contract.wire import AudioFrame, Kind, Metadata, decode
from studies.insights.pitch import pitch_contour
from tests.e2e.alignment import lag_of
from tests.e2e.filing import filed
from tests.e2e.stack import Stack
from tests.e2e.visitor import check_device, end_talk, explore_talk, open_browser, picture, talk
from tests.speech import write_microphone

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SENTENCE = ROOT / "studies/static/studies/audio/sample-sentence.flac"
RATIO = 1.5
CLOSE = 0.005  # 9 cents
TALK_SEC = 6.0


@pytest.fixture(scope="module")
def stack(echo_stack: Stack) -> Stack:
    return echo_stack


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Browser:
    """Its microphone says the sample sentence again and again."""
    sentence, rate_hz = soundfile.read(SENTENCE, dtype="float32")
    assert rate_hz == SAMPLE_RATE_HZ
    wav = write_microphone(tmp_path_factory.mktemp("microphone") / "microphone.wav", np.tile(sentence, 5))
    return open_browser(playwright, wav)


def consent(page: Page, stack: Stack, slug: str) -> None:
    page.goto(f"{stack.url}/s/{slug}/")
    page.get_by_role("button", name="Begin").click()
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="I agree").click()
    page.wait_for_url(re.compile("/check/$"))


def session_of(page: Page) -> str:
    return page.url.split("/p/")[1].split("/")[0]


def kept_files(stack: Stack) -> set[Path]:
    return {path for path in (stack.folder / "data").rglob("*") if path.is_file()}


def filed_trials(stack: Stack, token: str) -> list[dict[str, Any]]:
    """What is filed of the session's talks, once it is."""
    [takes] = stack.script("tests.e2e.inspect_take", tokens=[token])
    for take in takes:
        filed(stack, take["id"])
    trials: list[dict[str, Any]] = stack.script("tests.e2e.inspect_session", token=token)
    return trials


def pcm_of(trial: dict[str, Any], kind: str) -> Int16:
    samples, rate_hz = soundfile.read(trial["tracks"][kind]["path"], dtype="int16")
    assert rate_hz == SAMPLE_RATE_HZ
    return np.asarray(samples, np.int16)


def pitch_ratio(changed: Float32 | Int16, said: Float32 | Int16) -> float:
    """Median of F0 over F0, where both are voiced. Raises AssertionError when they hardly are."""
    contours = [pitch_contour(np.asarray(samples, np.float32)) for samples in (changed, said)]
    voiced = contours[0].voiced & contours[1].voiced
    assert voiced.sum() > 50  # half a second
    return float(np.median(contours[0].f0_hz[voiced] / contours[1].f0_hz[voiced]))


def longest_without_gap(trial: dict[str, Any]) -> Int16:
    """Of the microphone's track: on a busy machine Chromium's fake microphone stalls, which is marked as silence."""
    samples, start, best = pcm_of(trial, "participant"), 0, np.zeros(0, np.int16)
    for first, count in [*trial["tracks"]["participant"]["gaps"], [len(samples), 0]]:
        if first - start > len(best):
            best = samples[start:first]
        start = first + count
    return best


class Heard:
    """What came back over a page's preview sockets: the newest sentence."""

    def __init__(self, page: Page) -> None:
        self.renderings = 0
        self._samples = bytearray()
        self._expected = 0
        page.on("websocket", self._watch)

    @property
    def samples(self) -> Float32:
        return pcm16_to_float32(bytes(self._samples))

    @property
    def complete(self) -> bool:
        return 0 < self._expected == len(self._samples) // 2

    def _watch(self, socket: WebSocket) -> None:
        if socket.url.endswith("/preview/"):
            socket.on("framereceived", self._take)

    def _take(self, data: bytes | str) -> None:
        match decode(data if isinstance(data, bytes) else data.encode("latin-1")):
            case Metadata("rendered", fields):
                self.renderings, self._expected = self.renderings + 1, fields["samples"]
                self._samples.clear()
            case AudioFrame(kind=Kind.HEARD, pcm=pcm):
                self._samples += pcm

    def wait(self, page: Page, after: int) -> Float32:
        """The sentence that comes after so many renderings."""
        for _ in range(200):
            if self.renderings > after and self.complete:
                return self.samples
            page.wait_for_timeout(50)
        raise AssertionError(f"nothing was heard after rendering {after}")


@pytest.fixture(scope="module")
def visit(stack: Stack, browser: Browser) -> dict[str, Any]:
    """A whole visit: hears itself in the check and during the second talk."""
    page = browser.new_page()
    heard = Heard(page)
    consent(page, stack, "voices")
    expect(page.get_by_text("to the machine and back")).to_be_visible(timeout=20_000)
    before = kept_files(stack)
    page.get_by_role("button", name="Record five seconds").click()
    previews = []
    for number in (1, 2):
        page.get_by_role("button", name=f"Voice {number}").click(timeout=20_000)
        previews.append(heard.wait(page, number - 1))
        expect(page.locator("[data-part=self-result]")).to_have_text(f"Voice {number}")
    left = kept_files(stack) - before
    picture(page, "voices-1-check")
    check_device(page, "")
    talk(page, "", TALK_SEC)
    page.wait_for_url(re.compile("/talk/1/$"))
    page.get_by_role("button", name="Start talking").click()
    expect(page.locator("#talk")).to_have_attribute("data-state", "live", timeout=30_000)
    page.get_by_role("slider", name="Hear yourself").fill("50")
    page.wait_for_timeout(TALK_SEC * 1_000)
    picture(page, "voices-2-monitor")
    end_talk(page)
    expect(page.locator("#talk")).to_have_attribute("data-state", "ended", timeout=15_000)
    token = session_of(page)
    trials = {trial["condition"]: trial for trial in filed_trials(stack, token)}
    return {"previews": previews, "left": left, "trials": trials, "token": token}


def test_preview_is_heard_in_both_voices_and_leaves_nothing(visit: dict[str, Any], stack: Stack) -> None:
    ratio = pitch_ratio(*visit["previews"])
    assert max(ratio, 1 / ratio) == pytest.approx(RATIO, rel=CLOSE)
    # the cache says which tokens were used, and holds no sound
    assert [path for path in visit["left"] if "db.sqlite3" not in path.name and path.parent.name != "cache"] == []
    assert visit["token"] not in stack.log


def test_heard_has_the_requested_pitch(visit: dict[str, Any]) -> None:
    for condition, ratio in (("natural", 1.0), ("raised", RATIO)):
        trial = visit["trials"][condition]
        found = pitch_ratio(pcm_of(trial, "heard"), pcm_of(trial, "participant"))
        assert found == pytest.approx(ratio, rel=CLOSE), condition


def test_conditions_are_equally_late(visit: dict[str, Any]) -> None:
    delays = {trial["delay_samples"] for trial in visit["trials"].values()}
    assert len(delays) == 1
    assert delays.pop() > 0


def test_natural_voice_is_heard_to_the_bit(visit: dict[str, Any]) -> None:
    trial = visit["trials"]["natural"]
    said, heard = pcm_of(trial, "participant"), pcm_of(trial, "heard")
    end = trial["tracks"]["heard"]["duration_samples"] - trial["delay_samples"] - 2 * 1_920  # what was not stepped
    np.testing.assert_array_equal(heard[:end], said[:end])


def test_microphone_is_the_same_to_the_bit_in_both(visit: dict[str, Any]) -> None:
    first, second = (longest_without_gap(trial) for trial in visit["trials"].values())
    lag = lag_of(first.astype(np.float32), second.astype(np.float32))
    start, stop = max(0, -lag), min(len(first), len(second) - lag)
    assert stop - start > SAMPLE_RATE_HZ
    np.testing.assert_array_equal(first[start:stop], second[start + lag : stop + lag])


def test_what_was_heard_of_oneself_is_noted(visit: dict[str, Any]) -> None:
    levels = []
    for condition in ("natural", "raised"):
        events = Path(visit["trials"][condition]["events"]).read_text()
        levels += re.findall(r'"type": "monitor", "level": ([\d.]+)', events)
    assert levels == ["0.5"]


def test_sliders_are_heard_at_once_and_talked_with(stack: Stack, browser: Browser) -> None:
    page = browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{stack.url}/s/sliders/")
    page.get_by_role("button", name="Begin").click()
    page.locator("[data-part=agree]").click()
    page.locator("[data-choice=voice] summary").click()
    picture(page, "voices-3-explore")
    heard = Heard(page)
    page.get_by_role("link", name="Make a voice with sliders").click()
    picture(page, "voices-4-sliders")
    page.get_by_role("button", name="Take a sample sentence").click()
    own = heard.wait(page, 0)
    sample, _ = soundfile.read(SENTENCE, dtype="float32")
    assert pitch_ratio(own, sample[: len(own)]) == pytest.approx(1.0, rel=CLOSE)

    pitch = page.get_by_role("slider", name="Pitch")
    pitch.fill(str(RATIO))
    assert pitch_ratio(heard.wait(page, 1), own) == pytest.approx(RATIO, rel=CLOSE)
    pitch.press("ArrowRight")
    expect(page.locator("[data-value-of=f0_ratio]")).to_have_text("×1.51")
    assert pitch.input_value() == "1.505"
    heard.wait(page, 2)
    before = heard.renderings
    page.get_by_role("button", name="Lower voice", exact=True).click()
    assert pitch_ratio(heard.wait(page, before), own) == pytest.approx(0.59, rel=CLOSE)
    page.get_by_role("button", name="Your own").click()
    heard.wait(page, before + 1)
    page.get_by_text("More", exact=True).click()
    page.get_by_role("slider", name="Pitch").fill("0.8")
    page.get_by_role("slider", name="Resonances").fill("1.2")
    picture(page, "voices-5-sliders-moved")

    page.get_by_role("button", name="Talk with this voice").click()
    expect(page.locator("[data-choice=voice] [data-chosen]")).to_have_text("A voice of your own making")
    explore_talk(page, "", TALK_SEC)
    expect(page.get_by_role("heading", name="A voice of your own making: Pitch ×0.8, Resonances ×1.2")).to_be_visible()
    picture(page, "voices-6-talked")
    [trial] = filed_trials(stack, session_of(page))
    ratio = pitch_ratio(pcm_of(trial, "heard"), pcm_of(trial, "participant"))
    assert ratio == pytest.approx(0.8, rel=CLOSE)
    assert problems == []
