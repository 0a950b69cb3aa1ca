"""Voice schedules: switched at the exact sample, one constant latency, nothing lost in a cross-fade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.errors import OptionError, UnknownName
from inference.contract.tokens import VoiceSegment
from inference.contract.wire import Metadata
from inference.voices.base import Converter, VoiceStream
from inference.voices.none import NoConversion
from inference.voices.schedule import FADE_SAMPLES, WARM_UP_SAMPLES, VoiceSchedule
from tests.signals import noise

STEPS = 40
SIGNAL = noise(STEPS * FRAME_SAMPLES / 24_000, 0.2)


class Gain(Converter):
    """Multiplies by `gain`, `latency` samples later. Remembers how many samples each stream was given."""

    def __init__(self) -> None:
        self.streams: list[GainStream] = []

    def check(self, parameters: Mapping[str, Any]) -> None:
        if not set(parameters) <= {"gain", "latency"}:
            raise OptionError("gain", parameters, "gain and latency alone")

    def open(self, parameters: Mapping[str, Any], seed: int = 0, target: str = "") -> GainStream:
        self.check(parameters)
        self.streams.append(GainStream(parameters.get("gain", 1), parameters.get("latency", 0)))
        return self.streams[-1]

    def snapshot(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": "gain", "latency_samples": parameters.get("latency", 0), **parameters}


class GainStream(VoiceStream):
    def __init__(self, gain: float, latency: int) -> None:
        self.latency_samples = latency
        self.pushed = 0
        self._gain = np.float32(gain)
        self._held = np.zeros(latency, np.float32)

    def push(self, samples: Float32) -> Float32:
        self.pushed += len(samples)
        joined = np.concatenate([self._held, samples * self._gain])
        self._held = joined[len(samples) :]
        return joined[: len(samples)]

    def reset(self) -> None:
        self._held = np.zeros(self.latency_samples, np.float32)


def run(
    *segments: VoiceSegment, gain: Converter | None = None, latency_samples: int | None = None
) -> tuple[Float32, list[Metadata], VoiceSchedule]:
    schedule = VoiceSchedule(segments, {"none": NoConversion(), "gain": gain or Gain()}, latency_samples)
    heard, events = [], []
    for step in range(STEPS):
        start = step * FRAME_SAMPLES
        samples, switches = schedule.push(start, SIGNAL[start : start + FRAME_SAMPLES])
        heard.append(samples)
        events += switches
    return np.concatenate(heard), events, schedule


def test_own_voice_to_the_bit() -> None:
    heard, events, schedule = run(VoiceSegment())
    np.testing.assert_array_equal(heard, SIGNAL)
    assert (events, schedule.latency_samples) == ([], 0)


def test_switch_at_the_exact_sample() -> None:
    at = 10 * FRAME_SAMPLES + 777
    heard, events, _ = run(VoiceSegment("none", 0, at), VoiceSegment("gain", at, None, {"gain": 0.5}))
    np.testing.assert_array_equal(heard[:at], SIGNAL[:at])
    np.testing.assert_array_equal(heard[at + FADE_SAMPLES :], SIGNAL[at + FADE_SAMPLES :] / 2)
    faded = heard[at : at + FADE_SAMPLES] / SIGNAL[at : at + FADE_SAMPLES]
    assert faded.max() <= 1.0001
    assert faded.min() >= 0.4999
    assert np.all(np.diff(faded) < 1e-4)  # from one voice to the other without a way back
    assert events == [Metadata("switch", {"converter": "gain", "requested_sample": at, "actual_sample": at})]


def test_switch_between_equal_voices_changes_nothing() -> None:
    at = 9 * FRAME_SAMPLES + 100
    heard, _, _ = run(VoiceSegment("none", 0, at), VoiceSegment("gain", at))
    np.testing.assert_allclose(heard, SIGNAL, atol=1e-6)


def test_latencies_are_levelled_to_the_longest() -> None:
    at, latency = 12 * FRAME_SAMPLES, 1_440
    heard, _, schedule = run(VoiceSegment("none", 0, at), VoiceSegment("gain", at, None, {"latency": latency}))
    assert schedule.latency_samples == latency
    np.testing.assert_array_equal(heard[:latency], np.zeros(latency, np.float32))
    np.testing.assert_allclose(heard[latency:], SIGNAL[:-latency], atol=1e-6)  # through the switch as well


def test_own_voice_delayed_to_match_is_itself_to_the_bit() -> None:
    heard, _, schedule = run(VoiceSegment(), latency_samples=1_777)
    assert schedule.latency_samples == 1_777
    np.testing.assert_array_equal(heard[:1_777], np.zeros(1_777, np.float32))
    np.testing.assert_array_equal(heard[1_777:], SIGNAL[:-1_777])


def test_switch_is_at_its_sample_under_a_longer_latency() -> None:
    at, latency = 12 * FRAME_SAMPLES + 5, 2_400
    half = VoiceSegment("gain", at, None, {"gain": 0.5, "latency": 1_440})
    heard, events, _ = run(VoiceSegment("none", 0, at), half, latency_samples=latency)
    np.testing.assert_array_equal(heard[latency : at + latency], SIGNAL[:at])
    np.testing.assert_array_equal(heard[at + latency + FADE_SAMPLES :], SIGNAL[at + FADE_SAMPLES : -latency] / 2)
    assert events == [Metadata("switch", {"converter": "gain", "requested_sample": at, "actual_sample": at})]


@pytest.mark.parametrize("latency_samples", [-1, 1_439, 240_001])
def test_latency_that_cannot_be_kept_is_refused(latency_samples: int) -> None:
    with pytest.raises(OptionError) as caught:
        run(VoiceSegment("gain", 0, None, {"latency": 1_440}), latency_samples=latency_samples)
    assert (caught.value.name, caught.value.expected) == (
        "latency_samples",
        "from 1440, which its slowest voice needs, to 240000",
    )


def test_gap_and_rest_are_the_own_voice() -> None:
    first, second = 4 * FRAME_SAMPLES, 8 * FRAME_SAMPLES
    heard, events, schedule = run(VoiceSegment("gain", first, second, {"gain": 0.5}))
    np.testing.assert_array_equal(heard[:first], SIGNAL[:first])
    np.testing.assert_array_equal(heard[first + FADE_SAMPLES : second], SIGNAL[first + FADE_SAMPLES : second] / 2)
    np.testing.assert_array_equal(heard[second + FADE_SAMPLES :], SIGNAL[second + FADE_SAMPLES :])
    assert [event.data["converter"] for event in events] == ["gain", "none"]
    assert schedule.snapshots == [{"name": "gain", "latency_samples": 0, "gain": 0.5}]


def test_start_too_soon_to_fade_has_no_gap_before_it() -> None:
    heard, events, _ = run(VoiceSegment("gain", FADE_SAMPLES - 1, None, {"gain": 0.5}))
    np.testing.assert_array_equal(heard, SIGNAL / 2)
    assert events == []


def test_streams_run_only_when_needed_and_start_warm() -> None:
    gain, at = Gain(), 30 * FRAME_SAMPLES
    run(VoiceSegment("gain", 0, at), VoiceSegment("gain", at), gain=gain)
    first, second = (stream.pushed for stream in gain.streams)
    assert first == at + FRAME_SAMPLES  # to the end of the fade
    assert WARM_UP_SAMPLES <= second - (len(SIGNAL) - at) < WARM_UP_SAMPLES + FRAME_SAMPLES


def test_switch_in_a_hole_of_the_clock_tells_where_it_took_place() -> None:
    schedule = VoiceSchedule(
        [VoiceSegment("none", 0, 5_000), VoiceSegment("gain", 5_000)], {"none": NoConversion(), "gain": Gain()}
    )
    frame = np.zeros(FRAME_SAMPLES, np.float32)
    assert schedule.push(0, frame)[1] == []
    _, switches = schedule.push(9_000, frame)
    assert [event.data["actual_sample"] for event in switches] == [9_000]


@pytest.mark.parametrize(
    ("segments", "name"),
    [
        ([VoiceSegment("none", -1)], "voices[0].start_sample"),
        ([VoiceSegment("none", 0, 48_000), VoiceSegment("gain", 47_999)], "voices[1].start_sample"),
        ([VoiceSegment("none", 0, None), VoiceSegment("gain", 48_000)], "voices[1].start_sample"),
        ([VoiceSegment("none", 0, FADE_SAMPLES - 1)], "voices[0].end_sample"),
        ([VoiceSegment("gain", 0, None, {"pitch": 1})], "gain"),
    ],
    ids=["before the take", "overlap", "after the end of time", "too short", "parameters"],
)
def test_schedule_refused(segments: list[VoiceSegment], name: str) -> None:
    with pytest.raises(OptionError) as caught:
        run(*segments)
    assert caught.value.name == name


def test_schedule_unknown_converter() -> None:
    with pytest.raises(UnknownName) as caught:
        run(VoiceSegment("robot"))
    assert caught.value.known == ("none", "gain")
