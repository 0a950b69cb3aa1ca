"""Loads PersonaPlex's weights into the package's own modules.

Its depth transformer has 16 steps where Moshi's has 8; the last 8 predict the participant, for training. A conversation
never uses them, so only the weights of the first 8 are read. Its config.json has the model's type and no dimensions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog
import torch
from moshi.models import loaders
from moshi.models.lm import LMModel

from inference.contract.errors import EngineUnavailable
from inference.engines.moshi.batch import Batch
from inference.engines.moshi.personaplex.model import CODEBOOKS, MODEL_TYPE, PERSONAPLEX_7B
from inference.engines.moshi.personaplex.voices import ARCHIVE, FOLDER, read_voices
from inference.engines.moshi.prompts.persona import PersonaPlexPrompting
from inference.engines.moshi.prompts.prompting import Prompting
from inference.engines.moshi.source import Source

log = structlog.get_logger()

# The modules with separate weights for every step, and how many steps fewer than the model they have.
_STEPS: Final = re.compile(
    r"(?:^depformer_in|^linears|\.gating|\.in_projs|\.out_projs)\.(\d+)\.|^depformer_emb\.(\d+)\."
)
# The same weights in one tensor, with the steps one below the other.
_STACKED: Final = re.compile(r"^depformer\..*\.self_attn\.(?:in_proj_weight|in_proj\.weight|out_proj\.weight)$")


def is_personaplex(config: Mapping[str, Any] | None) -> bool:
    return config is not None and config.get("model_type") == MODEL_TYPE


def lm_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the arguments of the package's `LMModel`: PersonaPlex 7B's, replaced by the configuration's own entries,
    and as many depth steps as a conversation uses."""
    return {name: config.get(name, value) for name, value in PERSONAPLEX_7B.items()} | {"dep_q": CODEBOOKS}


def completed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the configuration, completed with every entry that a configuration of Moshi has."""
    return {**config, **lm_config(config)}


def info(
    config: Mapping[str, Any],
    lm: Path,
    mimi: Path,
    tokenizer: Path,
    mimi_config: dict[str, Any] | None,
    lora: Path | None,
) -> Any:
    """Returns the package's `CheckpointInfo`. Raises EngineUnavailable for options that this model cannot have."""
    if lora is not None or config.get("lora"):
        raise EngineUnavailable("moshi", "PersonaPlex with a LoRA is not supported", "Merge it into the weights.")
    return _PersonaPlexInfo(
        lm,
        mimi,
        tokenizer,
        lm_config=lm_config(config),
        raw_config=dict(config),
        mimi_config=mimi_config,
        model_type=MODEL_TYPE,
        lm_gen_config=dict(config.get("lm_gen_config", {})),
        model_id=dict(config.get("model_id", {})),
    )


def prompting(source: Source, tokenizer: Any, mimi: Any, lm: Any) -> Callable[[Batch], Prompting]:
    """Returns the prompting of a batch. Reads the voices beside the checkpoint. Raises EngineUnavailable."""
    folder = source.config_path.parent / FOLDER if source.config_path else None
    archive = None
    if folder is None or not folder.is_dir():
        try:
            archive = source.fetch(ARCHIVE)
        except EngineUnavailable:
            log.warning("no voices beside the checkpoint", folder=FOLDER, archive=ARCHIVE)
    voices = read_voices(folder, archive, mimi, lm.dim, lm.delays)
    return partial(PersonaPlexPrompting, lm=lm, tokenizer=tokenizer, voices=voices)


class _PersonaPlexInfo(loaders.CheckpointInfo):  # type: ignore[misc]  # the package has no types
    def get_moshi(self, device: torch.device, dtype: torch.dtype, **ignored: Any) -> Any:
        return load_lm(self.moshi_weights, self.raw_config, device, dtype)


def load_lm(weights: Path, config: Mapping[str, Any], device: torch.device, dtype: torch.dtype) -> Any:
    """Returns the package's `LMModel` on `device`. Raises EngineUnavailable for weights of another model."""
    lm = LMModel(device=torch.device("meta"), dtype=dtype, **lm_config(config))
    try:
        lm.load_state_dict(_first_steps(weights, device, dtype), assign=True)
    except (RuntimeError, OSError, ValueError) as error:
        raise EngineUnavailable(
            "moshi", f"{weights.name} does not hold PersonaPlex's weights ({_first_line(error)})", "Fetch it again."
        ) from error
    lm.eval()
    return lm


def _first_steps(weights: Path, device: torch.device, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError, safe_open

    kept: dict[str, torch.Tensor] = {}
    try:
        with safe_open(weights, framework="pt", device=str(device)) as file:
            names = list(file.keys())
            steps = len([name for name in names if name.startswith("linears.")])
            for name in names:
                step = _STEPS.search(name)
                if step and name.startswith(("depformer", "linears")):
                    number = int(step[1]) if step[1] else int(step[2]) + 1  # An embedding feeds the step after it.
                    if number >= CODEBOOKS:
                        continue
                tensor = file.get_slice(name)
                if _STACKED.match(name) and steps > CODEBOOKS:
                    kept[name] = tensor[: tensor.get_shape()[0] // steps * CODEBOOKS].to(dtype)
                else:
                    kept[name] = tensor[:].to(dtype)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    return kept


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1][:200] if str(error).strip() else type(error).__name__
