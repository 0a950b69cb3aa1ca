"""A recorded person talks on the Explore page, and the same recording is asked again in two other voices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Playwright, expect

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from tests.bench.voices_speech import NoSpeech, human_speech
from tests.e2e.stack import Stack
from tests.e2e.visitor import FILING_MS, LONG_MS, open_browser, picture
from tests.e2e.walk import barriers
from tests.speech import write_microphone

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(400)]

CLIP = "queue-periodic-announce"  # a woman: "All of our representatives are currently busy …"
RATIOS = {"Lower": 0.59, "Higher": 1.7}  # of the fundamental frequency


@pytest.fixture(scope="module")
def said() -> Float32:
    """float32 [n] at 24 kHz: a quiet room, the sentence, and time for an answer."""
    try:
        talkers = human_speech()
    except NoSpeech as error:
        pytest.skip(str(error))
    talker, clip = next((each, clip) for each in talkers for clip in each.clips if clip.name == CLIP)
    quiet = [np.zeros(round(sec * SAMPLE_RATE_HZ), np.float32) for sec in (2.5, 20.0)]
    return np.concatenate([quiet[0], talker.samples[clip.start : clip.stop], quiet[1]])


def test_recording_of_a_person_is_asked_in_three_voices(
    local_stack: Stack, playwright: Playwright, said: Float32, tmp_path: Path
) -> None:
    browser = open_browser(playwright, write_microphone(tmp_path / "microphone.wav", said))
    page = browser.new_context(permissions=["microphone"]).new_page()
    page.goto(local_stack.url)
    page.get_by_role("button", name="Talk to it").click()
    page.get_by_role("button", name="Agree to all, allow microphone").click()
    page.get_by_role("button", name="Talk", exact=True).click()
    expect(page.locator("[data-part=words]")).to_contain_text("representatives", timeout=LONG_MS)
    expect(page.get_by_text("The machine is speaking")).to_be_visible(timeout=LONG_MS)
    picture(page, "human-1-live")
    expect(page.get_by_text("The machine is speaking")).to_have_count(0, timeout=LONG_MS)
    page.locator("[data-part=end]:visible").click()
    for number, voice in enumerate(RATIOS, start=1):
        expect(page.locator("[data-talk] .words__turn--agent")).to_have_count(number, timeout=FILING_MS)
        first = page.locator("[data-talk]").filter(has_not_text="asked again")
        first.get_by_role("button", name=voice, exact=True).click()
        expect(page.locator(".own-talk--live")).to_be_visible()
        expect(page.locator("[data-talk]")).to_have_count(number + 1, timeout=FILING_MS)
    expect(page.locator("[data-talk] .words__turn--agent")).to_have_count(3, timeout=FILING_MS)
    for box in page.get_by_role("checkbox", name="Compare").all():
        box.check()
    page.context.set_offline(True)
    page.get_by_role("button", name="Show what differs").click()
    expect(page.get_by_text("The differences could not be loaded.")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("button", name="Show what differs").click()
    expect(page.get_by_role("heading", name="What differs")).to_be_visible(timeout=FILING_MS)
    expect(page.get_by_text("Measurements are being made")).to_have_count(0, timeout=FILING_MS)
    picture(page, "human-2-compared")
    assert barriers(page) == []
    token = page.url.split("/p/")[1].split("/")[0]
    medians = local_stack.script("tests.e2e.inspect_metric", session=token, track="heard", name="f0_median_hz")
    own, *others = (value["value"] for value in medians)
    assert [other / own for other in others] == pytest.approx(list(RATIOS.values()), rel=0.08)
    browser.close()
