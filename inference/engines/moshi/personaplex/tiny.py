"""Gives a tiny Moshi PersonaPlex's shape: its layout of weights, its 16 depth steps, its two kinds of voices.

python -m inference.engines.moshi.tiny FOLDER --shape personaplex
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ
from inference.engines.moshi.personaplex.model import CHANNELS, CODEBOOKS, Tokens, model_inputs, voice_steps

if TYPE_CHECKING:
    from torch import Tensor

LM: Final = {"dep_q": 2 * CODEBOOKS, "card": 2048, "context": 240}  # prompts name codes up to 2,008
SAVED_VOICE: Final = "SAVED"
RECORDED_VOICE: Final = "RECORDED"
SAVED_STEPS: Final = 21
RECORDED_SEC: Final = 1.3
_OF_A_STEP: Final = re.compile(r"(in|out)_projs\.(\d+)\.weight$")


def reshape(folder: Path, seed: int) -> None:
    """Rewrites a tiny Moshi that was made with LM, and adds its folder of voices. Raises ModuleNotFoundError."""
    import torch
    from safetensors.torch import load_file, save_file

    from inference.engines.moshi.personaplex.checkpoint import load_lm

    weights = folder / "model.safetensors"
    save_file(_stacked(load_file(weights)), weights)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "personaplex", "version": "tiny"}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    (folder / "voices").mkdir()
    draw = np.random.default_rng(seed)
    lm = load_lm(weights, config, torch.device("cpu"), torch.float32)
    saved = saved_voice(lm, draw.integers(LM["card"], size=(SAVED_STEPS, CODEBOOKS)))
    torch.save(saved, folder / "voices" / f"{SAVED_VOICE}.pt")
    _record(folder / "voices" / f"{RECORDED_VOICE}.wav", draw)


def saved_voice(lm: Any, codes: Tokens) -> dict[str, Tensor]:
    """Returns what NVIDIA's program saves of a voice prompt of `codes` [T, CODEBOOKS].

    That is the embeddings of the T − 1 steps that it computed, [T − 1, 1, 1, D], and its ring of tokens,
    [1, CHANNELS, max delay + 3]."""
    import torch

    from inference.engines.moshi.prompts.persona import embedded

    steps = voice_steps(codes)
    initial = [lm.text_initial_token_id] + [lm.initial_token_id] * lm.num_audio_codebooks
    embeddings = embedded(lm, model_inputs(steps, lm.delays, initial)[:-1])[0]
    ring = torch.full((1, CHANNELS, max(lm.delays) + 3), lm.ungenerated_token_id)
    for channel, delay in enumerate(lm.delays):
        for position in range(len(steps) - 1, len(steps) + delay):
            ring[0, channel, position % ring.shape[2]] = int(steps[position - delay, channel])
    return {"embeddings": embeddings[:, None, None], "cache": ring}


def _stacked(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Puts the projections of all steps into one tensor, as in older versions of the package."""
    import torch

    kept: dict[str, Tensor] = {}
    by_step: defaultdict[str, dict[int, Tensor]] = defaultdict(dict)
    for name, tensor in state.items():
        found = _OF_A_STEP.search(name)
        if found:
            stacked = "in_proj_weight" if found[1] == "in" else "out_proj.weight"
            by_step[name[: found.start()] + stacked][int(found[2])] = tensor
        else:
            kept[name] = tensor
    return kept | {name: torch.cat(_in_order(steps)) for name, steps in by_step.items()}


def _in_order(steps: dict[int, Tensor]) -> Sequence[Tensor]:
    return [steps[number] for number in sorted(steps)]


def _record(path: Path, draw: np.random.Generator) -> None:
    import soundfile

    time_sec = np.arange(int(RECORDED_SEC * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    hum = np.sin(2 * np.pi * 140 * time_sec) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time_sec))
    soundfile.write(path, 0.2 * hum + 0.02 * draw.standard_normal(len(time_sec)), SAMPLE_RATE_HZ)
