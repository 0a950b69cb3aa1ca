"""Loads a checkpoint with the package's loader, after checking its configuration, and identifies it by hashes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from types import MethodType
from typing import Any, Final

import torch
from moshi.models import loaders
from moshi.run_inference import get_condition_tensors
from torch import nn
from torch.nn import functional

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from inference.contract.errors import EngineUnavailable, OptionError
from inference.contract.options.moshi import Sampling
from inference.engines.moshi.batch import Batch
from inference.engines.moshi.memory import RESERVE_BYTES, MemoryModel, memory_model
from inference.engines.moshi.personaplex import checkpoint as personaplex_checkpoint
from inference.engines.moshi.personaplex.model import MODEL_TYPE as PERSONAPLEX
from inference.engines.moshi.placing import MORE_MEMORY, OTHER_ENGINES, choose_device, choose_rows
from inference.engines.moshi.prompts.persona import KEPT_BYTES
from inference.engines.moshi.prompts.prompting import NoPrompting, Prompting
from inference.engines.moshi.source import MoshiSettings, Source, find, test_only
from inference.engines.moshi.words import Vocabulary
from inference.weights.hub import sha256

MODEL_TYPES: Final = frozenset({"moshi", "hibiki", PERSONAPLEX})  # models that hold a conversation
FEW_STEPS: Final = 32  # Unfolding an input of more steps costs more than it saves.


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded checkpoint.

    `mimi` and `lm` are the package's models on `device`; `rows` is the number of conversations that fit. `conditions`
    are given to a model that takes conditions, the same for all rows; `prompting` makes the object that gives single
    rows their prompts. `memory` is what all of this needs. `description` goes into the engine's snapshot. Equal
    `fingerprint`s mean that a conversation can move from one checkpoint to the other."""

    mimi: Any
    lm: Any
    device: torch.device
    rows: int
    conditions: Any
    prompting: Callable[[Batch], Prompting]
    vocabulary: Vocabulary
    sampling: Sampling
    memory: MemoryModel
    fingerprint: str
    description: dict[str, Any]


def load(slots: int | None, settings: MoshiSettings) -> Checkpoint:
    """Finds, checks, fetches and loads what the settings name. Raises EngineUnavailable."""
    source = find(settings)
    personaplex = personaplex_checkpoint.is_personaplex(source.config)
    if personaplex:
        source.config = personaplex_checkpoint.completed(source.config or {})
    config = source.config
    _check_dialogue(source)
    device = choose_device(settings.device, _memory(source, 2).parameters)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    names = config or {}
    mimi_config_path = source.fetch(names["mimi_config_name"]) if names.get("mimi_config_name") else None
    mimi_path = source.fetch(names.get("mimi_name", loaders.MIMI_NAME))
    tokenizer_path = source.fetch(names.get("tokenizer_name", loaders.TEXT_TOKENIZER_NAME))
    with _reading("the configuration of Mimi", mimi_config_path):
        mimi_config = json.loads(mimi_config_path.read_text()) if mimi_config_path else None
        memory = memory_model(
            config, value_bytes=dtype.itemsize, mimi_config=mimi_config, mimi_bytes=mimi_path.stat().st_size
        )
    rows = choose_rows(slots, memory, device, RESERVE_BYTES + (KEPT_BYTES if personaplex else 0))
    lm_path = source.fetch(names.get("moshi_name", loaders.MOSHI_NAME))
    lora_path = source.fetch(names["lora_name"]) if names.get("lora_name") else None
    with _reading("the configuration", source.config_path):
        info = _info(source, lm_path, mimi_path, tokenizer_path, mimi_config_path, lora_path)
        sampling = _sampling(info.lm_gen_config)
    with _reading("the text tokenizer", tokenizer_path):
        tokenizer = info.get_text_tokenizer()
    with _reading("Mimi", mimi_path):
        mimi = info.get_mimi(device=device)
    with _reading("the language model", lm_path):
        lm = info.get_moshi(device=device, dtype=dtype, fuse_lora=True)
    _check_fit(mimi, lm)
    if device.type == "cpu":
        speed_up(mimi)
    prompting = personaplex_checkpoint.prompting(source, tokenizer, mimi, lm) if personaplex else _no_prompting
    with _reading("the conditions", source.config_path):
        conditions = get_condition_tensors(info.model_type, lm, rows, 1.0) if lm.fuser is not None else None
    hashes = {
        path.name: _sha256(path)
        for path in (lm_path, mimi_path, tokenizer_path, mimi_config_path, lora_path)
        if path is not None
    }
    identity = {
        "sha256": hashes,
        "config": {name: value for name, value in (config or {}).items() if not name.endswith("_name")},
        "dtype": str(dtype).removeprefix("torch."),
        "device": device.type,
        "packages": {"moshi": version("moshi"), "torch": torch.__version__},
    }
    description = {
        "model": source.name,
        "source": "folder" if source.config_path and not source.revision else "hub",
        "revision": source.revision or None,
        "model_type": info.model_type,
        "licence": source.licence(),
        "test_only": test_only(config),
        "sha256": hashes,
        "packages": identity["packages"],
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "dtype": identity["dtype"],
        "parameter_count": {"language_model": _count(lm), "mimi": _count(mimi)},
        "context_steps": lm.context,
    }
    return Checkpoint(
        mimi,
        lm,
        device,
        rows,
        conditions,
        prompting,
        Vocabulary.of(tokenizer, pause=lm.text_padding_token_id, end_of_pause=lm.end_of_text_padding_id),
        sampling,
        memory,
        hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest(),
        description,
    )


