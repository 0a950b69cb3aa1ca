"""The package's generation, with sampling row by row and with tokens that can be forced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from moshi.models import LMGen
from torch.nn import functional

from inference.engines.moshi.sampling import RowSampler, draw_tokens

FREE = -1  # among forced tokens: this one is drawn


class RowLMGen(LMGen):  # type: ignore[misc]  # the package has no types
    """An `LMGen` whose rows differ in sampling. Everything that CUDA graphs read or write stays at its place in memory.

    While `forcing` is set, `forced` [B, 1 + codebooks], text first, replaces what would be drawn; FREE leaves a token
    to be drawn. Prompts are given to a model in this way."""

    def __init__(self, lm: Any, sampler: RowSampler, rows: int, condition_tensors: Any = None) -> None:
        # Rows may be out of sync, because otherwise any reset would silence all rows for `max_delay` steps.
        super().__init__(
            lm,
            use_sampling=False,
            support_out_of_sync=True,
            condition_tensors=condition_tensors,
            on_text_logits_hook=self._keep_text_logits,
            on_text_hook=self._draw_text,
            on_audio_hook=self._force_audio,
        )
        self._sampler = sampler
        self._plain = is_plain(lm.depformer)
        self._text_logits = torch.zeros(0)
        self._text_likelihood = torch.zeros(rows, device=lm.device)
        self._likelihood = torch.zeros(rows, lm.dep_q, device=lm.device)
        self.forced = torch.full((rows, 1 + lm.dep_q), FREE, device=lm.device)
        self.forcing = False

    def healthy(self) -> torch.Tensor:
        """Returns bool [B]: whether all of the row's logits in the last step were finite."""
        return torch.isfinite(self._text_likelihood) & torch.isfinite(self._likelihood).all(dim=1)

    def _keep_text_logits(self, logits: torch.Tensor) -> None:
        self._text_logits = logits  # [B, 1, 1, V]

    def _draw_text(self, token: torch.Tensor) -> None:
        """Changes `token` [B] in place before it is used."""
        drawn, self._text_likelihood = draw_tokens(
            self._text_logits[:, 0, 0].float(), self._sampler.text_temperature, self._sampler.text_noise
        )
        forced = self.forced[:, 0]
        token.copy_(torch.where(forced >= 0, forced, drawn) if self.forcing else drawn)

    def _force_audio(self, tokens: torch.Tensor) -> None:
        """Changes `tokens` [B, codebooks] in place before they are used."""
        if self.forcing:
            forced = self.forced[:, 1:]
            tokens.copy_(torch.where(forced >= 0, forced, tokens))

    def depformer_step(self, text_token: torch.Tensor, transformer_out: torch.Tensor) -> torch.Tensor:
        """Takes text_token [B] and transformer_out [B, 1, D]; returns audio tokens [B, codebooks], drawn row by row.

        It runs inside a CUDA graph."""
        if self._plain:
            return self._draw_codebooks(Moment(self.lm_model, transformer_out), text_token)
        with self.lm_model.depformer.streaming(text_token.shape[0]):
            return self._draw_codebooks(
                lambda codebook, token: self.lm_model.forward_depformer(
                    codebook, token[:, None, None], transformer_out
                )[:, 0, 0],
                text_token,
            )

    def _draw_codebooks(self, logits: Callable[[int, torch.Tensor], torch.Tensor], token: torch.Tensor) -> torch.Tensor:
        """Draws the tokens [B, codebooks]. `logits` returns [B, card] for a codebook and the token [B] before it, which
        for the first codebook is the text's."""
        tokens, likelihood = [], []
        for codebook in range(self.lm_model.dep_q):
            token, likely = draw_tokens(
                logits(codebook, token).float(), self._sampler.temperature, self._sampler.noise[:, codebook]
            )
            tokens.append(token)
            likelihood.append(likely)
        self._likelihood.copy_(torch.stack(likelihood, dim=1))
        return torch.stack(tokens, dim=1)


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
    """The depth transformer at one step of B rows. Call it for each codebook in turn, with the token before it (for the
    first codebook, the text's).

    The depth transformer processes the codebooks of one step, eight for Moshi, and then forgets them. For this, the
    package uses the ring caches, masks and counters of endless streams, which cost several times the arithmetic. Here
    every codebook attends to all codebooks before it. The weights and all other layers are the package's own."""

    def __init__(self, lm: Any, transformer_out: torch.Tensor) -> None:
        """`transformer_out` [B, 1, D] is the output of the temporal transformer."""
        self._lm = lm
        self._heard = transformer_out
        schedule = lm.depformer_weights_per_step_schedule
        self._weights = schedule if schedule is not None else range(lm.dep_q)
        self._keys: list[list[torch.Tensor]] = [[] for _ in lm.depformer.layers]
        self._values: list[list[torch.Tensor]] = [[] for _ in lm.depformer.layers]

    def __call__(self, codebook: int, token: torch.Tensor) -> torch.Tensor:
        """Takes token [B]; returns logits [B, card]."""
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
        """Attends from x [B, 1, D] to all codebooks so far; returns [B, 1, D]."""
        rows, heads = x.shape[0], attention.num_heads
        query, key, value = attention.in_projs[weights](x).view(rows, 3, heads, 1, -1).unbind(1)
        keys.append(key)
        values.append(value)
        y = functional.scaled_dot_product_attention(query, torch.cat(keys, 2), torch.cat(values, 2))  # [B, H, 1, D / H]
        update: torch.Tensor = attention.out_projs[weights](y.view(rows, 1, -1))
        return update
