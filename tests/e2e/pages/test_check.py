"""The device check with recorded microphones: a quiet room, a loud one, none at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from studies.participant.checking.device import read_report
from studies.participant.checking.page import mending
from tests.e2e.pages.conftest import CHECK, Launch, NewPage, Screenshots, render, voiced
from tests.e2e.pages.server import PageServer, Script
from tests.speech import write_microphone

pytestmark = pytest.mark.browser

SILENT_SEC = 4.2  # a second's lead, three seconds' silence, and what it takes to open the microphone
MEASURED_MS = 25_000
LIMITS = {"noise_dbfs": -50, "snr_db": 15, "clipped_percent": 1, "round_trip_ms": 5_000}


def room(noise_dbfs: float, voice_gain: float = 1.0) -> Float32:
    """Noise for some seconds, then somebody speaks in it, at 24 kHz."""
    voice = np.concatenate([np.zeros(int(SILENT_SEC * SAMPLE_RATE_HZ), np.float32), voice_gain * voiced(10)])
    noise = np.random.default_rng(1).standard_normal(len(voice)) * 10 ** (noise_dbfs / 20)
    return (voice + noise).astype(np.float32)


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """microphone(samples): the flag that makes a browser's microphone play them once."""
    folder: Path = tmp_path_factory.mktemp("rooms")

    def flag(samples: Float32) -> str:
        wav = write_microphone(folder / f"{len(list(folder.iterdir()))}.wav", samples)
        return f"--use-file-for-fake-audio-capture={wav}%noloop"

    return flag


def set_up(server: PageServer, **config: Any) -> None:
    """The page of a study with other settings."""
    server.pages["/check/"] = render("checking/check", check_config=CHECK | {"mending": mending(), **config}, errors=[])


def reports(server: PageServer) -> list[dict[str, Any]]:
    """The runs that the page told of; each one as the server reads it."""
    sent = [body.decode() for path, body in server.posts if path == "/check/attempts/"]
    return [read_report(text).kept() for text in sent]


def posted(server: PageServer) -> dict[str, list[str]]:
    [body] = [body for path, body in server.posts if path == "/check/"]
    return parse_qs(body.decode())


def check_microphone(page: Page) -> None:
    page.locator("[data-part=listen]:enabled").click()
    expect(page.get_by_text("Please be quiet now.")).to_be_visible()
    expect(page.get_by_text("Now read this aloud:")).to_be_visible(timeout=10_000)
    expect(page.get_by_role("button", name="Check again")).to_be_enabled(timeout=MEASURED_MS)


def check_sound(page: Page) -> None:
    page.get_by_role("button", name="Play the tones").click()
    page.get_by_role("button", name="Yes").click(timeout=10_000)
    page.get_by_text("I am wearing headphones").click()


