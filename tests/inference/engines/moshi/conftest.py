"""Engines of the tiny Moshi."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from inference.contract.audio import Float32
from inference.engines.base import SlotConfig, StepOutput
from inference.engines.moshi.engine import MoshiEngine
from tests.moshi_checkpoint import tiny_checkpoint

SLOTS = 3


def new_engine(slots: int = SLOTS) -> MoshiEngine:
    return MoshiEngine(slots, {"MOSHI_CHECKPOINT": str(tiny_checkpoint()), "MOSHI_DEVICE": "cpu"})


@pytest.fixture(scope="module")
def engine() -> Iterator[MoshiEngine]:
    """Shared by a module's tests, which leave its rows closed."""
    engine = new_engine()
    engine.warm_up()
    yield engine
    engine.shut_down()


def converse(engine: MoshiEngine, slot: int, frames: Float32, config: SlotConfig | None = None) -> list[StepOutput]:
    """A conversation from its opening to its end."""
    engine.open(slot, config or SlotConfig(seed=1))
    outputs = [engine.step({slot: frame})[slot] for frame in frames]
    engine.close(slot)
    return outputs


def assert_same(some: list[StepOutput], others: list[StepOutput]) -> None:
    """Bit for bit, and event for event."""
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one.pcm, other.pcm)
        assert list(one.events) == list(other.events)
