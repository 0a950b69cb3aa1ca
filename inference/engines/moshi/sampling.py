"""Draws a token for every row of a batch, each with its own temperature, top-k and generator.

A row draws what the package's own sampler would draw for it alone after `torch.manual_seed(seed)`: of the k likeliest
tokens, the one with the largest p / e, where e is exponential (moshi.utils.sampling). The exponentials are drawn
beforehand, on the CPU, by each row's generator and in the package's order: the text's first, then those of every
codebook. They also encode a row's smaller top-k: beyond it they are infinite. The drawing itself therefore has one
shape for all rows, and CUDA graphs can capture it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch

from inference.contract.options.moshi import MAX_TOP_K, Sampling


class Staging:
    """The host fills `host` (`array` is the same memory, for numpy), `send` copies it, and the device reads `device`.

    On a CPU all three are the same tensor and nothing is copied. On CUDA the host's memory is pinned and `device` never
    moves, as CUDA graphs require. `host` must not be filled again before the device has read it; this is so because a
    step ends with its results on the host."""

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> None:
        cuda = device.type == "cuda"
        self.host = torch.zeros(shape, dtype=dtype, pin_memory=cuda)
        self.device = torch.zeros(shape, dtype=dtype, device=device) if cuda else self.host
        self.array: Any = self.host.numpy()

    def send(self) -> None:
        if self.device is not self.host:
            self.device.copy_(self.host, non_blocking=True)


@dataclass(frozen=True, slots=True)
class _Row:
    generator: torch.Generator
    text_top_k: int  # 0 if the likeliest is taken
    top_k: int


class RowSampler:
    """The sampling of all rows.

    On the device, and all float32, are `text_temperature` and `temperature` [B, 1] (0 takes the likeliest),
    `text_noise` [B, K] and `noise` [B, codebooks, K]."""

    def __init__(self, rows: int, codebooks: int, card: int, text_card: int, device: torch.device) -> None:
        self._codebooks = codebooks
        self._top_k = min(MAX_TOP_K, card)
        self._text_top_k = min(MAX_TOP_K, text_card)
        width = 2 + self._text_top_k + codebooks * self._top_k
        self._staging = Staging((rows, width), torch.float32, device)
        on_device = self._staging.device
        self.text_temperature = on_device[:, 0:1]
        self.temperature = on_device[:, 1:2]
        self.text_noise = on_device[:, 2 : 2 + self._text_top_k]
        self.noise = on_device[:, 2 + self._text_top_k :].unflatten(1, (codebooks, self._top_k))
        host = self._staging.host
        self._text_noise = host[:, 2 : 2 + self._text_top_k]
        self._noise = host[:, 2 + self._text_top_k :].unflatten(1, (codebooks, self._top_k))
        self._rows: dict[int, _Row] = {}
        for row in range(rows):
            self.clear(row)

    def configure(self, row: int, sampling: Sampling, seed: int) -> None:
        """Sets how the row draws from now on. Any integer is a seed; seeds that differ by 2**64 are the same."""
        self.clear(row)
        self._staging.host[row, 0] = sampling.text_temperature
        self._staging.host[row, 1] = sampling.temperature
        self._rows[row] = _Row(
            torch.Generator().manual_seed(seed % 2**64),
            text_top_k=min(sampling.text_top_k, self._text_top_k) if sampling.text_temperature else 0,
            top_k=min(sampling.top_k, self._top_k) if sampling.temperature else 0,
        )

    def clear(self, row: int) -> None:
        """Resets the row: it takes the likeliest tokens and remembers nothing."""
        self._rows.pop(row, None)
        self._staging.host[row] = torch.inf
        self._staging.host[row, :2] = 0.0
        self._text_noise[row, 0] = 1.0
        self._noise[row, :, 0] = 1.0

    def draw(self, rows: Iterable[int]) -> None:
        """Draws the noise of one step for `rows`. The generators of other rows do not change."""
        for index in rows:
            row = self._rows.get(index)
            if row is None:
                continue
            if row.text_top_k:
                self._text_noise[index, : row.text_top_k].exponential_(generator=row.generator)
            if row.top_k:
                for codebook in range(self._codebooks):
                    self._noise[index, codebook, : row.top_k].exponential_(generator=row.generator)
        self._staging.send()

    def generator_state(self, row: int) -> torch.Tensor:
        """Returns the state of the row's generator, uint8 [n]."""
        return self._rows[row].generator.get_state()

    def set_generator_state(self, row: int, state: torch.Tensor) -> None:
        """Sets the state of the row's generator. Raises RuntimeError for anything that is not such a state."""
        self._rows[row].generator.set_state(state)


def draw_tokens(
    logits: torch.Tensor, temperature: torch.Tensor, noise: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Takes logits [B, V] float32, temperature [B, 1] and noise [B, K].

    Returns tokens [B] and the probability [B] of the likeliest one, which is NaN where the logits are not numbers. The
    likeliest is found by argmax and not among the top k: bfloat16 logits often tie, and the two break ties differently.
    """
    greedy = temperature <= 0
    probabilities = torch.softmax(logits / torch.where(greedy, 1.0, temperature), dim=-1)
    likely, tokens = torch.topk(probabilities, noise.shape[-1], dim=-1)
    drawn = tokens.gather(-1, (likely / noise).argmax(dim=-1, keepdim=True))
    return torch.where(greedy, logits.argmax(dim=-1, keepdim=True), drawn)[:, 0], likely[:, 0]
