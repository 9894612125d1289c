"""Batch normalisation, skip and relu in one pass over memory, on a CPU, forwards and backwards.

torch makes three passes of it and as many tensors, each of which is rounded; on small boards they
take as long as the convolutions.  A batch may be spread over threads (``reduction``): its
statistics are those of the whole.

Numbers are f32, f64, or bf16 in the shape of u16, which numba does not know.  Shape suffixes as in
nets: M positions, C channels, H x W board; N rows of C channels, P places on the board.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from torch import Tensor, nn

from selfplay.jit import kernel
from selfplay.nets.reduction import is_first, summed

_ZERO = np.float32(0)
_BLOCK = 64  # rows that are added up in the numbers' own precision, the sums of blocks in f64


def norm_relu(x_MCHW: Tensor, norm: nn.BatchNorm2d, skip_MCHW: Tensor | None = None) -> Tensor:
    """relu of what batch normalisation makes of ``x``, or of that and ``skip`` (Ioffe & Szegedy
    2015), in training: with the batch's statistics, which move the running ones.
    """
    weights = norm.weight, norm.bias
    answer: Tensor = _NormRelu.apply(x_MCHW, *weights, skip_MCHW, norm)  # type: ignore[no-untyped-call]
    return answer


def board_summary(x_MCHW: Tensor) -> Tensor:
    """Mean and maximum of each channel over the board, side by side: [M, 2C]."""
    summary: Tensor = _BoardSummary.apply(x_MCHW)  # type: ignore[no-untyped-call]
    return summary


class _NormRelu(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x_MCHW: Tensor, weight: Tensor, bias: Tensor, skip: Tensor | None, norm: Any
    ) -> Tensor:
        x = _rows(x_MCHW)
        numbers, mean = _numbers(weight), _numbers(norm.running_mean)
        origin = mean.copy()  # the first thread moves it when all have come to the sum
        sums = np.zeros((3, x.shape[1]))
        sums[2] = len(x)
        _moments(x, origin, _blank(numbers), sums)
        sums = summed(sums)
        moments = np.empty_like(numbers, shape=(2, x.shape[1]))
        _finish(sums, origin, norm.eps, moments)
        if is_first():
            _move(sums, moments, norm.momentum, mean, _numbers(norm.running_var))
            norm.num_batches_tracked.add_(1)
        out, out_MCHW = _like(x_MCHW)
        _normalised(
            x, x[:0] if skip is None else _rows(skip), numbers, _numbers(bias), moments, out
        )
        ctx.save_for_backward(x_MCHW, weight, out_MCHW)
        ctx.moments, ctx.count, ctx.skips = moments, sums[2, 0], skip is not None
        return out_MCHW

    @staticmethod
    def backward(ctx: Any, grad_MCHW: Tensor) -> tuple[Any, ...]:
        x_MCHW, weight, out_MCHW = ctx.saved_tensors
        grad, x, out = _rows(grad_MCHW), _rows(x_MCHW), _rows(out_MCHW)
        numbers, moments = _numbers(weight), ctx.moments
        own = np.zeros((2, x.shape[1]))
        _gradient_sums(grad, x, out, moments, _blank(numbers), own)
        sums = summed(own)
        to_x, to_x_MCHW = _like(x_MCHW)
        to_skip, to_skip_MCHW = _like(x_MCHW) if ctx.skips else (x[:0], None)
        _gradient(grad, x, out, numbers, moments, sums / ctx.count, to_x, to_skip)
        # of the weights each thread has its share
        to_bias, to_weight = (torch.from_numpy(each).to(weight.dtype) for each in own)
        return to_x_MCHW, to_weight, to_bias, to_skip_MCHW, None


class _BoardSummary(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_MCHW: Tensor) -> Tensor:
        count, channels, height, width = ctx.shape = x_MCHW.shape
        x_MPC = _rows(x_MCHW).reshape(count, height * width, channels)
        summary = x_MCHW.new_empty(count, 2 * channels)
        ctx.highest = np.empty((count, channels), np.int32)
        ctx.share = _precision(x_MPC)(1 / (height * width))
        scratch = np.empty(channels, type(ctx.share))
        _summary(x_MPC, ctx.share, scratch, ctx.highest, _numbers(summary))
        return summary

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        count, channels, height, width = ctx.shape
        to_x = grad.new_empty(count, height * width, channels)
        _summary_gradient(_numbers(grad.contiguous()), ctx.share, ctx.highest, _numbers(to_x))
        return to_x.view(count, height, width, channels).permute(0, 3, 1, 2)


# Tensors as arrays --------------------------------------------------------------------------------


def _numbers(tensor: Tensor) -> Any:
    """The array that shares a tensor's memory."""
    tensor = tensor.detach()
    return (tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor).numpy()


