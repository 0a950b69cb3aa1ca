"""Computes what a Moshi checkpoint needs: its bytes of memory, the slots that fit, and the bound on a step's time.

Everything is computed from the checkpoint's own configuration; nothing is loaded. There are P parameters, of which W
are read once in every step (all but the embeddings, of which a step reads only a few rows):

    KV cache of a slot = 2 · layers · dim · context · bytes per value         (keys and values, a ring of fixed size)
    slots that fit     = (memory − reserve − weights − Mimi) / (KV cache + Mimi's state)
    a step takes at least (bytes of W + slots · KV cache) / memory bandwidth  (bound by reading, not arithmetic)

The bound leaves out Mimi and kernel launches. It is only a model; `manage.py bench_engine` measures real steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MIMI_BYTES: Final = 384_605_572  # the published Mimi in float32: 79.3 M parameters, 32 codebooks of 2,048 entries
MIMI_CONVOLUTION_BYTES: Final = 97_038  # per slot: the tails of the convolutions, float32
MIMI_TRANSFORMER: Final[Mapping[str, int]] = {"num_layers": 8, "d_model": 512, "context": 250}
RESERVE_BYTES: Final = 2_000_000_000  # CUDA itself, its graphs, activations and fragmentation

# What `moshi` assumes of a repository without config.json: Moshi 7B (Moshiko, Moshika).
MOSHI_7B: Final[Mapping[str, Any]] = {
    "dim": 4096,
    "text_card": 32000,
    "n_q": 16,
    "dep_q": 8,
    "card": 2048,
    "num_layers": 32,
    "num_heads": 32,
    "hidden_scale": 4.125,
    "context": 3000,
    "gating": "silu",
    "depformer_dim": 1024,
    "depformer_dim_feedforward": 4224,
    "depformer_num_layers": 6,
    "depformer_multi_linear": True,
    "depformer_weights_per_step": True,
}


@dataclass(frozen=True, slots=True)
class MemoryModel:
    """The bytes of a checkpoint.

    `streamed_bytes` are read once per step, whatever the number of slots; each slot has its own `kv_bytes` and
    `mimi_slot_bytes`. `parameters` and `streamed_parameters` are P and W of the module's docstring."""

    parameters: int
    streamed_parameters: int
    weight_bytes: int
    streamed_bytes: int
    kv_bytes: int
    mimi_bytes: int
    mimi_slot_bytes: int
    context: int

    @property
    def slot_bytes(self) -> int:
        return self.kv_bytes + self.mimi_slot_bytes

    def bytes_for(self, slots: int, reserve_bytes: int = RESERVE_BYTES) -> int:
        """Returns the memory that `slots` conversations take, including weights and reserve."""
        return self.weight_bytes + self.mimi_bytes + reserve_bytes + slots * self.slot_bytes

    def slots_that_fit(self, free_bytes: int, *, loaded: bool = False, reserve_bytes: int = RESERVE_BYTES) -> int:
        """Returns the slots that fit into `free_bytes`; `loaded` says that the weights are already in memory."""
        weights = 0 if loaded else self.weight_bytes + self.mimi_bytes
        return max(0, free_bytes - reserve_bytes - weights) // self.slot_bytes

    def step_ms(self, slots: int, bandwidth: float) -> float:
        """Returns the least time of a step at full context. `bandwidth` is what is reached, in bytes per second."""
        return 1_000 * (self.streamed_bytes + slots * self.kv_bytes) / bandwidth

    def what_fits(
        self, slots: int, free_bytes: int, *, loaded: bool = False, reserve_bytes: int = RESERVE_BYTES
    ) -> str:
        """Returns the text of an error: what `slots` need, what is free, and how many slots would fit."""
        fitting = self.slots_that_fit(free_bytes, loaded=loaded, reserve_bytes=reserve_bytes)
        weights = self.weight_bytes + self.mimi_bytes
        needed = self.bytes_for(slots, reserve_bytes) - (weights if loaded else 0)
        parts = "" if loaded else f"{_gb(weights)} of weights, "
        parts += f"{_gb(self.slot_bytes)} a slot, {_gb(reserve_bytes)} kept free"
        facts = f"{_slots(slots)} would need {_gb(needed)} ({parts}) and {_gb(free_bytes)} are free"
        return f"{facts}; {_slots(fitting)} would fit" if fitting else f"{facts}; not even one slot would fit"