def _no_prompting(batch: Batch) -> Prompting:
    return NoPrompting()


def _check_dialogue(source: Source) -> None:
    """Raises EngineUnavailable for a model that does not both listen and speak."""
    config = source.config
    if config is None:
        return
    kind = config.get("model_type", "moshi")
    dep_q, n_q = config.get("dep_q"), config.get("n_q")
    if kind not in MODEL_TYPES or config.get("stt_config") or config.get("tts_config"):
        wrong = f"is of the type {kind!r}"
    elif not isinstance(dep_q, int) or not isinstance(n_q, int):
        wrong = "has another model's configuration"
    elif dep_q < 1:
        wrong = "does not speak: it only recognises speech"
    elif n_q <= dep_q:
        wrong = "does not listen: it only speaks"
    elif config.get("demux_second_text_stream") or config.get("demux_second_stream"):
        wrong = "writes two texts at once"
    else:
        return
    raise EngineUnavailable("moshi", f"{source.name} is no model to talk with: it {wrong}", "Name another checkpoint.")


def _memory(source: Source, value_bytes: int) -> MemoryModel:
    with _reading("the configuration", source.config_path):
        return memory_model(source.config, value_bytes=value_bytes)


def _info(source: Source, lm: Path, mimi: Path, tokenizer: Path, mimi_config: Path | None, lora: Path | None) -> Any:
    if source.config_path is None:
        return loaders.CheckpointInfo(lm, mimi, tokenizer)
    if personaplex_checkpoint.is_personaplex(source.config):
        mimi_parts = json.loads(mimi_config.read_text()) if mimi_config else None
        return personaplex_checkpoint.info(source.config or {}, lm, mimi, tokenizer, mimi_parts, lora)
    return loaders.CheckpointInfo.from_hf_repo(
        source.name,
        moshi_weights=lm,
        mimi_weights=mimi,
        tokenizer=tokenizer,
        config_path=source.config_path,
        mimi_config_path=mimi_config,
        lora_weights=lora,
    )


def _sampling(lm_gen_config: Mapping[str, Any]) -> Sampling:
    try:
        return Sampling.of_checkpoint(lm_gen_config)
    except OptionError as error:
        raise ValueError(f"lm_gen_config: {error}") from error


def _check_fit(mimi: Any, lm: Any) -> None:
    """Raises EngineUnavailable unless Mimi and the language model fit together."""
    if (mimi.sample_rate, mimi.frame_size, mimi.channels) != (SAMPLE_RATE_HZ, FRAME_SAMPLES, 1):
        wrong = f"Mimi takes {mimi.channels} × {mimi.frame_size} samples at {mimi.sample_rate} Hz"
    elif mimi.cardinality != lm.card:
        wrong = f"Mimi has {mimi.cardinality} codes and the language model {lm.card}"
    else:
        return
    raise EngineUnavailable("moshi", f"the checkpoint does not fit: {wrong}", "Name another checkpoint.")


