"""The engine with a checkpoint of PersonaPlex's shape, and what it refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from inference.bench.measure import measure
from inference.contract.audio import FRAME_SAMPLES
from inference.contract.errors import EngineUnavailable, OptionError
from inference.engines.base import SlotConfig
from inference.engines.moshi import tiny
from inference.engines.moshi.engine import MoshiEngine
from inference.engines.moshi.personaplex.checkpoint import lm_config, load_lm
from inference.engines.moshi.personaplex.model import PERSONAPLEX_7B
from inference.engines.moshi.personaplex.tiny import RECORDED_VOICE, SAVED_VOICE
from tests.inference.engines.moshi.personaplex.conftest import PERSONAS, checkpoint_folder
from tests.inference.engines.moshi.stock import microphone
from tests.moshi_checkpoint import tiny_checkpoint

GREEDY = {"temperature": 0.0, "text_temperature": 0.0}
LONG = SlotConfig("goro mu fina. " * 9, RECORDED_VOICE, options=GREEDY)


def settings(folder: Path) -> dict[str, str]:
    return {"MOSHI_CHECKPOINT": str(folder), "MOSHI_DEVICE": "cpu"}


@pytest.fixture(scope="module")
def engine() -> Iterator[MoshiEngine]:
    engine = MoshiEngine(2, settings(checkpoint_folder()))
    engine.warm_up()
    yield engine
    engine.shut_down()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    shutil.copytree(checkpoint_folder(), folder)
    return folder


def test_a_participant_hears_silence_until_the_persona_is_told(engine: MoshiEngine) -> None:
    engine.open(0, LONG)
    silence = np.zeros(FRAME_SAMPLES, np.float32)
    sound = [engine.step({0: frame})[0].pcm for frame in microphone(1, 3)]
    np.testing.assert_array_equal(sound[0], silence)
    assert sound[1].any()  # told in two pieces, the second one before this step
    assert engine.failed == {}
    engine.close(0)


def test_a_conversation_moves_while_it_is_told(engine: MoshiEngine) -> None:
    config = SlotConfig("zeta lo mi. " * 9, SAVED_VOICE, seed=4)
    frames = microphone(2, 6)
    engine.open(0, config)
    first = engine.step({0: frames[0]})[0]
    assert not first.pcm.any()
    engine.import_slot(1, config, engine.export_slot(0))
    for frame in frames[1:]:
        outputs = engine.step({0: frame, 1: frame})
        np.testing.assert_array_equal(outputs[0].pcm, outputs[1].pcm)
        assert outputs[0].events == outputs[1].events
    for slot in (0, 1):
        engine.close(slot)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (SlotConfig(voice_prompt="NOBODY"), f"'NOBODY'; expected one of {RECORDED_VOICE}, {SAVED_VOICE}"),
        (SlotConfig(voice_prompt="../voices/SAVED.pt"), f"expected one of {RECORDED_VOICE}, {SAVED_VOICE}"),
        (SlotConfig(voice_prompt=f"/{SAVED_VOICE}"), f"expected one of {RECORDED_VOICE}, {SAVED_VOICE}"),
        (SlotConfig(text_prompt="goro mu " * 99, voice_prompt=SAVED_VOICE), r"at most 87 with this voice"),
    ],
)
def test_prompts_that_cannot_be_honoured_are_refused(engine: MoshiEngine, config: SlotConfig, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        engine.check(config)
    with pytest.raises(OptionError, match=said):
        engine.open(0, config)


@pytest.mark.parametrize("name", [SAVED_VOICE, f"{SAVED_VOICE}.pt", f" {RECORDED_VOICE} "])
def test_a_voice_may_be_named_with_its_ending(engine: MoshiEngine, name: str) -> None:
    engine.check(SlotConfig(voice_prompt=name))


def test_a_checkpoint_without_personas_refuses_prompts() -> None:
    plain = MoshiEngine(1, settings(tiny_checkpoint()))
    for config in (SlotConfig(text_prompt="You are Jane."), SlotConfig(voice_prompt=SAVED_VOICE)):
        with pytest.raises(OptionError, match="expected none: this checkpoint takes no prompts"):
            plain.check(config)
    assert plain.snapshot()["prompts"] is None
    plain.shut_down()


def test_the_snapshot_names_the_voices(engine: MoshiEngine) -> None:
    snapshot = engine.snapshot()
    assert snapshot["model_type"] == "personaplex"
    assert snapshot["test_only"] is True
    assert sorted(snapshot["prompts"]["voices"]) == [RECORDED_VOICE, SAVED_VOICE]


def test_without_voices_only_text_prompts_are_taken(copied: Path) -> None:
    shutil.rmtree(copied / "voices")
    engine = MoshiEngine(1, settings(copied))
    engine.check(PERSONAS["text alone"])
    with pytest.raises(OptionError, match="expected none: no voices are beside the checkpoint"):
        engine.check(PERSONAS["saved"])
    engine.shut_down()


def test_a_voice_that_fills_half_the_context_is_refused(copied: Path) -> None:
    ring = torch.zeros(1, 17, 4, dtype=torch.long)
    torch.save({"embeddings": torch.zeros(120, 1, 1, tiny.LM["dim"]), "cache": ring}, copied / "voices" / "LONG.pt")
    engine = MoshiEngine(1, settings(copied))
    with pytest.raises(OptionError, match="'LONG'; expected a voice prompt of at most 108 steps"):
        engine.check(SlotConfig(voice_prompt="LONG"))
    engine.shut_down()


def test_weights_of_another_model_are_named(copied: Path) -> None:
    state = load_file(copied / "model.safetensors")
    del state["depformer_in.3.weight"]
    save_file(state, copied / "model.safetensors")
    with pytest.raises(EngineUnavailable, match=r"model\.safetensors does not hold PersonaPlex's weights"):
        MoshiEngine(1, settings(copied))


def test_damaged_weights_are_named(copied: Path) -> None:
    (copied / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(EngineUnavailable, match=r"model\.safetensors does not hold PersonaPlex's weights"):
        MoshiEngine(1, settings(copied))


def test_a_lora_is_refused(copied: Path) -> None:
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps(config | {"lora": True}))
    with pytest.raises(EngineUnavailable, match="PersonaPlex with a LoRA is not supported"):
        MoshiEngine(1, settings(copied))


def test_only_the_depth_steps_of_a_conversation_are_read() -> None:
    config: dict[str, Any] = json.loads((checkpoint_folder() / "config.json").read_text())
    lm = load_lm(checkpoint_folder() / "model.safetensors", config, torch.device("cpu"), torch.float32)
    whole = load_file(checkpoint_folder() / "model.safetensors")
    assert (len(lm.linears), len(lm.depformer_emb), len(lm.depformer_in)) == (8, 7, 8)
    stacked = whole["depformer.layers.1.self_attn.in_proj_weight"]
    for step, projection in enumerate(lm.depformer.layers[1].self_attn.in_projs):
        torch.testing.assert_close(projection.weight, stacked.chunk(16)[step], rtol=0, atol=0)


def test_the_published_configuration_stands_for_the_7b_model() -> None:
    """Its config.json names the type and the version, nothing else."""
    found = lm_config({"model_type": "personaplex", "version": "7b-v1"})
    assert found == {**PERSONAPLEX_7B, "dep_q": 8}
    assert (found["dim"], found["num_layers"], found["context"]) == (4096, 32, 3000)


def test_the_benchmark_measures_it_with_a_persona() -> None:
    found = measure("moshi", 2, settings(checkpoint_folder()), seconds=0.4, config=PERSONAS["recorded"], bandwidth=1e10)
    assert (found.slots, found.failed_slots, found.paced.steps) == (2, 0, 5)
    assert found.first_audio_ms is not None
    assert found.model_memory_bytes is not None
    assert found.model_step_ms is not None
