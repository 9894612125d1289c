"""A convolution whose gradient by the weights is computed as another convolution.

That gradient is a convolution of the inputs by the gradient of the outputs, samples in the place of
channels.  oneDNN has a faster kernel for that than for the gradient itself on processors with
AVX-512's bfloat16 but without AMX (Zen 4 and 5, Cooper Lake), once channels are many.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from selfplay.jit import kernel

_LEAST = 64  # channels; with 32 turning the arrays over takes as long as is gained
_CHUNK = 64  # samples at a time, so that they stay in the cache; a multiple of 4
_TILE = 8  # times 4 samples are turned over at a time, for the same reason


def convolve(conv: nn.Conv2d, x_MCHW: Tensor) -> Tensor:
    """What ``conv``, of odd size, stride 1 and no bias, makes of ``x``."""
    many = min(conv.in_channels, conv.out_channels) >= _LEAST and conv.kernel_size[0] > 1
    fours = not (len(x_MCHW) % 4 or conv.in_channels % 4 or conv.out_channels % 4)
    if many and fours and x_MCHW.requires_grad and x_MCHW.dtype == torch.bfloat16 and _pays():
        answer: Tensor = _Convolution.apply(x_MCHW, conv.weight)  # type: ignore[no-untyped-call]
        return answer
    other: Tensor = conv(x_MCHW)
    return other


@functools.cache
def _pays() -> bool:
    has: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(has.get("avx512_bf16")) and not has.get("amx_bf16")


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_MCHW: Tensor, weight: Tensor) -> Tensor:
        weight = weight.to(x_MCHW.dtype, memory_format=torch.channels_last)
        ctx.save_for_backward(x_MCHW, weight)
        return functional.conv2d(x_MCHW, weight, padding=weight.shape[-1] // 2)

    @staticmethod
    def backward(ctx: Any, grad_MCHW: Tensor) -> tuple[Tensor, Tensor]:
        x_MCHW, weight = ctx.saved_tensors
        padding = [weight.shape[-1] // 2] * 2
        ones, only_x = [1, 1], [True, False, False]
        to_x, _, _ = torch.ops.aten.convolution_backward(
            grad_MCHW, x_MCHW, weight, None, ones, padding, ones, False, [0, 0], 1, only_x
        )
        to_weight = torch.zeros(weight.shape).transpose(0, 1)
        for x, grad in zip(x_MCHW.split(_CHUNK), grad_MCHW.split(_CHUNK), strict=True):
            to_weight += functional.conv2d(_turned(x), _turned(grad), padding=padding)
        return to_x, to_weight.transpose(0, 1)


def _turned(x_MCHW: Tensor) -> Tensor:
    """[C, M, H, W], with samples last in memory; of both there are multiples of 4."""
    count, channels, height, width = x_MCHW.shape
    rows = x_MCHW.detach().permute(0, 2, 3, 1).contiguous().view(count, -1, channels)
    turned = x_MCHW.new_empty(channels, height, width, count)
    fours = turned.view(channels, height * width, count).view(torch.uint64)
    _turn(rows.view(torch.uint64).numpy(), fours.numpy())
    return turned.permute(0, 3, 1, 2)


@kernel
def _turn(x: Any, turned: Any) -> None:
    """[M, P, C / 4] to [C, P, M / 4], of u64 that hold four numbers each."""
    fours, places, channels = turned.shape[2], x.shape[1], x.shape[2]
    even, low = np.uint64(0x0000FFFF0000FFFF), np.uint64(0xFFFFFFFF)
    half, word = np.uint64(16), np.uint64(32)
    for p in range(places):
        for start in range(0, fours, _TILE):
            for c in range(channels):
                for m in range(start, min(start + _TILE, fours)):
                    one, two = x[4 * m, p, c], x[4 * m + 1, p, c]
                    three, four = x[4 * m + 2, p, c], x[4 * m + 3, p, c]
                    a = (one & even) | ((two & even) << half)  # numbers 0 and 2 of one and two
                    b = ((one >> half) & even) | (two & ~even)  # 1 and 3
                    d = (three & even) | ((four & even) << half)
                    e = ((three >> half) & even) | (four & ~even)
                    turned[4 * c, p, m] = (a & low) | (d << word)
                    turned[4 * c + 1, p, m] = (b & low) | (e << word)
                    turned[4 * c + 2, p, m] = (a >> word) | (d & ~low)
                    turned[4 * c + 3, p, m] = (b >> word) | (e & ~low)
