"""The benchmark with a real model: the tiny Moshi."""

from __future__ import annotations

import pytest

from inference.bench.measure import measure
from inference.contract.errors import EngineUnavailable
from inference.engines.moshi.memory import memory_model
from tests.moshi_checkpoint import tiny_checkpoint


def test_all_rows_are_stepped_and_compared_with_the_model() -> None:
    settings = {"MOSHI_CHECKPOINT": str(tiny_checkpoint()), "MOSHI_DEVICE": "cpu"}
    found = measure("moshi", 3, settings, seconds=0.4, bandwidth=1e10)
    assert (found.slots, found.failed_slots, found.paced.steps, found.flat_out.steps) == (3, 0, 5, 5)
    assert found.snapshot["test_only"] is True
    assert found.first_audio_ms is not None
    assert found.model_memory_bytes is not None
    assert found.model_memory_bytes < memory_model(None).weight_bytes
    assert found.model_step_ms is not None


def test_a_missing_checkpoint_is_told() -> None:
    with pytest.raises(EngineUnavailable, match="MOSHI_CHECKPOINT is not set"):
        measure("moshi", 1, {}, seconds=0.4)