def memory_model(
    config: Mapping[str, Any] | None,
    *,
    value_bytes: int = 2,
    int8: bool = False,
    context: int | None = None,
    mimi_config: Mapping[str, Any] | None = None,
    mimi_bytes: int = MIMI_BYTES,
) -> MemoryModel:
    """Returns the model of a checkpoint with this config.json (`CheckpointInfo.raw_config`; None is Moshi 7B).

    `value_bytes` is 2 for bfloat16 and 4 for float32. `int8` stores the linear layers as bytes; the embeddings and the
    KV cache stay as they are. `context` (steps) replaces the checkpoint's own. Raises ValueError for a checkpoint
    without a fixed context, whose KV cache has no bound."""
    config = MOSHI_7B if config is None else config
    context = context if context is not None else config.get("context")
    if not context:
        raise ValueError("the checkpoint sets no context, so a slot's memory has no bound")
    embeddings, streamed = count_parameters(config)
    streamed_bytes = streamed if int8 or config.get("quantize") else streamed * value_bytes
    mimi = MIMI_TRANSFORMER if mimi_config is None else mimi_config["transformer"]
    kv_dim = config["dim"] // config.get("kv_repeat", 1)
    return MemoryModel(
        parameters=embeddings + streamed,
        streamed_parameters=streamed,
        weight_bytes=embeddings * value_bytes + streamed_bytes,
        streamed_bytes=streamed_bytes,
        kv_bytes=2 * config["num_layers"] * kv_dim * context * value_bytes,
        mimi_bytes=mimi_bytes,
        # an encoder and a decoder, keys and values, float32
        mimi_slot_bytes=2 * 2 * mimi["num_layers"] * mimi["d_model"] * mimi["context"] * 4 + MIMI_CONVOLUTION_BYTES,
        context=context,
    )


def count_parameters(config: Mapping[str, Any]) -> tuple[int, int]:
    """Returns (embeddings, all others) of the language model, as `moshi.models.lm.LMModel` lays them out.

    Codebooks and text go into the temporal transformer, then into the depth transformer, which has its own weights for
    each codebook."""
    dim, n_q, dep_q, card = config["dim"], config["n_q"], config["dep_q"], config["card"]
    text_card = config.get("text_card", 32000)
    hidden_scale, gating = config.get("hidden_scale", 4), config.get("gating", "none")
    embeddings = n_q * (card + 1) * dim + (text_card + 1) * dim
    others = dim * (config.get("text_card_out") or text_card) + dim  # text head, last norm
    others += config.get("extra_heads_num_heads", 0) * config.get("extra_heads_dim", 6) * dim
    main_width = int(hidden_scale * dim)
    others += config["num_layers"] * _layer_parameters(dim, [main_width], gating, 1, config)
    if config.get("demux_second_text_stream") or config.get("demux_second_stream"):
        embeddings += 2 * dim * dim
    depth, low_rank = config.get("depformer_dim", 256), config.get("depformer_low_rank_embeddings")
    schedule = config.get("depformer_weights_per_step_schedule")
    steps = max(schedule) + 1 if schedule else dep_q
    others += (steps if config.get("depformer_multi_linear") else 1) * dim * depth
    if dep_q:
        embeddings += ((dep_q - 1) * (card + 1) + text_card + 1) * (low_rank or depth)
        embeddings += dep_q * low_rank * depth if low_rank else 0
        if config.get("demux_second_text_stream") or config.get("demux_second_stream"):
            embeddings += 2 * (low_rank or depth) * depth
        others += dep_q * card * depth + (dep_q * depth if config.get("depformer_norm") else 0)
        copies = steps if config.get("depformer_weights_per_step") else 1
        width = config.get("depformer_dim_feedforward") or int(hidden_scale * depth)
        widths = list(width) if isinstance(width, list) else [width] * copies
        depth_gating = config.get("depformer_gating", gating)
        layers = config.get("depformer_num_layers", config["num_layers"])
        others += layers * _layer_parameters(depth, widths, depth_gating, copies, {})
    return embeddings, others


def _layer_parameters(dim: int, widths: list[int], gating: str, copies: int, config: Mapping[str, Any]) -> int:
    """Counts a transformer layer with `copies` of its weights: attention, feed-forward of `widths`, two norms."""
    kv_dim = dim // int(config.get("kv_repeat", 1))
    attention = copies * (2 * dim * dim + 2 * dim * kv_dim)
    if gating == "none":
        feed_forward = sum(2 * dim * width for width in widths)
    else:  # two thirds of the width, three times: the gate, the value and the output
        feed_forward = sum(3 * dim * (21 * dim // 8 if width == 4 * dim else 2 * width // 3) for width in widths)
    if config.get("cross_attention"):
        attention += 4 * dim * dim + 2 * dim
    return attention + feed_forward + 2 * dim


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def _slots(count: int) -> str:
    return "1 slot" if count == 1 else f"{count} slots"
