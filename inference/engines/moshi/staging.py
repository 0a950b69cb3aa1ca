"""Tensors that the host fills and the device reads, without waiting for each other."""

from __future__ import annotations

from typing import Any

import torch


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
