"""The gradient by the weights, computed as a convolution: what torch's own is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from selfplay.nets import convolution
from selfplay.nets.convolution import convolve


@pytest.mark.parametrize(("count", "size"), [(8, 3), (132, 3), (12, 5)])
def test_gradients_are_torchs(count: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of small whole numbers, so that no sum is rounded; 132 samples are two chunks and a rest."""
    monkeypatch.setattr(convolution, "_pays", lambda: True)
    rng = np.random.default_rng(0)
    conv = nn.Conv2d(64, 68, size, padding=size // 2, bias=False)
    share = 8 / count  # of numbers that are not 0
    whole = torch.from_numpy(
        rng.choice([-1.0, 0, 1], (count, 64, 3, 4), p=[share / 2, 1 - share, share / 2])
    )
    with torch.no_grad():
        conv.weight.copy_(torch.from_numpy(rng.integers(-1, 2, conv.weight.shape)))
    ours, exact = whole.bfloat16().requires_grad_(), whole.double().requires_grad_()
    grad = torch.from_numpy(rng.choice([-1.0, 0, 1], (count, 68, 3, 4), p=[0.02, 0.96, 0.02]))
    y = convolve(conv, ours)
    assert y.dtype == torch.bfloat16
    assert type(y.grad_fn).__name__ == "_ConvolutionBackward"
    y.backward(grad.bfloat16())
    double = nn.Conv2d(64, 68, size, padding=size // 2, bias=False).double()
    double.load_state_dict(conv.state_dict())
    z = double(exact)
    z.backward(grad)
    assert torch.equal(y.double(), z)
    assert torch.equal(ours.grad.double(), exact.grad)  # type: ignore[union-attr,arg-type]
    assert torch.equal(conv.weight.grad.double(), double.weight.grad)  # type: ignore[union-attr,arg-type]
    assert double.weight.grad.abs().sum() > 1000  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("channels", "count", "dtype"),
    [(32, 8, torch.bfloat16), (64, 9, torch.bfloat16), (64, 8, torch.float32)],
)
def test_others_are_left_to_torch(
    channels: int, count: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convolution, "_pays", lambda: True)
    conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False).to(dtype)
    x = torch.zeros(count, channels, 3, 4, dtype=dtype, requires_grad=True)
    assert "_Convolution" not in type(convolve(conv, x).grad_fn).__name__
