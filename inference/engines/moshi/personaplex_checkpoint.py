"""PersonaPlex's weights in the package's own modules.

Its depth transformer has 16 steps where Moshi's has 8: the last 8 predict the participant, for training. A conversation
never uses them, so only what the first 8 need is read. Its config.json gives the model's type and no dimensions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from inference.engines.moshi.personaplex import CODEBOOKS, MODEL_TYPE, PERSONAPLEX_7B
from inference.errors import EngineUnavailable

# What has weights of its own for every step, and how many steps fewer than the model has.
_STEPS: Final = re.compile(
    r"(?:^depformer_in|^linears|\.gating|\.in_projs|\.out_projs)\.(\d+)\.|^depformer_emb\.(\d+)\."
)
# The same in one tensor, the steps one below the other.
_STACKED: Final = re.compile(r"^depformer\..*\.self_attn\.(?:in_proj_weight|in_proj\.weight|out_proj\.weight)$")


def is_personaplex(config: Mapping[str, Any] | None) -> bool:
    return config is not None and config.get("model_type") == MODEL_TYPE


def lm_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the package's `LMModel` is made with: the configuration's own entries over PersonaPlex 7B's, and as many
    depth steps as a conversation uses."""
    return {name: config.get(name, value) for name, value in PERSONAPLEX_7B.items()} | {"dep_q": CODEBOOKS}


def load_lm(weights: Path, config: Mapping[str, Any], device: torch.device, dtype: torch.dtype) -> Any:
    """The package's `LMModel`, on `device`. Raises EngineUnavailable for weights of another model."""
    from moshi.models.lm import LMModel

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
                    number = int(step[1]) if step[1] else int(step[2]) + 1  # an embedding feeds the step after it
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
