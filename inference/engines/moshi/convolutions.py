"""Computes Mimi's convolutions as matrix products: the same sums, much faster on a CPU for the shapes of one step.

Only the decoder's convolutions are replaced. Sums in another order are rounded differently, and where the encoder is
undecided between two codes, that is enough to choose the other one and so to change the whole conversation.

torch runs a transposed convolution over two steps, a pointwise convolution over many rows and a long kernel over few
steps through slow general code. The forward functions of single modules are replaced; the package stays as it is.
"""

from __future__ import annotations

from itertools import chain
from types import MethodType
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional

FEW_STEPS: Final = 32  # Unfolding an input of more steps costs more than it saves.


def speed_up(mimi: Any) -> None:
    """Replaces, in place, the decoder's convolutions that are faster as a product on a CPU."""
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
    """[B, C, T] -> [B, O, (T + 1) * stride]. A step makes two strides of sound; the second overlaps the next step's."""
    (stride,), (rows, _, steps) = self.stride, x.shape
    halves = torch.matmul(x.transpose(1, 2), self.weight.flatten(1))  # [B, T, O * 2 * stride]
    halves = halves.view(rows, steps, self.out_channels, 2, stride).transpose(1, 2)
    y = x.new_zeros(rows, self.out_channels, steps + 1, stride)
    y[:, :, :steps] = halves[:, :, :, 0]
    y[:, :, 1:] += halves[:, :, :, 1]
    y = y.flatten(2)
    return y if self.bias is None else y + self.bias[:, None]


def _pointwise(self: Any, x: torch.Tensor) -> torch.Tensor:
    """[B, C, T] -> [B, O, T]"""
    weight = self.weight[:, :, 0].expand(x.shape[0], -1, -1)
    return torch.bmm(weight, x) if self.bias is None else torch.baddbmm(self.bias[:, None], weight, x)


def _windowed(self: Any, x: torch.Tensor) -> torch.Tensor:
    """[B, C, T] -> [B, O, (T - kernel) / stride + 1]"""
    windows = x.unfold(2, self.kernel_size[0], self.stride[0])  # [B, C, steps, kernel]
    if windows.shape[2] > FEW_STEPS:
        return functional.conv1d(x, self.weight, self.bias, self.stride)
    return functional.linear(windows.transpose(1, 2).flatten(2), self.weight.flatten(1), self.bias).transpose(1, 2)
