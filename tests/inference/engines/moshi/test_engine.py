"""Rows that know nothing of each other: poisoned ones, released ones, ones with options of their own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.errors import OptionError
from inference.engines.base import SlotConfig
from inference.engines.moshi.engine import MoshiEngine, RowBroken
from tests.inference.engines.moshi.conftest import SLOTS, assert_same, converse
from tests.inference.engines.moshi.stock import microphone

QUIET = np.zeros(FRAME_SAMPLES, np.float32)


def row_tensors(engine: MoshiEngine, row: int) -> dict[str, torch.Tensor]:
    """Everything that the row's models remember, the unused parts of caches included."""
    return {name: tensor.select(dim, row).clone() for name, tensor, dim in engine._batch._states()}


def test_first_frame_is_answered_with_silence_and_no_later_one(engine: MoshiEngine) -> None:
    outputs = converse(engine, 0, microphone(0, 6))
    assert not outputs[0].pcm.any()
    assert all(output.pcm.any() for output in outputs[1:])


@pytest.mark.parametrize("poison", [1e6, math.nan, math.inf, -math.inf])
def test_poisoned_sound_ends_its_row_alone(engine: MoshiEngine, poison: float) -> None:
    """The neighbours' bits are what they are without it; the row itself can be taken anew."""
    heard = microphone(1, 10)
    alone = converse(engine, 1, heard)
    bad = microphone(2, 10)
    bad[4, 700] = poison
    engine.open(1, SlotConfig(seed=1))
    engine.open(2, SlotConfig(seed=2))
    together = []
    for step in range(10):
        given = {1: heard[step], 2: bad[step]} if step <= 4 else {1: heard[step]}
        outputs = engine.step(given)
        assert set(outputs) == set(given)
        together.append(outputs[1])
        if step == 4:
            assert list(engine.failed) == [2]
            assert isinstance(engine.failed.pop(2), RowBroken)
            assert not outputs[2].pcm.any()
    assert engine.failed == {}
    engine.close(1)
    engine.close(2)
    assert_same(together, alone)
    assert_same(converse(engine, 2, heard[:3]), converse(engine, 2, heard[:3]))


@pytest.mark.parametrize(
    ("part", "value"),
    [("mimi.encoder.", math.nan), ("lm.lm_model.transformer.", math.nan), ("mimi.decoder.", math.inf)],
)
def test_state_that_is_no_number_ends_its_row_alone(engine: MoshiEngine, part: str, value: float) -> None:
    heard = microphone(3, 8)
    alone = converse(engine, 0, heard)
    engine.open(0, SlotConfig(seed=1))
    engine.open(1, SlotConfig(seed=2))
    together = []
    poisoned = 0
    for step, frame in enumerate(heard):
        if step == 5:
            for name, tensor, dim in engine._batch._states():
                if name.startswith(part) and tensor.is_floating_point():
                    tensor.select(dim, 1).fill_(value)
                    poisoned += 1
        outputs = engine.step({0: frame, 1: frame} if step <= 5 else {0: frame})
        together.append(outputs[0])
        for pcm in (output.pcm for output in outputs.values()):
            assert np.isfinite(pcm).all()
    assert poisoned > 0
    assert list(engine.failed) == [1]
    engine.failed.clear()
    engine.close(0)
    assert_same(together, alone)
    assert all(torch.isfinite(tensor).all() for tensor in row_tensors(engine, 1).values())


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros(FRAME_SAMPLES + 1, np.float32),
        np.zeros((1, FRAME_SAMPLES), np.float32),
        np.zeros(FRAME_SAMPLES),
        [0.0] * FRAME_SAMPLES,
    ],
    ids=["long", "two-dimensional", "float64", "list"],
)
def test_frame_of_another_form_ends_its_row_alone(engine: MoshiEngine, frame: Any) -> None:
    engine.open(0, SlotConfig())
    engine.open(1, SlotConfig())
    outputs = engine.step({0: frame, 1: QUIET})
    assert (set(outputs), list(engine.failed)) == ({0, 1}, [0])
    engine.failed.clear()
    engine.close(1)


def test_step_of_a_row_without_conversation(engine: MoshiEngine) -> None:
    outputs = engine.step({2: QUIET})
    assert (set(outputs), list(engine.failed)) == ({2}, [2])
    engine.failed.clear()


def test_released_row_holds_nothing(engine: MoshiEngine) -> None:
    """Every tensor of the row, cache entries out of sight included, the sound on its way, noise and generator."""
    clean = row_tensors(engine, 1)
    noise = engine._batch._sampler._staging.host[1].clone()
    engine.open(1, SlotConfig(seed=7))
    for frame in microphone(5, 30):
        engine.step({1: frame})
    live = row_tensors(engine, 1)
    assert sum(not torch.equal(live[name], clean[name]) for name in clean) > 30
    engine.close(1)
    for name, tensor in row_tensors(engine, 1).items():
        assert torch.equal(tensor, clean[name]), name
    assert not engine._batch._pcm.host[1].any()
    assert torch.equal(engine._batch._sampler._staging.host[1], noise)
    assert 1 not in engine._batch._sampler._rows


