"""A converter that is lost in mid-talk, where the study says what then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.errors import OptionError, RemoteLost
from inference.contract.tokens import VoiceSegment
from inference.voices.base import Converter, VoiceStream
from inference.voices.none import NoConversion
from inference.voices.schedule import FADE_SAMPLES, VoiceSchedule, check_voices

LATENCY_SAMPLES = 3_000
LOST_AT = 4  # the push that fails


class _Leaving(VoiceStream):
    """Minus what it hears, until its server is gone."""

    latency_samples = LATENCY_SAMPLES

    def __init__(self) -> None:
        self._held = np.zeros(self.latency_samples, np.float32)
        self._pushes = 0

    def push(self, samples: Float32) -> Float32:
        self._pushes += 1
        if self._pushes >= LOST_AT:
            raise RemoteLost("ws://away", "the connection broke")
        joined = np.concatenate([self._held, -samples])
        self._held = joined[len(samples) :]
        return joined[: len(samples)]

    def reset(self) -> None:
        self._held = np.zeros(self.latency_samples, np.float32)
        self._pushes = 0


class _Remote(Converter):
    def check(self, parameters: Mapping[str, Any]) -> None:
        return None

    def open(self, parameters: Mapping[str, Any], seed: int = 0, target: str = "") -> _Leaving:
        return _Leaving()

    def snapshot(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": "remote", "latency_samples": LATENCY_SAMPLES}


CONVERTERS: Mapping[str, Converter] = {"remote": _Remote(), "none": NoConversion()}
SPOKEN = np.random.default_rng(1).normal(0, 0.1, (10, FRAME_SAMPLES)).astype(np.float32)


def test_lost_converter_gives_way_to_its_fallback_and_says_so() -> None:
    schedule = VoiceSchedule([VoiceSegment("remote", fallback="none")], CONVERTERS)
    heard, events = [], []
    for number, frame in enumerate(SPOKEN):
        samples, switches = schedule.push(number * FRAME_SAMPLES, frame)
        heard.append(samples)
        events += switches
    late = np.concatenate([np.zeros(LATENCY_SAMPLES, np.float32), SPOKEN.ravel()])[: SPOKEN.size]
    lost = (LOST_AT - 1) * FRAME_SAMPLES
    got = np.concatenate(heard)
    np.testing.assert_array_equal(got[:lost], -late[:lost])
    np.testing.assert_array_equal(got[lost + FADE_SAMPLES :], late[lost + FADE_SAMPLES :])
    assert got[lost] == 0  # faded in
    (event,) = events
    assert event.event == "switch"
    assert event.data == {
        "converter": "none",
        "fallback": True,
        "reason": "the server at ws://away cannot be talked with: the connection broke",
        "requested_sample": lost - LATENCY_SAMPLES,
        "actual_sample": lost - LATENCY_SAMPLES,
    }


def test_lost_converter_without_fallback_ends_the_stream() -> None:
    schedule = VoiceSchedule([VoiceSegment("remote")], CONVERTERS)
    for number in range(LOST_AT - 1):
        schedule.push(number * FRAME_SAMPLES, SPOKEN[number])
    with pytest.raises(RemoteLost):
        schedule.push((LOST_AT - 1) * FRAME_SAMPLES, SPOKEN[0])


def test_fallback_that_is_unknown_is_refused() -> None:
    with pytest.raises(OptionError, match="fallback"):
        check_voices([VoiceSegment("remote", fallback="nothing")], CONVERTERS)
