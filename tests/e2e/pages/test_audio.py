"""The audio path for real: a recorded microphone through the page to a server, and a server's voice out of the page."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from playwright.sync_api import Page

from inference.contract.audio import (
    FRAME_SAMPLES,
    SAMPLE_RATE_HZ,
    UPLINK_SAMPLES,
    Float32,
    float32_to_pcm16,
    pcm16_to_float32,
)
from tests.e2e.alignment import lag_of, snr_db, window_lags
from tests.e2e.pages.conftest import Launch, NewPage, voiced
from tests.e2e.pages.server import PageServer, Recording, Script
from tests.e2e.visitor import end_talk

pytestmark = pytest.mark.browser
MAX_WORKLET_SLIP = SAMPLE_RATE_HZ // 20  # Chromium itself may lose 10 to 30 ms of input on this path
FRAMES_OF_SPEECH = 8 * SAMPLE_RATE_HZ // UPLINK_SAMPLES
TRIES = 4  # on a machine so busy that the page leaves sound out to catch up

TAP = """
// what leaves the playback context, sample for sample
const tap = URL.createObjectURL(new Blob([`
  registerProcessor("tap", class extends AudioWorkletProcessor {
    process([[input]]) { if (input) this.port.postMessage(input.slice()); return true; }
  });`], {type: "text/javascript"}));
