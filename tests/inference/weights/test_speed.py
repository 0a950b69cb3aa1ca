from __future__ import annotations

import pytest

from inference.weights.components import LANGUAGE, LARGER_LANGUAGE
from inference.weights.fetching import find
from inference.weights.settings import WeightsSettings
from inference.weights.speed import largest, measure
from tests.inference.engines.cascade.conftest import MODELS_DIR

SMALL_BYTES = 98_362_432
GIGABYTE = 1_000_000_000


@pytest.mark.parametrize(
    ("tokens_per_sec", "memory_bytes", "model"),
    [
        (60, 16 * GIGABYTE, None),
        (120, 16 * GIGABYTE, "Qwen3-0.6B (GGUF Q8_0)"),
        (300, 16 * GIGABYTE, "Qwen3-1.7B (GGUF Q8_0)"),
        (300, 4 * GIGABYTE, "Qwen3-0.6B (GGUF Q8_0)"),
        (300, 1 * GIGABYTE, None),
    ],
)
def test_largest_model_that_keeps_the_pace_and_fits_is_chosen(
    tokens_per_sec: float, memory_bytes: int, model: str | None
) -> None:
    found = largest(LARGER_LANGUAGE, tokens_per_sec=tokens_per_sec, small_bytes=SMALL_BYTES, memory_bytes=memory_bytes)
    assert (found.model if found else None) == model


@pytest.mark.engine
def test_speed_is_that_of_the_model_itself() -> None:
    assert measure(find(LANGUAGE, WeightsSettings.read({"MODELS_DIR": MODELS_DIR})).path, threads=1) > 0