def _rows(x_MCHW: Tensor) -> Any:
    """[N, C], the array of a board's channels, which shares its memory if channels are last."""
    return _numbers(x_MCHW.detach().permute(0, 2, 3, 1).reshape(-1, x_MCHW.shape[1]))


def _like(x_MCHW: Tensor) -> tuple[Any, Tensor]:
    """A new tensor of the same shape, channels last, and its array [N, C]."""
    count, channels, height, width = x_MCHW.shape
    fresh = x_MCHW.new_empty(count, height, width, channels)
    return _numbers(fresh).reshape(-1, channels), fresh.permute(0, 3, 1, 2)


def _blank(weight: Any) -> Any:
    """[2, C], room for sums of a block."""
    return np.empty_like(weight, shape=(2, len(weight)))


def _precision(x: Any) -> Any:
    """What is computed in."""
    return np.float64 if x.dtype == np.float64 else np.float32


# Kernels ------------------------------------------------------------------------------------------


@intrinsic  # type: ignore[untyped-decorator]
def _number(typing: Any, value: Any) -> Any:
    """What the bits of a bf16 stand for, in f32; other numbers as they are."""

    def widen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        word = ir.IntType(32)
        bits = builder.shl(builder.zext(values[0], word), ir.Constant(word, 16))
        return builder.bitcast(bits, ir.FloatType())

    if value == types.uint16:
        return types.float32(types.uint16), widen
    return value(value), lambda context, builder, signature, values: values[0]


