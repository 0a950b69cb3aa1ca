"""Mimi's convolutions as matrix products: the same sums, much faster on a CPU for the shapes of one step.

Of the decoder alone: sums in another order are rounded otherwise, and where the encoder stands between two codes that
is enough to hear the other one, after which a conversation is no longer the one it would have been.

A transposed convolution over two steps, a pointwise convolution over many rows and a long kernel over few steps all
fall into slow general code in torch. Forwards of single modules are replaced; the package stays as it is.
"""

from __future__ import annotations

from itertools import chain
from types import MethodType
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional

FEW_STEPS: Final = 32  # an unfolded input of more than these costs more than it saves


def speed_up(mimi: Any) -> None:
    """Replaces what is faster as a product in the decoder, in place. For CPUs."""
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
    """[B, C, T] -> [B, O, (T + 1) * stride]. Each step makes two strides of sound; the second overlaps the next."""
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
