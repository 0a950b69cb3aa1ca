"""What every engine of the catalogue must keep. A new one is tested by adding its catalogue line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pytest

from inference.contract import wire
from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.contract.catalog import ENGINES, engine_class
from inference.contract.errors import OptionError, SlotNotMovable
from inference.contract.wire import Metadata
from inference.engines.base import Engine, SlotConfig, StepOutput
from tests.inference.engine_settings import REMOTE, settings_for
from tests.signals import silence, vowel

SLOTS = 2
STEPS = 25
CONFIG = SlotConfig(seed=1)
LIGHT = {"echo", *REMOTE}  # engines that load no model


@pytest.fixture(
    scope="module",
    params=[
        name if name in LIGHT else pytest.param(name, marks=pytest.mark.engine)
        for name in ENGINES
        if not ENGINES[name].variant_of
    ],
)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with settings_for(request.param) as settings:
        engine = engine_class(request.param)(SLOTS, {**os.environ, **settings})
        engine.warm_up()
        yield engine
        engine.shut_down()


@pytest.fixture(scope="module")
def frames() -> list[Float32]:
    """Two seconds: a vowel, then silence."""
    signal = np.concatenate([vowel(140.0, 0.8), silence(2.0)])
    return [signal[start : start + FRAME_SAMPLES] for start in range(0, STEPS * FRAME_SAMPLES, FRAME_SAMPLES)]


def converse(engine: Engine, slot: int, frames: Sequence[Float32], config: SlotConfig = CONFIG) -> list[StepOutput]:
    """One whole conversation in a row."""
    engine.open(slot, config)
    outputs = [engine.step({slot: frame})[slot] for frame in frames]
    engine.close(slot)
    return outputs


def test_step_returns_one_frame_for_every_row_given(engine: Engine, frames: list[Float32]) -> None:
    for slot in range(SLOTS):
        engine.open(slot, SlotConfig(seed=slot))
    for step, frame in enumerate(frames):
        given: Mapping[int, Float32] = {0: frame} if step % 3 else {0: frame, 1: frame}
        outputs = engine.step(given)
        assert set(outputs) == set(given)
        for output in outputs.values():
            assert (output.pcm.shape, output.pcm.dtype) == ((FRAME_SAMPLES,), np.dtype(np.float32))
            assert np.isfinite(output.pcm).all()
    assert engine.failed == {}
    for slot in range(SLOTS):
        engine.close(slot)


def test_step_events_are_of_the_protocol(engine: Engine, frames: list[Float32]) -> None:
    for output in converse(engine, 0, frames):
        for event in output.events:
            assert isinstance(event, Metadata)
            assert event.event in {"words", "transcript", "turn"}
            assert wire.decode(wire.encode(event)) == event


def test_step_leaves_the_frames_alone(engine: Engine, frames: list[Float32]) -> None:
    given = [frame.copy() for frame in frames]
    converse(engine, 0, given)
    for frame, before in zip(given, frames, strict=True):
        np.testing.assert_array_equal(frame, before)


def test_step_with_no_rows(engine: Engine) -> None:
    assert engine.step({}) == {}


def test_open_again_after_close_starts_anew(engine: Engine, frames: list[Float32]) -> None:
    """Nothing of the first conversation is left: with silence in, the next one begins as silently as the first."""
    quiet = [silence(0.08)] * 5
    fresh = converse(engine, 1, quiet)
    converse(engine, 1, frames)
    again = converse(engine, 1, quiet)
    for first, second in zip(fresh, again, strict=True):
        np.testing.assert_array_equal(first.pcm, second.pcm)
        assert list(first.events) == list(second.events)


def test_rows_do_not_hear_each_other(engine: Engine, frames: list[Float32]) -> None:
    engine.open(0, SlotConfig(seed=1))
    engine.open(1, SlotConfig(seed=1))
    quiet = silence(0.08)
    heard_by_1 = [engine.step({0: frame, 1: quiet})[1].pcm for frame in frames]
    engine.close(0)
    engine.close(1)
    alone = converse(engine, 1, [quiet] * len(frames))
    for together, by_itself in zip(heard_by_1, alone, strict=True):
        np.testing.assert_array_equal(together, by_itself.pcm)


def test_conversation_moves_or_says_that_it_cannot(engine: Engine, frames: list[Float32]) -> None:
    """Bit for bit, in the midst of it, to another row; and a state that was damaged on the way changes nothing."""
    config = SlotConfig(seed=3)
    if not engine.movable:
        engine.open(0, config)
        with pytest.raises(SlotNotMovable):
            engine.export_slot(0)
        with pytest.raises(SlotNotMovable):
            engine.import_slot(1, config, b"state")
        engine.close(0)
        return
    stayed = converse(engine, 0, frames, config)
    engine.open(0, config)
    moved = [engine.step({0: frame})[0] for frame in frames[:9]]
    state = engine.export_slot(0)
    engine.close(0)
    with pytest.raises(SlotNotMovable):
        engine.import_slot(1, config, state[:-1])
    engine.import_slot(1, config, state)
    moved += [engine.step({1: frame})[1] for frame in frames[9:]]
    engine.close(1)
    for here, there in zip(stayed, moved, strict=True):
        np.testing.assert_array_equal(here.pcm, there.pcm)
        assert list(here.events) == list(there.events)


def test_check_unknown_option(engine: Engine) -> None:
    with pytest.raises(OptionError) as caught:
        engine.check(SlotConfig(options={"no such option": 1}))
    assert caught.value.value == 1


def test_open_unknown_option(engine: Engine) -> None:
    with pytest.raises(OptionError):
        engine.open(0, SlotConfig(options={"no such option": 1}))


def test_check_empty_config(engine: Engine) -> None:
    engine.check(SlotConfig())


def test_snapshot_is_json_and_constant(engine: Engine) -> None:
    snapshot = engine.snapshot()
    assert json.loads(json.dumps(snapshot)) == snapshot
    assert engine.snapshot() == snapshot
    assert snapshot["name"]


def test_frame_is_80_ms() -> None:
    assert FRAME_SAMPLES / SAMPLE_RATE_HZ == 0.08