@intrinsic  # type: ignore[untyped-decorator]
def _rounded(typing: Any, value: Any, like: Any) -> Any:
    """``value`` in the type of ``like``: as the nearest bf16, ties to even, where that is u16."""

    def narrow(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        word = ir.IntType(32)
        sixteen = ir.Constant(word, 16)
        bits = builder.bitcast(values[0], word)
        odd = builder.and_(builder.lshr(bits, sixteen), ir.Constant(word, 1))
        near = builder.add(bits, builder.add(odd, ir.Constant(word, 0x7FFF)))
        return builder.trunc(builder.lshr(near, sixteen), ir.IntType(16))

    if like == types.uint16:
        return types.uint16(types.float32, like), narrow
    return value(value, like), lambda context, builder, signature, values: values[0]


@kernel
def _moments(x: Any, origin: Any, part: Any, sums: Any) -> None:
    """Adds x - origin and its square over the rows: sums [2, C]; ``origin`` keeps them small."""
    rows, channels = x.shape
    for start in range(0, rows, _BLOCK):
        part[:] = 0
        for n in range(start, min(start + _BLOCK, rows)):
            for c in range(channels):
                from_origin = _number(x[n, c]) - origin[c]
                part[0, c] += from_origin
                part[1, c] += from_origin * from_origin
        for c in range(channels):
            sums[0, c] += part[0, c]
            sums[1, c] += part[1, c]


@kernel
def _finish(sums: Any, origin: Any, eps: float, moments: Any) -> None:
    """Mean and 1 / standard deviation [2, C], from sums and counts [3, C]; the variance stays."""
    for c in range(len(origin)):
        off = sums[0, c] / sums[2, c]
        sums[1, c] = max(0.0, sums[1, c] / sums[2, c] - off * off)
        moments[0, c] = origin[c] + off
        moments[1, c] = 1 / np.sqrt(sums[1, c] + eps)


@kernel
def _move(sums: Any, moments: Any, momentum: float, mean: Any, variance: Any) -> None:
    """Moves the running statistics; the variance without bias, as torch has it."""
    for c in range(len(mean)):
        mean[c] += momentum * (moments[0, c] - mean[c])
        unbiased = sums[1, c] * sums[2, c] / max(1.0, sums[2, c] - 1)
        variance[c] += momentum * (unbiased - variance[c])


@kernel
def _normalised(x: Any, skip: Any, weight: Any, bias: Any, moments: Any, out: Any) -> None:
    scale = weight * moments[1]
    shift = bias - scale * moments[0]
    rows, channels = x.shape
    if len(skip):
        for n in range(rows):
            for c in range(channels):
                y = _number(x[n, c]) * scale[c] + shift[c] + _number(skip[n, c])
                out[n, c] = _rounded(_ZERO if y < 0 else y, out[n, c])
    else:
        for n in range(rows):
            for c in range(channels):
                y = _number(x[n, c]) * scale[c] + shift[c]
                out[n, c] = _rounded(_ZERO if y < 0 else y, out[n, c])


@kernel
def _gradient_sums(grad: Any, x: Any, out: Any, moments: Any, part: Any, sums: Any) -> None:
    """Adds the gradients of bias and weight [2, C]."""
    rows, channels = x.shape
    mean = moments[0].copy()
    for start in range(0, rows, _BLOCK):
        part[:] = 0
        for n in range(start, min(start + _BLOCK, rows)):
            for c in range(channels):
                passed = _number(grad[n, c]) if _number(out[n, c]) > 0 else _ZERO
                part[0, c] += passed
                part[1, c] += passed * (_number(x[n, c]) - mean[c])
        for c in range(channels):
            sums[0, c] += part[0, c]
            sums[1, c] += part[1, c] * moments[1, c]


@kernel
def _gradient(
    grad: Any, x: Any, out: Any, weight: Any, moments: Any, means: Any, to_x: Any, to_skip: Any
) -> None:
    """Through relu and normalisation; ``means``: of the gradients of bias and weight [2, C]."""
    rows, channels = x.shape
    scale = weight * moments[1]
    slope, level = np.empty_like(scale), np.empty_like(scale)
    for c in range(channels):
        slope[c] = scale[c] * moments[1, c] * means[1, c]
        level[c] = slope[c] * moments[0, c] - scale[c] * means[0, c]
    if len(to_skip):
        for n in range(rows):
            for c in range(channels):
                passed = _number(grad[n, c]) if _number(out[n, c]) > 0 else _ZERO
                to_x_here = scale[c] * passed - slope[c] * _number(x[n, c]) + level[c]
                to_x[n, c] = _rounded(to_x_here, to_x[n, c])
                to_skip[n, c] = _rounded(passed, to_skip[n, c])
    else:
        for n in range(rows):
            for c in range(channels):
                passed = _number(grad[n, c]) if _number(out[n, c]) > 0 else _ZERO
                to_x_here = scale[c] * passed - slope[c] * _number(x[n, c]) + level[c]
                to_x[n, c] = _rounded(to_x_here, to_x[n, c])


@kernel
def _summary(x: Any, share: float, mean: Any, highest: Any, summary: Any) -> None:
    """Means and maxima over the places [M, 2C], and where the first maximum stands [M, C]."""
    count, places, channels = x.shape
    best = np.empty_like(mean)
    for m in range(count):
        for c in range(channels):
            mean[c] = best[c] = _number(x[m, 0, c])
            highest[m, c] = 0
        for p in range(1, places):
            for c in range(channels):
                here = _number(x[m, p, c])
                mean[c] += here
                highest[m, c] = p if here > best[c] else highest[m, c]
                best[c] = here if here > best[c] else best[c]
        for c in range(channels):
            mean[c] *= share
            summary[m, c] = _rounded(mean[c], summary[m, c])
            summary[m, channels + c] = _rounded(best[c], summary[m, c])


@kernel
def _summary_gradient(grad: Any, share: float, highest: Any, to_x: Any) -> None:
    count, places, channels = to_x.shape
    for m in range(count):
        for p in range(places):
            for c in range(channels):
                mean = _number(grad[m, c]) * share
                best = _number(grad[m, channels + c])
                both = mean + (best if highest[m, c] == p else _ZERO)
                to_x[m, p, c] = _rounded(both, to_x[m, p, c])
