"""The published figures of Moshi 7B, and the package's own modules, counted."""

from __future__ import annotations

import os
from typing import Any

import pytest

os.environ.setdefault("NO_TORCH_COMPILE", "1")

from inference.engines.moshi.memory import MOSHI_7B, count_parameters, memory_model

H100_BYTES = 80 * 10**9
H100_BYTES_PER_SEC = 3.35e12
GB = 10**9

SMALL: dict[str, Any] = {
    **MOSHI_7B,
    "dim": 64,
    "text_card": 200,
    "card": 32,
    "num_layers": 3,
    "num_heads": 2,
    "context": 20,
    "depformer_dim": 48,
    "depformer_dim_feedforward": 198,
    "depformer_num_heads": 2,
    "depformer_num_layers": 2,
    "delays": [0] * 17,
    "causal": True,
    "norm": "rms_norm_f32",
    "positional_embedding": "rope",
    "depformer_pos_emb": "none",
    "depformer_gating": "silu",
}
SHARED_STEPS = [0, 1, 2, 2, 2, 3, 3, 3]


def test_moshi_7b_has_the_published_figures() -> None:
    model = memory_model(None)
    assert (model.parameters, model.streamed_parameters) == (7_687_729_152, 7_374_913_536)
    assert round(model.weight_bytes / GB, 1) == 15.4
    assert model.kv_bytes == 1_572_864_000
    assert model.slots_that_fit(H100_BYTES) == 39
    assert round(model.step_ms(39, H100_BYTES_PER_SEC), 1) == 22.7
    assert round(model.step_ms(39, 0.6 * H100_BYTES_PER_SEC), 1) == 37.9


def test_half_the_context_halves_a_slots_cache() -> None:
    whole, half = memory_model(None), memory_model(None, context=1500)
    assert (half.kv_bytes, half.context) == (whole.kv_bytes // 2, 1500)
    assert half.slots_that_fit(H100_BYTES) == 77


def test_int8_halves_the_linear_layers_alone() -> None:
    whole, int8 = memory_model(None), memory_model(None, int8=True)
    assert whole.weight_bytes - int8.weight_bytes == whole.streamed_parameters
    assert int8.kv_bytes == whole.kv_bytes
    assert memory_model({**MOSHI_7B, "quantize": True}) == int8


def test_float32_doubles_weights_and_cache() -> None:
    half, full = memory_model(None), memory_model(None, value_bytes=4)
    assert (full.weight_bytes, full.kv_bytes) == (2 * half.weight_bytes, 2 * half.kv_bytes)
    assert full.mimi_slot_bytes == half.mimi_slot_bytes


def test_loaded_weights_are_not_counted_again() -> None:
    model = memory_model(None)
    left = H100_BYTES - model.weight_bytes - model.mimi_bytes
    assert model.slots_that_fit(left, loaded=True) == model.slots_that_fit(H100_BYTES)


@pytest.mark.parametrize("slots", [1, 7, 39])
def test_what_slots_need_is_what_lets_them_fit(slots: int) -> None:
    model = memory_model(None)
    assert model.slots_that_fit(model.bytes_for(slots)) == slots
    assert model.slots_that_fit(model.bytes_for(slots) - 1) == slots - 1


def test_too_many_slots_are_told_how_many_would_fit() -> None:
    assert memory_model(None).what_fits(48, H100_BYTES) == (
        "48 slots would need 94.0 GB (15.8 GB of weights, 1.6 GB a slot, 2.0 GB kept free) and 80.0 GB are free; "
        "39 slots would fit"
    )


def test_too_little_memory_for_one_slot_is_told() -> None:
    model = memory_model(None)
    assert model.slots_that_fit(10 * GB) == 0
    assert model.what_fits(1, 10 * GB).endswith("10.0 GB are free; not even one slot would fit")


def test_a_checkpoint_without_context_is_refused() -> None:
    with pytest.raises(ValueError, match="sets no context"):
        memory_model({**MOSHI_7B, "context": None})


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"dep_q": 16},
        {"dep_q": 0},
        {"depformer_multi_linear": False},
        {"depformer_weights_per_step_schedule": SHARED_STEPS, "depformer_low_rank_embeddings": 8},
        {"demux_second_text_stream": True, "text_card_out": 50},
        {"depformer_dim_feedforward": 192},  # four times the dimension is laid out differently
        {"depformer_dim_feedforward": None},
        {"depformer_norm": "rms_norm_f32", "extra_heads_num_heads": 2},
        {"gating": "none", "depformer_gating": "silu"},
        {"kv_repeat": 2, "depformer_kv_repeat": 1},
        {"cross_attention": True},
    ],
    ids=lambda changed: ",".join(changed) or "plain",
)
def test_parameters_are_those_of_the_packages_own_modules(changed: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    loaders = pytest.importorskip("moshi.models.loaders")
    config = SMALL | changed
    lm = loaders.LMModel(device=torch.device("meta"), dtype=torch.bfloat16, **config)

    def count(module: Any) -> int:
        return 0 if module is None else sum(parameter.numel() for parameter in module.parameters())

    embeddings = sum(map(count, (lm.emb, lm.text_emb, lm.depformer_emb, lm.depformer_text_emb)))
    found = count_parameters(config)
    assert sum(found) == count(lm)
    assert found[0] == embeddings