def test_predecessors_change_no_bit(engine: MoshiEngine) -> None:
    heard = microphone(6, 12)
    first = converse(engine, 0, heard)
    for predecessor, config in (
        (microphone(7, 26), SlotConfig(seed=3, options={"temperature": 1.5, "top_k": 3})),
        (microphone(8, 1), SlotConfig(options={"temperature": 0, "text_temperature": 0})),
    ):
        converse(engine, 0, predecessor, config)
        assert_same(converse(engine, 0, heard), first)


def test_late_frames_change_no_bit(engine: MoshiEngine) -> None:
    """A neighbour's missing frames delay nobody and are made up for."""
    heard, other = microphone(9, 8), microphone(10, 8)
    alone, other_alone = converse(engine, 0, heard), converse(engine, 1, other)
    engine.open(0, SlotConfig(seed=1))
    engine.open(1, SlotConfig(seed=1))
    outputs: dict[int, list[Any]] = {0: [], 1: []}
    for rows in ([0, 1], [0], [0], [1], [0, 1], [0], [1], [1], [0, 1], [0], [0], [1], [1]):
        for row, output in engine.step({row: (heard, other)[row][len(outputs[row])] for row in rows}).items():
            outputs[row].append(output)
    assert (len(outputs[0]), len(outputs[1])) == (8, 8)
    engine.close(0)
    engine.close(1)
    assert_same(outputs[0], alone)
    assert_same(outputs[1], other_alone)


def test_seeds_and_options_make_a_difference(engine: MoshiEngine) -> None:
    heard = microphone(11, 10)

    def sound(config: SlotConfig) -> Float32:
        return np.concatenate([output.pcm for output in converse(engine, 0, heard, config)])

    sampled = sound(SlotConfig(seed=1))
    np.testing.assert_array_equal(sampled, sound(SlotConfig(seed=1)))
    greedy = sound(SlotConfig(seed=1, options={"temperature": 0, "text_temperature": 0}))
    np.testing.assert_array_equal(greedy, sound(SlotConfig(seed=2, options={"temperature": 0, "text_temperature": 0})))
    others = [
        SlotConfig(seed=2),
        SlotConfig(seed=1, options={"temperature": 0.3}),
        SlotConfig(seed=1, options={"top_k": 2}),
    ]
    for other in (greedy, *map(sound, others)):
        assert not np.array_equal(sampled, other)


@pytest.mark.parametrize("seed", [-1, 2**64 - 1, 2**64 + 5])
def test_any_whole_number_is_a_seed(engine: MoshiEngine, seed: int) -> None:
    assert_same(
        converse(engine, 0, microphone(0, 3), SlotConfig(seed=seed)),
        converse(engine, 0, microphone(0, 3), SlotConfig(seed=seed % 2**64)),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", 2.1),
        ("temperature", 0.001),
        ("temperature", math.nan),
        ("temperature", "0.8"),
        ("text_temperature", True),
        ("text_temperature", math.inf),
        ("top_k", 0),
        ("top_k", 501),
        ("top_k", 2.0),
        ("text_top_k", False),
        ("text_top_k", None),
        ("top_p", 0.9),
    ],
)
def test_option_out_of_range(engine: MoshiEngine, name: str, value: Any) -> None:
    with pytest.raises(OptionError) as caught:
        engine.check(SlotConfig(options={name: value}))
    assert caught.value.name == name


@pytest.mark.parametrize("config", [SlotConfig(text_prompt="a secret"), SlotConfig(voice_prompt="a secret")])
def test_prompt_is_refused_rather_than_ignored(engine: MoshiEngine, config: SlotConfig) -> None:
    with pytest.raises(OptionError) as caught:
        engine.check(config)
    assert caught.value.name == ("text_prompt" if config.text_prompt else "voice_prompt")
    assert "secret" not in str(caught.value)


def test_snapshot_says_what_it_takes_to_repeat(engine: MoshiEngine) -> None:
    snapshot = engine.snapshot()
    assert (snapshot["model"], snapshot["revision"], snapshot["test_only"]) == ("tiny", None, True)
    assert (snapshot["device"], snapshot["dtype"], snapshot["slots"]) == ("cpu", "float32", SLOTS)
    assert snapshot["packages"] == {"moshi": "0.2.13", "torch": torch.__version__}
    assert snapshot["parameters"]["option_defaults"] == {
        "temperature": 0.8,
        "top_k": 250,
        "text_temperature": 0.7,
        "text_top_k": 25,
    }
    assert len(snapshot["fingerprint"]) == 64
