"""Normalisation, skip and relu in one pass: what torch's batch normalisation makes in several."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from selfplay.nets.normalisation import board_summary, norm_relu
from selfplay.nets.reduction import LeftError, Reduction, summed

CHANNELS = 5


def worn_norm(dtype: torch.dtype = torch.float64) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(CHANNELS).to(dtype)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([2.0, -1.0, 0.5, 1.0, 0.0]))
        norm.bias.copy_(torch.tensor([0.0, 1.0, -1.0, 0.5, 2.0]))
        norm.running_mean.copy_(torch.arange(5.0))  # type: ignore[union-attr]
    return norm


def board(*, seed: int, dtype: torch.dtype = torch.float64, last: bool = True) -> Tensor:
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.normal(3.0, 2.0, (40, CHANNELS, 3, 4))).to(dtype)
    return x.to(memory_format=torch.channels_last) if last else x


def in_parts(x: Tensor, norm: nn.BatchNorm2d, skip: Tensor | None, count: int) -> Tensor:
    if count == 1:
        return norm_relu(x, norm, skip)
    reduction, ends = Reduction(count), [len(x) * i // count for i in range(count + 1)]

    def part(index: int) -> Any:
        rows = slice(ends[index], ends[index + 1])
        with reduction.joined(index):
            y = norm_relu(x[rows], norm, None if skip is None else skip[rows])
            inputs = [t for t in (x, norm.weight, norm.bias, skip) if t is not None]
            return y, torch.autograd.grad((y * y).sum(), inputs)

    with ThreadPoolExecutor(count) as threads:
        answers, gradients = zip(*threads.map(part, range(count)), strict=True)
    for tensor, *shares in zip((x, norm.weight, norm.bias, skip), *gradients, strict=False):
        if tensor is not None:
            tensor.grad = sum(shares)
    return torch.cat(answers)


@pytest.mark.parametrize("last", [True, False], ids=["channels last", "channels first"])
@pytest.mark.parametrize("skips", [True, False], ids=["skip", "plain"])
@pytest.mark.parametrize("parts", [1, 3])
def test_is_what_torch_makes_of_it(parts: int, skips: bool, last: bool) -> None:
    ours, theirs = worn_norm(), worn_norm()
    x, skip = board(seed=0, last=last), board(seed=1, last=last) if skips else None
    inputs = [tensor.clone().requires_grad_() for tensor in (x, skip) if tensor is not None]
    others = [tensor.clone().requires_grad_() for tensor in (x, skip) if tensor is not None]
    y = in_parts(inputs[0], ours, inputs[1] if skips else None, parts)
    normed = theirs(others[0])
    z = torch.relu(normed + others[1] if skips else normed)
    if parts == 1:
        (y * y).sum().backward()
    (z * z).sum().backward()
    pairs = [(y, z), *((a.grad, b.grad) for a, b in zip(inputs, others, strict=True))]
    pairs += [(ours.weight.grad, theirs.weight.grad), (ours.bias.grad, theirs.bias.grad)]
    pairs += list(zip(ours.buffers(), theirs.buffers(), strict=True))
    for own, expected in pairs:
        torch.testing.assert_close(own, expected, rtol=1e-10, atol=1e-10)


def test_bfloat16_is_rounded_once_to_the_nearest() -> None:
    x, skip = board(seed=0, dtype=torch.bfloat16), board(seed=1, dtype=torch.bfloat16)
    y = norm_relu(x, worn_norm(torch.float32), skip)
    exact = norm_relu(x.double(), worn_norm(), skip.double())
    nearest = exact.bfloat16()
    torch.testing.assert_close(y, nearest, rtol=2.0**-7, atol=0)  # by the last of 8 bits at most,
    assert (y != nearest).double().mean() < 0.01  # and that where f32 falls on another side


def test_what_is_not_a_number_stays_one() -> None:
    x = board(seed=0, dtype=torch.bfloat16)
    x[3, 2, 1, 1] = torch.nan
    y = norm_relu(x, worn_norm(torch.float32))
    assert y[:, 2].isnan().all()
    assert y[:, :2].isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_summary_is_mean_and_maximum(dtype: torch.dtype) -> None:
    x = torch.zeros(2, 3, 2, 2, dtype=dtype)
    x[1, 0] = torch.tensor([[1, 2], [5, 0]])
    x[1, 2] = torch.tensor([[-4, -2], [-2, -8]])  # the first of two maxima counts
    x.requires_grad_()
    y = board_summary(x)
    assert y.tolist() == [[0] * 6, [2, 0, -4, 5, 0, -2]]
    y.backward(torch.tensor([[4.0, 0, 0, 0, 0, 0], [8.0, 0, 4, 1, 0, 2]], dtype=dtype))
    assert x.grad is not None
    assert x.grad[0, 0].tolist() == [[1, 1], [1, 1]]
    assert x.grad[1].tolist() == [[[2, 2], [3, 2]], [[0, 0], [0, 0]], [[1, 3], [1, 1]]]


def test_threads_are_given_the_same_sum_and_do_not_wait_for_one_that_failed() -> None:
    reduction = Reduction(3)
    numbers = np.random.default_rng(0).normal(size=(3, 4)) * 10.0 ** np.arange(0, 12, 4)[:, None]

    def add(index: int) -> list[Any]:
        with reduction.joined(index):
            sums = [summed(numbers[index]), summed(numbers[index] * 2)]
            if index == 1:
                raise ZeroDivisionError
            with pytest.raises(LeftError):
                summed(numbers[index])
            return sums

    with ThreadPoolExecutor(3) as threads:
        first, second, third = (threads.submit(add, index) for index in range(3))
        assert isinstance(second.exception(), ZeroDivisionError)
        for one, other in zip(first.result(), third.result(), strict=True):
            np.testing.assert_array_equal(one, other)  # to the bit
        np.testing.assert_array_equal(first.result()[0], numbers[0] + numbers[1] + numbers[2])
    assert summed(numbers) is numbers  # outside there is nothing to wait for