window.heard = [];
const addModule = AudioWorklet.prototype.addModule;
AudioWorklet.prototype.addModule = async function (url) {
  await addModule.call(this, tap);
  return addModule.call(this, url);
};
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode) {
    const node = new AudioWorkletNode(this.context, "tap");
    node.port.onmessage = ({data}) => window.heard.push(...data);
    connect.call(this, node);
  }
  return connect.call(this, target, ...rest);
};
"""


def on_the_clock(recording: Recording) -> Float32:
    """All frames on the microphone clock; what is missing is silence."""
    end = max(sample for sample, _ in recording.frames.values()) + UPLINK_SAMPLES
    samples = np.zeros(end, np.float32)
    for sample, pcm in recording.frames.values():
        samples[sample : sample + UPLINK_SAMPLES] = pcm16_to_float32(pcm)
    return samples


def as_captured(recording: Recording) -> Float32:
    """Without the silence that reported slips stand for: a fake microphone that stalls loses nothing of its file."""
    samples = on_the_clock(recording)
    for slip in reversed(recording.of("slip")):
        start = slip.data["sample"]
        stop = start + slip.data["slipped_samples"]
        assert not samples[start:stop].any()
        samples = np.delete(samples, slice(start, stop))
    return samples


def sounds_in(frame: Float32, heard: Float32) -> bool:
    """Whether all samples of `frame` are in `heard`, in one piece and bit for bit."""
    return heard.tobytes().find(frame.tobytes()) >= 0


def talk(page: Page, url: str, recording: Recording, frames: int) -> None:
    """Start, talk until so many frames arrived, end."""
    page.goto(url)
    page.get_by_role("button", name="Start talking").click()
    page.locator("#talk[data-state=live]").wait_for(timeout=15_000)
    while len(recording.frames) < frames:
        page.wait_for_timeout(100)
    end(page)


def end(page: Page) -> None:
    end_talk(page)
    page.locator("#talk[data-state=ended]").wait_for(timeout=15_000)


def test_microphone_arrives_as_it_was_played(
    launch: Launch, new_page: NewPage, server: PageServer, talk_url: str, speech: Float32
) -> None:
    recording = server.reset()
    talk(new_page(launch()), talk_url, recording, FRAMES_OF_SPEECH)

    assert sorted(recording.frames) == list(range(len(recording.frames)))
    assert recording.of("lost") == []
    recorded = as_captured(recording)
    lag = lag_of(speech, recorded)
    assert window_lags(speech, recorded, lag) == {0}
    assert snr_db(speech, recorded, lag) >= 60


def test_broken_connections_lose_nothing(
    launch: Launch, new_page: NewPage, server: PageServer, talk_url: str, speech: Float32
) -> None:
    recording = server.reset(Script(drops=[(100, 1.2), (230, 0.0)]))
    talk(new_page(launch()), talk_url, recording, FRAMES_OF_SPEECH)

    assert recording.connections == 3
    assert sorted(recording.frames) == list(range(len(recording.frames)))
    recorded = as_captured(recording)
    lag = lag_of(speech, recorded)
    assert window_lags(speech, recorded, lag) == {0}
    assert snr_db(speech, recorded, lag) >= 60


def test_busy_machine_loses_nothing_of_the_microphone(
    launch: Launch, new_page: NewPage, server: PageServer, talk_url: str, speech: Float32
) -> None:
    recording = server.reset()
    page = new_page(launch())
    page.goto(talk_url)
    page.get_by_role("button", name="Start talking").click()
    page.locator("#talk[data-state=live]").wait_for(timeout=15_000)
    while len(recording.frames) < FRAMES_OF_SPEECH // 3:
        page.wait_for_timeout(100)
    page.workers[0].evaluate("() => { for (const end = performance.now() + 1_500; performance.now() < end; ); }")
    while len(recording.frames) < FRAMES_OF_SPEECH:
        page.wait_for_timeout(100)
    end(page)  # nothing more may come while it is looked at

    assert sorted(recording.frames) == list(range(len(recording.frames)))
    recorded = as_captured(recording)
    lag = lag_of(speech, recorded)
    assert window_lags(speech, recorded, lag) == {0}
    assert snr_db(speech, recorded, lag) >= 60


def test_nothing_is_sent_again_that_the_server_has(
    launch: Launch, new_page: NewPage, server: PageServer, talk_url: str
) -> None:
    recording = server.reset(Script(drops=[(60, 0.4)], acknowledge=False))
    talk(new_page(launch(loop=True)), talk_url, recording, 120)
    assert (recording.connections, recording.duplicates) == (2, 0)


def test_agent_sounds_sample_for_sample(launch: Launch, new_page: NewPage, server: PageServer, talk_url: str) -> None:
    agent = voiced(1.6)
    pcm = float32_to_pcm16(agent)
    page = new_page(launch(loop=True), bypass_csp=True)
    page.add_init_script(TAP)
    for _ in range(TRIES):
        recording = server.reset(Script(agent_pcm=pcm))
        talk(page, talk_url, recording, 150)
        changes = [event.data["change"] for event in recording.of("buffer")]
        if "jump" not in changes:
            break
    encoded = page.evaluate(
        "() => { const bytes = new Uint8Array(new Float32Array(window.heard).buffer); let text = '';"
        " for (const byte of bytes) text += String.fromCharCode(byte); return btoa(text); }"
    )
    heard = np.frombuffer(base64.b64decode(encoded), "<f4")
    sent = pcm16_to_float32(pcm)
    starts = changes.count("start")
    exact = sum(sounds_in(frame, heard) for frame in sent.reshape(-1, FRAME_SAMPLES))
    assert starts >= 1
    assert exact >= len(sent) // FRAME_SAMPLES - starts, changes  # only the fade-in after a start changes samples

    assert len(recording.playback) >= 5
    for report in recording.playback:
        assert report.received_step >= report.sounding_step
    device = recording.of("device")[0].data["settings"]
    assert device["playback_context_hz"] == SAMPLE_RATE_HZ
    assert device["capture_method"] == "processor"
    assert device["applied"]["echoCancellation"] is False
    assert "deviceId" not in json.dumps(device)


def test_muted_speech_is_silence_in_its_place(
    launch: Launch, new_page: NewPage, server: PageServer, talk_url: str
) -> None:
    recording = server.reset()
    page = new_page(launch(loop=True))
    page.goto(talk_url)
    page.get_by_role("button", name="Start talking").click()
    page.locator("#talk[data-state=live]").wait_for()
    page.keyboard.press("m")
    while len(recording.frames) < 100:
        page.wait_for_timeout(100)
    page.keyboard.press("m")
    while len(recording.frames) < 200:
        page.wait_for_timeout(100)
    end_talk(page)
    page.locator("#talk[data-state=ended]").wait_for()

    muted, unmuted = (event.data for event in recording.of("mute"))
    assert (muted["muted"], unmuted["muted"]) == (True, False)
    recorded = on_the_clock(recording)
    assert not recorded[muted["sample"] : unmuted["sample"]].any()
    assert recorded[unmuted["sample"] :].any()
    assert sorted(recording.frames) == list(range(len(recording.frames)))


def test_without_track_processor_a_worklet_captures(
    launch: Launch, new_page: NewPage, server: PageServer, talk_url: str, speech: Float32
) -> None:
    recording = server.reset()
    page = new_page(launch())
    page.add_init_script("delete window.MediaStreamTrackProcessor")
    talk(page, talk_url, recording, FRAMES_OF_SPEECH)

    assert recording.of("device")[0].data["settings"]["capture_method"] == "worklet"
    assert sorted(recording.frames) == list(range(len(recording.frames)))
    recorded = as_captured(recording)
    lags = window_lags(speech, recorded, lag_of(speech, recorded))
    assert all(abs(lag) <= MAX_WORKLET_SLIP for lag in lags), lags