def test_check_measures_plays_back_and_posts(
    launch: Launch, new_page: NewPage, server: PageServer, check_url: str, screenshots: Screenshots, microphone: Any
) -> None:
    page = new_page(launch(microphone(room(-65))))
    set_up(server, limits=LIMITS, onFail="block")
    page.goto(check_url)
    expect(page.get_by_text("Still to do: the microphone, the sound, the headphones.")).to_be_visible()
    screenshots(page, "check-start")
    check_microphone(page)
    expect(page.get_by_text("Your microphone works well.")).to_be_visible()
    page.evaluate("""() => {
        const start = AudioBufferSourceNode.prototype.start;
        window.replaying = new Promise((resolve) => {
            AudioBufferSourceNode.prototype.start = function (...at) {
                const peak = this.buffer.getChannelData(0).reduce((most, sample) => Math.max(most, sample));
                resolve({sec: this.buffer.duration, peak});
                return start.apply(this, at);
            };
        });
    }""")
    page.get_by_role("button", name="Listen to your recording").click()
    replayed = page.evaluate("window.replaying")
    assert 5 <= replayed["sec"] < 8
    assert replayed["peak"] > 0.2
    check_sound(page)
    expect(page.get_by_text("Good: you can hear the tones, and your microphone does not pick them up.")).to_be_visible()
    screenshots(page, "check-done")
    with page.expect_navigation():
        page.get_by_role("button", name="Continue").click()

    device = read_report(posted(server)["device"][0]).kept()
    assert -68 < device["noise_dbfs"] < -62
    assert 35 < device["snr_db"] < 60
    assert (device["clipped_percent"], device["unmeasured"]) == (0, {})
    assert device["microphone"]["verdict"] == "ok"
    assert device["round_trip_ms"] > 0
    assert (device["delay"]["conversion_ms"], device["delay"]["probes"]) == (60, 12)
    assert (device["sound"]["heard"], device["sound"]["leaking"], device["sound"]["output"]) == (
        True,
        False,
        "headphones",
    )
    assert device["input"]["noiseSuppression"] is False
    assert device["input"]["kind"] == "virtual"
    assert not {"deviceId", "groupId", "label"} & set(device["input"])
    [told] = reports(server)
    assert (told["noise_dbfs"], told["snr_db"]) == (device["noise_dbfs"], device["snr_db"])
    assert max(len(body) for _, body in server.posts) < 10_000  # nothing of the sound is sent


def test_loud_room_is_told_how_to_mend_it_and_may_leave(
    launch: Launch, new_page: NewPage, server: PageServer, check_url: str, screenshots: Screenshots, microphone: Any
) -> None:
    page = new_page(launch(microphone(room(-28, voice_gain=0.3))))
    set_up(server, limits=LIMITS, onFail="block")
    verdict = {"failed": ["noise_dbfs", "snr_db"], "blocked": True}
    server.answers["/check/attempts/"] = lambda: (200, {**verdict, "mayLeave": len(reports(server)) >= 2})
    page.goto(check_url)
    check_microphone(page)
    expect(page.get_by_text("This is not good enough for this study yet.")).to_be_visible()
    expect(page.get_by_text("Your surroundings are too loud.")).to_be_visible()
    expect(page.get_by_text("Your voice barely stands out")).to_be_visible()
    check_sound(page)
    expect(page.get_by_text("You can continue as soon as the marked problems are fixed.")).to_be_visible()
    expect(page.get_by_role("button", name="Continue")).to_be_disabled()
    expect(page.get_by_role("button", name="Leave the study")).to_be_hidden()
    check_microphone_again(page)
    expect(page.get_by_role("button", name="Leave the study")).to_be_visible()
    screenshots(page, "check-blocked")
    with page.expect_navigation():
        page.get_by_role("button", name="Leave the study").click()
    assert posted(server)["decision"] == ["leave"]
    assert [told["noise_dbfs"] > -32 for told in reports(server)] == [True, True]


def check_microphone_again(page: Page) -> None:
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_role("button", name="I have read the sentence")).to_be_visible(timeout=10_000)
    page.wait_for_timeout(1_000)
    page.get_by_role("button", name="I have read the sentence").click()
    expect(page.get_by_role("button", name="Check again")).to_be_enabled(timeout=2_000)


def test_loud_room_may_go_on_where_the_study_only_warns(
    launch: Launch, new_page: NewPage, server: PageServer, check_url: str, microphone: Any
) -> None:
    page = new_page(launch(microphone(room(-28, voice_gain=0.3))))
    set_up(server, limits=LIMITS)
    page.goto(check_url)
    check_microphone(page)
    expect(page.get_by_text("You may also continue as it is.")).to_be_visible()
    check_sound(page)
    expect(page.get_by_role("button", name="Continue")).to_be_enabled()


