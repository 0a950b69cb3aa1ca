"""Lets one row of a batch process many steps at once, while the other rows do not move.

A row's prompts are known beforehand, so nothing has to be drawn and the steps need not wait for each other: the
temporal transformer processes them like a text, in one pass that reads the weights once. A prompt of 300 steps
therefore costs about as much time as a handful of steps of the conversation, and not as much as 300.

The pass works on views of the row's own part of every streaming state, so it writes where the batch will read. It
changes no other row, no mask and no CUDA graph.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from moshi.modules.streaming import StreamingModule

from inference.engines.moshi.personaplex.model import Tokens


def live_through(transformer: Any, row: int, inputs: torch.Tensor) -> None:
    """Processes `inputs` [1, T, D] as the row's next T steps. Together with earlier steps they must fit the context."""
    with torch.no_grad(), _alone(transformer, row):
        transformer(inputs)


def embedded(lm: Any, tokens: Tokens) -> torch.Tensor:
    """tokens [T, channels] -> the sums of their embeddings [1, T, D], as the model computes them in `forward_text`."""
    ids = torch.from_numpy(tokens).to(lm.device)
    with torch.no_grad():
        total = lm.emb[0](ids[:, lm.audio_offset])
        for codebook in range(1, lm.num_audio_codebooks):
            total = total + lm.emb[codebook](ids[:, codebook + lm.audio_offset])
        summed: torch.Tensor = (total + lm.text_emb(ids[:, 0]))[None]
        return summed


def memory_of(transformer: Any, row: int, steps: int) -> list[torch.Tensor]:
    """Returns a copy of the keys and values of the row's first `steps` steps, [2, heads, steps, D] for each layer."""
    return [state.kv_cache.cache[:, row, :, :steps].clone() for state in _caching(transformer)]


def remember(transformer: Any, row: int, memory: list[torch.Tensor]) -> None:
    """Lets a clean row continue where `memory_of` was taken."""
    steps = memory[0].shape[2]
    with torch.no_grad():
        for state, kept in zip(_caching(transformer), memory, strict=True):
            state.kv_cache.cache[:, row, :, :steps].copy_(kept)
            state.kv_cache.end_offset[row] = steps
            state.offset[row] = steps
        transformer._streaming_state.offsets[row] = steps


def _caching(transformer: Any) -> list[Any]:
    return [layer.self_attn._streaming_state for layer in transformer.layers]


@contextmanager
def _alone(root: Any, row: int) -> Iterator[None]:
    """A context in which `root` streams a batch of one, which is the row."""
    streaming = [module for module in root.modules() if isinstance(module, StreamingModule)]
    whole = [module._streaming_state for module in streaming]
    try:
        for module, state in zip(streaming, whole, strict=True):
            module._streaming_state = _part(state, row)
        yield
    finally:
        for module, state in zip(streaming, whole, strict=True):
            module._streaming_state = state


def _part(state: Any, row: int) -> Any:
    part = copy.copy(state)
    part.batch_size = 1
    for name, value in vars(state).items():
        if isinstance(value, torch.Tensor):
            setattr(part, name, value[row : row + 1])
    part.exec_mask = torch.ones(1, dtype=torch.bool, device=state.device)
    if getattr(state, "kv_cache", None) is not None:
        part.kv_cache = copy.copy(state.kv_cache)
        part.kv_cache.cache = state.kv_cache.cache[:, row : row + 1]
        part.kv_cache.end_offset = state.kv_cache.end_offset[row : row + 1]
    return part