@contextmanager
def _reading(what: str, path: Path | None) -> Iterator[None]:
    """Turns whatever a loader raises for a file into a message for the operator."""
    try:
        yield
    except EngineUnavailable:
        raise
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise EngineUnavailable("moshi", f"there is no memory for {what}", f"{MORE_MEMORY} {OTHER_ENGINES}") from error
    except ImportError as error:
        raise EngineUnavailable(
            "moshi", f"{what} needs the package {error.name}, which is missing", "Install it."
        ) from error
    except Exception as error:  # The package raises all kinds of errors for a damaged file or another model's.
        line = " ".join(str(error).split())[:200] or type(error).__name__
        place = path.name if path is not None else "the checkpoint"
        raise EngineUnavailable(
            "moshi",
            f"{what} in {place} is damaged or another model's ({line})",
            "Fetch it again, or name another checkpoint.",
        ) from error


def _sha256(path: Path) -> str:
    """Returns the SHA-256 of a file. The hub's cache names large files by it, so theirs is not computed again."""
    blob = path.resolve()
    if blob.parent.name == "blobs" and re.fullmatch(r"[0-9a-f]{64}", blob.name):
        return blob.name
    return sha256(path)


def _count(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def speed_up(mimi: Any) -> None:
    """Replaces, in place, the decoder's convolutions that are faster as a product on a CPU.

    The products have the same sums and are much faster for the shapes of one step, where torch runs a transposed
    convolution over two steps, a pointwise convolution over many rows and a long kernel over few steps through slow
    general code. The forward functions of single modules are replaced; the package stays as it is.

    The encoder's convolutions are left alone. Sums in another order are rounded differently, and where the encoder is
    undecided between two codes, that is enough to choose the other one and so to change the whole conversation."""
    for module in chain(mimi.decoder.modules(), mimi.upsample.modules()):
        if not isinstance(module, nn.Conv1d | nn.ConvTranspose1d) or module.groups != 1 or module.dilation != (1,):
            continue
        (kernel,), (stride,) = module.kernel_size, module.stride
        if isinstance(module, nn.ConvTranspose1d):
            if kernel == 2 * stride:
                module.forward = MethodType(_transposed, module)
        else:
            module.forward = MethodType(_pointwise if kernel == stride == 1 else _windowed, module)


def _transposed(self: Any, x: torch.Tensor) -> torch.Tensor:
    """Takes [B, C, T]; returns [B, O, (T + 1) * stride].

    A step makes two strides of sound; the second overlaps the next step's."""
    (stride,), (rows, _, steps) = self.stride, x.shape
    halves = torch.matmul(x.transpose(1, 2), self.weight.flatten(1))  # [B, T, O * 2 * stride]
    halves = halves.view(rows, steps, self.out_channels, 2, stride).transpose(1, 2)
    y = x.new_zeros(rows, self.out_channels, steps + 1, stride)
    y[:, :, :steps] = halves[:, :, :, 0]
    y[:, :, 1:] += halves[:, :, :, 1]
    y = y.flatten(2)
    return y if self.bias is None else y + self.bias[:, None]


def _pointwise(self: Any, x: torch.Tensor) -> torch.Tensor:
    """Takes [B, C, T]; returns [B, O, T]."""
    weight = self.weight[:, :, 0].expand(x.shape[0], -1, -1)
    return torch.bmm(weight, x) if self.bias is None else torch.baddbmm(self.bias[:, None], weight, x)


def _windowed(self: Any, x: torch.Tensor) -> torch.Tensor:
    """Takes [B, C, T]; returns [B, O, (T - kernel) / stride + 1]."""
    windows = x.unfold(2, self.kernel_size[0], self.stride[0])  # [B, C, steps, kernel]
    if windows.shape[2] > FEW_STEPS:
        return functional.conv1d(x, self.weight, self.bias, self.stride)
    return functional.linear(windows.transpose(1, 2).flatten(2), self.weight.flatten(1), self.bias).transpose(1, 2)
