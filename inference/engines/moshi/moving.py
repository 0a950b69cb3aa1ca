"""A conversation as bytes: 32 bytes of SHA-256, then a safetensors file whose metadata say what else there is to it.

No pickle: reading a state runs nothing. The hash finds what was damaged on the way; who may send a state at all is for
the worker to decide.
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
    content: bytes = save(dict(tensors), {FORMAT: json.dumps(facts)})  # one entry: their order is not defined
    return hashlib.sha256(content).digest() + content


def unpack(state: bytes) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """(tensors, facts). Raises SlotNotMovable for bytes that `pack` did not make, or not of this version."""
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
