"""What is no checkpoint to talk with, or none that can be talked with here, and what is said about it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from inference.contract.errors import EngineUnavailable, OptionError
from inference.contract.options.moshi import Sampling
from inference.engines.base import SlotConfig
from inference.engines.moshi import placing, tiny
from inference.engines.moshi.engine import MoshiEngine
from inference.engines.moshi.memory import MOSHI_7B
from tests.moshi_checkpoint import tiny_checkpoint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the tiny checkpoint to spoil."""
    copied = tmp_path / "spoilt"
    shutil.copytree(tiny_checkpoint(), copied)
    return copied


def configure(folder: Path, changes: dict[str, Any]) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def settings(folder: Path, **given: str) -> dict[str, str]:
    return {"MOSHI_CHECKPOINT": str(folder), "MOSHI_DEVICE": "cpu", **given}


def why_not(folder: Path, slots: int | None = 1, **given: str) -> EngineUnavailable:
    with pytest.raises(EngineUnavailable) as caught:
        MoshiEngine(slots, settings(folder, **given))
    return caught.value


def test_engine_chooses_its_slots() -> None:
    engine = MoshiEngine(None, settings(tiny_checkpoint()))
    assert engine.slots == engine.snapshot()["slots"] == placing.CPU_SLOTS


@pytest.mark.parametrize("name", ["model.safetensors", "mimi.safetensors", "tokenizer.model", "mimi_config.json"])
@pytest.mark.parametrize("how", ["cut off", "empty", "something else"])
def test_damaged_file_is_named(folder: Path, name: str, how: str) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(
        {"cut off": whole[: len(whole) // 2], "empty": b"", "something else": b"RIFF" * 99}[how]
    )
    error = why_not(folder)
    assert name in error.reason
    assert error.remedy == "Fetch it again, or name another checkpoint."


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '"moshi"', '{"dim": "x"}', "{}", '{"dep_q": 8, "n_q": 16}'])
def test_configuration_of_something_else(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    assert "config" in why_not(folder).reason


@pytest.mark.parametrize("change", [{"dim": 96}, {"surprise": 1}, {"num_layers": 3}, {"card": 32}])
def test_configuration_that_does_not_fit_the_weights(folder: Path, change: dict[str, Any]) -> None:
    configure(folder, change)
    reason = why_not(folder).reason
    assert "model.safetensors is damaged or another model's" in reason
    assert not reason.endswith(":)")  # what does not fit is said


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model_type": "stt"}, "of the type 'stt'"),
        ({"model_type": "tts"}, "of the type 'tts'"),
        ({"stt_config": {"audio_delay_seconds": 0.5}}, "of the type 'moshi'"),
        ({"dep_q": 0}, "only recognises speech"),
        ({"dep_q": 16}, "only speaks"),
        ({"demux_second_stream": True}, "two texts"),
    ],
)
def test_model_to_which_nobody_can_talk(folder: Path, change: dict[str, Any], reason: str) -> None:
    configure(folder, change)
    error = why_not(folder)
    assert "is no model to talk with" in error.reason
    assert reason in error.reason


def test_mimi_of_another_model(folder: Path, tmp_path: Path) -> None:
    tiny.make(tmp_path / "other", lm={"card": 32})
    for name in ("mimi.safetensors", "mimi_config.json"):
        shutil.copy(tmp_path / "other" / name, folder / name)
    assert "Mimi has 32 codes and the language model 64" in why_not(folder).reason


def test_weights_that_are_no_numbers_are_found_before_anybody_talks(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["text_linear.weight"][5] = torch.nan
    save_file(weights, folder / "model.safetensors")
    engine = MoshiEngine(2, settings(folder))
    with pytest.raises(EngineUnavailable, match="does not compute with numbers"):
        engine.warm_up()
    engine.open(0, SlotConfig())
    engine.step({0: torch.zeros(1920).numpy()})
    assert list(engine.failed) == [0]


@pytest.mark.parametrize("device", ["gpu", "cuda:7", "0"])
def test_unknown_device(folder: Path, device: str) -> None:
    assert "Set MOSHI_DEVICE to one of auto, cuda, cpu." in why_not(folder, MOSHI_DEVICE=device).remedy


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu_where_one_is_wanted(folder: Path) -> None:
    error = why_not(folder, MOSHI_DEVICE="cuda")
    assert "sees no GPU" in error.reason
    assert "cascade runs on a CPU" in error.remedy


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_large_checkpoint_without_gpu_offers_other_engines(folder: Path) -> None:
    """It is said from the configuration alone: no gigabyte is fetched for it."""
    configure(folder, dict(MOSHI_7B))
    (folder / "model.safetensors").unlink()
    error = why_not(folder, MOSHI_DEVICE="")
    assert "7.7 billion parameters" in error.reason
    assert "sees no GPU" in error.reason
    assert all(engine in error.remedy for engine in ("cascade", "moshi_server", "openai_realtime"))


def test_more_slots_than_memory_says_how_many_would_fit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "_free_memory_bytes", lambda: placing.CPU_RESERVE_BYTES + 10_000_000)
    error = why_not(folder, slots=500)
    fitting = int(error.remedy.removeprefix("Set WORKER_SLOTS to ").removesuffix(" or less."))
    assert 0 < fitting < 500
    assert f"{fitting} slots would fit" in error.reason
    assert MoshiEngine(fitting, settings(folder)).slots == fitting


def test_no_memory_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "_free_memory_bytes", lambda: 1_000_000)
    assert "not even one slot would fit" in why_not(folder, slots=None).reason


def test_checkpoint_brings_defaults_of_its_own(folder: Path) -> None:
    configure(folder, {"lm_gen_config": {"temp": 0.5, "top_k": 30, "temp_text": 0.0, "top_k_text": 7}})
    defaults = MoshiEngine(1, settings(folder)).snapshot()["parameters"]["option_defaults"]
    assert defaults == {"temperature": 0.5, "top_k": 30, "text_temperature": 0.0, "text_top_k": 7}


def test_defaults_without_sampling() -> None:
    assert Sampling.of_checkpoint({"use_sampling": False}) == Sampling(temperature=0.0, text_temperature=0.0)
    with pytest.raises(OptionError):
        Sampling.of_checkpoint({"cfg_coef": 2.0})


def test_defaults_that_rows_cannot_have(folder: Path) -> None:
    configure(folder, {"lm_gen_config": {"cfg_coef": 2.0}})
    assert "cfg_coef" in why_not(folder).reason


def test_licence_of_a_folder(folder: Path) -> None:
    (folder / "README.md").write_text("---\nlicense: other\nlicense_name: house rules\n---\n")
    assert MoshiEngine(1, settings(folder)).snapshot()["licence"] == "house rules"
