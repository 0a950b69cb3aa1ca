"""The echo engine says what it hears one frame later, and tells of turns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from inference.contract.errors import OptionError, SlotNotMovable
from inference.contract.wire import Metadata
from inference.engines.base import SlotConfig
from inference.engines.echo import EchoEngine
from tests.signals import noise, silence


def test_echo_one_frame_later() -> None:
    engine = EchoEngine(1, {})
    engine.open(0, SlotConfig())
    frames = [noise(0.08, seed=seed) for seed in range(3)]
    said = [engine.step({0: frame})[0].pcm for frame in frames]
    np.testing.assert_array_equal(said, [silence(0.08), *frames[:2]])


def test_echo_tells_of_a_turn() -> None:
    engine = EchoEngine(1, {})
    engine.open(0, SlotConfig(text_prompt="hello there"))
    frames = [silence(0.08), *[noise(0.08)] * 3, *[silence(0.08)] * 6]
    events = [(step, event) for step, frame in enumerate(frames) for event in engine.step({0: frame})[0].events]
    transcript = {"text": "hello there", "raw_text": "hello there", "turn": 1}
    assert events == [
        (1, Metadata("turn", {"state": "listening", "turn": 1})),
        (2, Metadata("turn", {"state": "speaking", "turn": 1})),
        (8, Metadata("transcript", {"role": "participant", **transcript})),
        (8, Metadata("words", {"text": "hello", "start_ms": 160.0, "end_ms": 280.0, "turn": 1})),
        (8, Metadata("words", {"text": "there", "start_ms": 280.0, "end_ms": 400.0, "turn": 1})),
        (8, Metadata("transcript", {"role": "agent", **transcript})),
    ]


def test_echo_has_no_voice_of_its_own() -> None:
    with pytest.raises(OptionError) as caught:
        EchoEngine(1, {}).check(SlotConfig(voice_prompt="calm.wav"))
    assert caught.value.name == "voice_prompt"


def test_echo_goes_on_in_another_row() -> None:
    engine, other = EchoEngine(2, {}), EchoEngine(2, {})
    engine.open(0, SlotConfig(text_prompt="hello there"))
    frames = [noise(0.08, seed=seed) for seed in range(3)] + [silence(0.08)] * 6
    engine.step({0: frames[0]})
    other.import_slot(1, SlotConfig(text_prompt="hello there"), engine.export_slot(0))
    for frame in frames[1:]:
        stayed, moved = engine.step({0: frame})[0], other.step({1: frame})[1]
        np.testing.assert_array_equal(stayed.pcm, moved.pcm)
        assert stayed.events == moved.events


@pytest.mark.parametrize(
    "change", [lambda state: b"", lambda state: state[:-1], lambda state: state.replace(b"a", b"b")]
)
def test_echo_takes_no_damaged_state(change: Callable[[bytes], bytes]) -> None:
    engine = EchoEngine(1, {})
    engine.open(0, SlotConfig())
    state = engine.export_slot(0)
    engine.close(0)
    with pytest.raises(SlotNotMovable):
        engine.import_slot(0, SlotConfig(), change(state))
    engine.open(0, SlotConfig())  # the row is as before
