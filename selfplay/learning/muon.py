"""Muon: steps along gradients whose matrices have been made orthogonal."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_MOMENTUM = 0.95
_POLYNOMIAL = 3.4445, -4.7750, 2.0315  # of x, x^3, x^5: takes every x in (0, 1] near 1 in 5 steps
_STEPS = 5
_SIZE = 0.2  # root mean square of a step before the rate, as AdamW's is


class Muon(torch.optim.Optimizer):
    """Muon for ``matrices``, AdamW for all other groups.

    Momentum of each gradient, as a matrix of outputs x all else, goes through Newton-Schulz steps
    that bring its singular values near 1 (Jordan et al. 2024, "Muon: an optimizer for hidden layers
    in neural networks"); the step is scaled to the size of AdamW's, so that both take a rate and a
    weight decay alike (Liu et al. 2025, "Muon is scalable for LLM training", section 2.2).
    ``multiple``: of the rate, for ``matrices``.
    """

    def __init__(
        self,
        matrices: Iterable[Tensor],
        groups: Iterable[dict[str, Any]],
        multiple: float,
        weight_decay: float,
        **options: Any,
    ) -> None:
        self.adamw = torch.optim.AdamW(groups, **options)
        own = {"params": list(matrices), "weight_decay": weight_decay, "multiple": multiple}
        super().__init__([own, *self.adamw.param_groups], {"lr": options["lr"]})
        self._share()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._share()

    def _share(self) -> None:
        """Lets AdamW work on what is saved and loaded here."""
        self.adamw.param_groups, self.adamw.state = self.param_groups[1:], self.state

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Takes a step."""
        group = self.param_groups[0]
        alike: dict[torch.Size, list[Tensor]] = defaultdict(list)
        for weights in group["params"]:
            if weights.grad is not None:
                alike[weights.flatten(1).shape].append(weights)
        rate = group["lr"] * group["multiple"]
        for shape, many in alike.items():
            moves = self._orthogonal(torch.stack([self._momentum(weights) for weights in many]))
            moves = moves * (rate * _SIZE * math.sqrt(max(shape)))
            for weights, move in zip(many, moves, strict=True):
                weights.mul_(1 - rate * group["weight_decay"]).sub_(move.view(weights.shape))
        return self.adamw.step(closure)

    def _momentum(self, weights: Tensor) -> Tensor:
        """The gradient with what is left of those before, Nesterov's way, as a matrix."""
        state, gradient = self.state[weights], weights.grad
        assert gradient is not None
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        state["momentum_buffer"].mul_(_MOMENTUM).add_(gradient)
        return gradient.add(state["momentum_buffer"], alpha=_MOMENTUM).flatten(1)

    @staticmethod
    def _orthogonal(x_KOI: Any) -> Any:
        """K matrices with the same singular vectors and singular values near 1."""
        tall = x_KOI.shape[1] > x_KOI.shape[2]
        x = x_KOI.mT if tall else x_KOI
        x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
        a, b, c = _POLYNOMIAL
        for _ in range(_STEPS):
            square = x @ x.mT
            x = a * x + (b * square + c * (square @ square)) @ x
        return x.mT if tall else x
