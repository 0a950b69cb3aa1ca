"""Checkpoints that differ from Moshi 7B in what the package allows: other depth transformers, delays, fine-tunes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from moshi.models import loaders
from moshi.modules.lora import replace_all_linear_with_lora
from safetensors.torch import save_file

from inference.engines.moshi import tiny
from inference.engines.moshi.batch import Batch
from inference.engines.moshi.checkpoint import load
from inference.engines.moshi.source import MoshiSettings
from tests.inference.engines.moshi.rows import Talk, talk_all
from tests.inference.engines.moshi.stock import microphone, stock_session

STEPS = 10
VARIANTS: dict[str, dict[str, Any]] = {
    "depth with positions": {"depformer_pos_emb": "sin"},
    "shared depth weights": {"depformer_weights_per_step_schedule": [0, 1, 2, 3, 4, 4, 5, 5]},
    "one depth input, more norms": {"depformer_multi_linear": False, "depformer_norm": "rms_norm_f32"},
    "low rank": {"depformer_low_rank_embeddings": 8},
    "longer delays": {"delays": [0, 0, 2, 2, 2, 2, 2, 2, 2, 0, 2, 2, 2, 2, 2, 2, 2]},
}


def check_against_stock(folder: Path) -> None:
    """Two greedy conversations in one batch, one of them two steps later, against the package's server's loop."""
    info = loaders.CheckpointInfo.from_hf_repo("local/variant", config_path=folder / "config.json")
    loaded = load(3, MoshiSettings.read({"MOSHI_CHECKPOINT": str(folder), "MOSHI_DEVICE": "cpu"}))
    visits = {"first": Talk(microphone(1, STEPS)), "second": Talk(microphone(2, STEPS), joins=2)}
    talk_all(Batch(loaded.mimi, loaded.lm, 3, loaded.conditions), visits)
    for talk in visits.values():
        stock = stock_session(talk.frames, info=info, use_sampling=False)
        np.testing.assert_array_equal(talk.said.tokens, stock.tokens)
        np.testing.assert_allclose(talk.said.pcm, stock.pcm, rtol=0, atol=1e-6)


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_variant_equals_single_sessions(tmp_path: Path, changes: dict[str, Any]) -> None:
    tiny.make(tmp_path / "variant", lm=changes)
    check_against_stock(tmp_path / "variant")


def test_fine_tune_by_lora(tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    tiny.make(folder)
    config = json.loads((folder / "config.json").read_text())
    info = loaders.CheckpointInfo.from_hf_repo("local/variant", config_path=folder / "config.json")
    lm = info.get_moshi(dtype=torch.float32)
    replace_all_linear_with_lora(lm, 4, 2.0)
    state = {name: torch.randn_like(tensor) * 0.1 for name, tensor in lm.state_dict().items() if ".lora_" in name}
    assert state
    save_file(state, folder / "lora.safetensors")
    config |= {"lora": True, "lora_rank": 4, "lora_name": f"file://{folder}/lora.safetensors"}
    (folder / "config.json").write_text(json.dumps(config))
    check_against_stock(folder)


def test_translator_with_conditions(tmp_path: Path) -> None:
    """Hibiki is told the quality it should have, all rows the same."""
    qualities = ["very_bad", "bad", "neutral", "good", "very_good"]
    lut = {"n_bins": len(qualities), "dim": 8, "tokenizer": "noop", "possible_values": qualities}
    conditions = {"conditioners": {"description": {"type": "lut", "lut": lut}}, "fuser": {"sum": ["description"]}}
    folder = tmp_path / "translator"
    tiny.make(folder, lm=conditions)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "hibiki"}))
    check_against_stock(folder)
