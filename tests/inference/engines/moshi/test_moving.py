"""A live conversation goes on in another row of another engine, and what is no such conversation is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from inference.contract.errors import SlotNotMovable
from inference.engines.base import SlotConfig, StepOutput
from inference.engines.moshi import tiny
from inference.engines.moshi.batch import HASH_BYTES, pack, unpack
from inference.engines.moshi.engine import MoshiEngine
from tests.inference.engines.moshi.conftest import assert_same, converse, new_engine
from tests.inference.engines.moshi.stock import microphone

CONFIG = SlotConfig(seed=5, options={"temperature": 0.9, "top_k": 40})
STEPS = 28  # beyond the context of 24: the caches have wrapped


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[MoshiEngine]:
    engine = new_engine()
    yield engine
    engine.shut_down()


@pytest.fixture(scope="module")
def state(engine: MoshiEngine) -> bytes:
    engine.open(0, CONFIG)
    for frame in microphone(1, 3):
        engine.step({0: frame})
    exported = engine.export_slot(0)
    engine.close(0)
    return exported


@pytest.fixture(scope="module")
def stayed(engine: MoshiEngine) -> list[StepOutput]:
    """The conversation that never moved."""
    return converse(engine, 0, microphone(2, STEPS), CONFIG)


@pytest.mark.parametrize("at", [0, 1, 13, 26])
def test_conversation_goes_on_bit_for_bit(
    engine: MoshiEngine, elsewhere: MoshiEngine, stayed: list[StepOutput], at: int
) -> None:
    """With other neighbours, in another row, in the middle of a word."""
    heard, neighbour = microphone(2, STEPS), microphone(3, STEPS)
    engine.open(0, CONFIG)
    moved = [engine.step({0: frame})[0] for frame in heard[:at]]
    exported = engine.export_slot(0)
    assert engine.export_slot(0) == exported  # and the row is unchanged
    engine.close(0)
    elsewhere.open(0, SlotConfig(seed=9))
    for frame in neighbour[:4]:
        elsewhere.step({0: frame})
    elsewhere.import_slot(2, CONFIG, exported)
    for step, frame in enumerate(heard[at:]):
        moved.append(elsewhere.step({0: neighbour[step % STEPS], 2: frame})[2])
    elsewhere.close(0)
    elsewhere.close(2)
    assert_same(moved, stayed)


def test_exporting_changes_no_bit(engine: MoshiEngine) -> None:
    heard = microphone(4, 8)
    undisturbed = converse(engine, 1, heard, CONFIG)
    engine.open(1, CONFIG)
    outputs = []
    for frame in heard:
        outputs.append(engine.step({1: frame})[1])
        engine.export_slot(1)
    engine.close(1)
    assert_same(outputs, undisturbed)


def test_only_what_is_filled_travels(engine: MoshiEngine, state: bytes) -> None:
    engine.open(0, CONFIG)
    for frame in microphone(1, 20):
        engine.step({0: frame})
    full = engine.export_slot(0)
    engine.close(0)
    assert len(state) < 0.75 * len(full)


def test_row_without_conversation_exports_nothing(engine: MoshiEngine) -> None:
    with pytest.raises(SlotNotMovable):
        engine.export_slot(1)


def refused(engine: MoshiEngine, row: int, state: bytes) -> bool:
    try:
        engine.import_slot(row, CONFIG, state)
    except SlotNotMovable:
        return True
    return False


def damaged(state: bytes) -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "short", state[:20]
    yield "cut off", state[:-1]
    yield "longer", state + b"\0"
    yield "noise", bytes(range(256)) * 40
    for place in (0, HASH_BYTES + 3, HASH_BYTES + 200, len(state) // 2, len(state) - 1):
        yield f"a bit at {place}", state[:place] + bytes([state[place] ^ 4]) + state[place + 1 :]


def foreign(state: bytes) -> Iterator[tuple[str, bytes]]:
    """Whole, and not of this engine."""
    tensors, facts = unpack(state)
    yield "another checkpoint", pack(tensors, {**facts, "fingerprint": "0" * 64})
    yield "no fingerprint", pack(tensors, {})
    yield "no monologue", pack(tensors, {name: fact for name, fact in facts.items() if name != "monologue"})
    yield "another monologue", pack(tensors, {**facts, "monologue": {**facts["monologue"], "_step": "x"}})
    for name in ("generator", "steps", "lm.cache", "lm.lm_model.transformer.layers.0.self_attn.kv"):
        without = {key: tensor for key, tensor in tensors.items() if key != name}
        yield f"no {name}", pack(without, facts)
        yield f"{name} of another form", pack({**tensors, name: torch.zeros(3, 5)}, facts)
        yield f"{name} of another type", pack({**tensors, name: tensors[name].to(torch.float64)}, facts)
    yield "one tensor more", pack({**tensors, "more": torch.zeros(1)}, facts)


def test_damaged_and_foreign_states_are_refused(engine: MoshiEngine, elsewhere: MoshiEngine, state: bytes) -> None:
    """Neither the row nor its neighbours notice."""
    assert "lm.cache" in unpack(state)[0]  # else the names above are stale
    heard = microphone(6, 10)
    alone = converse(elsewhere, 1, heard)
    elsewhere.open(1, SlotConfig(seed=1))
    outputs = [elsewhere.step({1: frame})[1] for frame in heard[:5]]
    for what, bad in (*damaged(state), *foreign(state)):
        for row in (0, 1):
            assert refused(elsewhere, row, bad), what
    outputs += [elsewhere.step({1: frame})[1] for frame in heard[5:]]
    elsewhere.close(1)
    assert_same(outputs, alone)
    with pytest.raises(SlotNotMovable):
        elsewhere.export_slot(0)


@pytest.mark.parametrize(
    "config",
    [SlotConfig(seed=6, options=CONFIG.options), SlotConfig(seed=5), SlotConfig(seed=5, options={"top_p": 1})],
    ids=["seed", "options", "unknown option"],
)
def test_state_of_another_configuration_is_refused(elsewhere: MoshiEngine, state: bytes, config: SlotConfig) -> None:
    with pytest.raises(SlotNotMovable):
        elsewhere.import_slot(0, config, state)


def test_engine_of_other_weights_refuses(state: bytes, tmp_path: Path) -> None:
    tiny.make(tmp_path / "other", seed=1)
    other = MoshiEngine(1, {"MOSHI_CHECKPOINT": str(tmp_path / "other"), "MOSHI_DEVICE": "cpu"})
    with pytest.raises(SlotNotMovable, match="another checkpoint"):
        other.import_slot(0, CONFIG, state)
    other.shut_down()


def test_fingerprints_tell_checkpoints_apart(engine: MoshiEngine, elsewhere: MoshiEngine) -> None:
    assert engine.snapshot()["fingerprint"] == elsewhere.snapshot()["fingerprint"]


def test_pack_and_unpack() -> None:
    tensors = {"a": torch.arange(3), "b": torch.ones(2, 2, dtype=torch.bfloat16), "c": torch.tensor(True)}
    facts = {"text": "grüße", "number": 1.5, "list": [1, None]}
    found, found_facts = unpack(pack(tensors, facts))
    assert json.dumps(found_facts) == json.dumps(facts)
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