def test_voice_that_hardly_stands_out_is_warned_of_in_plain_words_where_the_study_sets_no_limit(
    launch: Launch, new_page: NewPage, server: PageServer, check_url: str, screenshots: Screenshots, microphone: Any
) -> None:
    page = new_page(launch(microphone(room(-28, voice_gain=0.3))))
    set_up(server, limits=dict.fromkeys(LIMITS))
    page.goto(check_url)
    check_microphone(page)
    result = page.locator("[data-part=microphone-result]")
    expect(result).to_contain_text("Your voice barely stands out from the background noise.")
    expect(result).to_have_class("notice notice--warning")
    expect(page.locator("[data-measure=noise_dbfs]")).to_have_text("Background noiseloud")
    expect(page.locator("[data-measure=snr_db]")).to_have_text("Your voice above the background noisehard to make out")
    expect(page.locator("main")).not_to_contain_text("dB")
    screenshots(page, "check-hardly-heard")
    check_sound(page)
    expect(page.get_by_role("button", name="Continue")).to_be_enabled()
    assert reports(server)[-1]["snr_db"] < 10


def test_clipped_sentence_is_told(
    launch: Launch, new_page: NewPage, server: PageServer, check_url: str, microphone: Any
) -> None:
    page = new_page(launch(microphone(np.clip(room(-65, voice_gain=12), -1, 1))))
    set_up(server, limits=LIMITS, onFail="block")
    page.goto(check_url)
    check_microphone(page)
    expect(page.locator("[data-measure=clipped_percent]")).to_contain_text("Your voice is too loud for the microphone")
    assert reports(server)[0]["clipped_percent"] > 1


def test_slow_connection_is_told(
    launch: Launch, new_page: NewPage, server: PageServer, check_url: str, microphone: Any
) -> None:
    page = new_page(launch(microphone(room(-65))))
    set_up(server, limits=LIMITS | {"round_trip_ms": 0.001}, onFail="block")
    page.goto(check_url)
    expect(page.get_by_text("Your connection to the server is too slow.")).to_be_visible()
    expect(page.get_by_role("button", name="Measure again")).to_be_enabled()


def test_server_is_measured_where_no_machine_answers(
    launch: Launch, new_page: NewPage, server: PageServer, check_url: str
) -> None:
    server.reset(Script(machine=False))
    page = new_page(launch(loop=True))
    page.goto(check_url)
    expect(page.get_by_text("Nobody is there. You can continue without it.")).to_be_visible()
    device = json.loads(page.locator("[data-part=device]").input_value())
    assert device["round_trip_ms"] > 0
    assert device["delay"]["round_trip_ms"] is None


def test_no_microphone_is_said_and_told(launch: Launch, new_page: NewPage, server: PageServer, check_url: str) -> None:
    page = new_page(launch(microphone=False))
    page.goto(check_url)
    with page.expect_response("**/check/attempts/"):
        page.locator("[data-part=listen]:enabled").click()
    expect(page.get_by_text("No microphone was found.")).to_be_visible()
    expect(page.get_by_role("button", name="Continue")).to_be_disabled()
    expect(page.get_by_role("button", name="Check again")).to_be_enabled()
    [told] = reports(server)
    assert told["unmeasured"] == {"noise_dbfs": "none", "snr_db": "none", "clipped_percent": "none"}


def test_keyboard_stays_on_the_button_that_it_pressed(launch: Launch, new_page: NewPage, check_url: str) -> None:
    page = new_page(launch(microphone=False))
    page.goto(check_url)
    listen = page.locator("[data-part=listen]")
    expect(listen).to_be_enabled()
    assert page.evaluate("document.activeElement === document.body"), "nothing takes the keyboard by itself"
    listen.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=microphone-result]")).not_to_be_empty()
    expect(listen).to_be_focused()


def test_unheard_tone_does_not_let_go_on(launch: Launch, new_page: NewPage, check_url: str) -> None:
    page = new_page(launch(loop=True))
    page.goto(check_url)
    page.get_by_role("button", name="Play the tones").click()
    page.get_by_role("button", name="No", exact=True).click(timeout=10_000)
    expect(page.get_by_text("Turn up the volume")).to_be_visible()
    expect(page.get_by_text("Still to do: the microphone, the sound, the headphones.")).to_be_visible()
