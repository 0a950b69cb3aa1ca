"""Runs the depth transformer's steps within one step of time, without the streaming state that the package keeps for
them.

The depth transformer processes the codebooks of one moment, eight for Moshi, and then forgets them. For this, the
package uses the ring caches, masks and counters of endless streams, which cost several times the arithmetic. Here every
codebook attends to all codebooks before it. The weights and all other layers are the package's own.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional


def is_plain(depformer: Any) -> bool:
    """Whether the transformer is like Moshi's: causal, without positions, with weights for every codebook.

    Others are left to the package."""
    return depformer.positional_embedding == "none" and all(
        layer.self_attn.causal
        and layer.self_attn.weights_per_step
        and layer.self_attn.kv_repeat == 1
        and layer.cross_attention is None
        and not layer.skip_self_attn
        for layer in depformer.layers
    )


class Moment:
    """One moment of B rows. Call it for one codebook after another, with the token before it (at first, the text's)."""

    def __init__(self, lm: Any, transformer_out: torch.Tensor) -> None:
        """`transformer_out` [B, 1, D] is the output of the temporal transformer."""
        self._lm = lm
        self._heard = transformer_out
        schedule = lm.depformer_weights_per_step_schedule
        self._weights = schedule if schedule is not None else range(lm.dep_q)
        self._keys: list[list[torch.Tensor]] = [[] for _ in lm.depformer.layers]
        self._values: list[list[torch.Tensor]] = [[] for _ in lm.depformer.layers]

    def __call__(self, codebook: int, token: torch.Tensor) -> torch.Tensor:
        """token [B] -> logits [B, card]"""
        lm, weights = self._lm, self._weights[codebook]
        embedding = lm.depformer_text_emb if codebook == 0 else lm.depformer_emb[codebook - 1]
        heard = lm.depformer_in[weights if lm.depformer_multi_linear else 0](self._heard)
        x = heard + embedding(token[:, None])  # [B, 1, D]
        dtype = x.dtype
        for layer, keys, values in zip(lm.depformer.layers, self._keys, self._values, strict=True):
            update = self._attend(layer.self_attn, layer.norm1(x), weights, keys, values)
            x = x.to(update) + layer.layer_scale_1(update)
            update = layer.gating[weights](layer.norm2(x))
            x = x.to(update) + layer.layer_scale_2(update)
        logits: torch.Tensor = lm.linears[codebook](lm.depformer_norms[codebook](x.to(dtype)))
        return logits[:, 0]

    @staticmethod
    def _attend(
        attention: Any, x: torch.Tensor, weights: int, keys: list[torch.Tensor], values: list[torch.Tensor]
    ) -> torch.Tensor:
        """x [B, 1, D] -> [B, 1, D]"""
        rows, heads = x.shape[0], attention.num_heads
        query, key, value = attention.in_projs[weights](x).view(rows, 3, heads, 1, -1).unbind(1)
        keys.append(key)
        values.append(value)
        y = functional.scaled_dot_product_attention(query, torch.cat(keys, 2), torch.cat(values, 2))  # [B, H, 1, D / H]
        update: torch.Tensor = attention.out_projs[weights](y.view(rows, 1, -1))
        return update
