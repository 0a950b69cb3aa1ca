"""A conversation as bytes: 32 bytes of SHA-256, then a safetensors file whose metadata has everything else.

It uses no pickle, so reading a state runs no code. The hash detects damage on the way; the worker decides who may send
a state at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from inference.contract.errors import SlotNotMovable

FORMAT: Final = "hearmeout.moshi.1"
HASH_BYTES: Final = 32


def pack(tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> bytes:
    """`tensors` are on the CPU and contiguous; `facts` are JSON."""
    content: bytes = save(dict(tensors), {FORMAT: json.dumps(facts)})  # one entry, since their order is undefined
    return hashlib.sha256(content).digest() + content


def unpack(state: bytes) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Returns (tensors, facts). Raises SlotNotMovable for bytes that `pack` of this version did not make."""
    digest, content = state[:HASH_BYTES], state[HASH_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        raise SlotNotMovable("its state was damaged on the way")
    try:
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        if FORMAT not in metadata:
            raise SlotNotMovable("its state is of another version")
        facts = json.loads(metadata[FORMAT])
        tensors = load(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise SlotNotMovable("its state cannot be read") from error
    if not isinstance(facts, dict):
        raise SlotNotMovable("its state cannot be read")
    return tensors, facts
