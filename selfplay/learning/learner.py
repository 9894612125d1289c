"""Gradient descent on Samples: the only place where weights change."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfplay import arrays
from selfplay.learning import losses
from selfplay.learning.samples import transformed
from selfplay.learning.section import LearnerSection
from selfplay.nets import Heads, Net, enough_memory
from selfplay.types import Game, Samples, Symmetric, Targets

_SMALLER = "the batch (learner.batch) or the net (net.channels, net.width)"


class LearnMetrics(NamedTuple):
    """Means over the steps of one ``fit``."""

    policy_loss: float  # cross-entropy of the policy target, nats
    kl: float  # policy_loss less the entropy of the target
    value_loss: float  # cross-entropy of win, draw, loss, nats
    value_explained: float  # 1 - residual / variance of the target's expectation
    grad_norm: float
    lr: float
    steps: int


class Learner:
    """A net, its optimizer and its averaged weights."""

    @enough_memory(_SMALLER)
    def __init__(
        self, net: Net, section: LearnerSection, game: Game, device: str, autocast: bool, seed: int
    ) -> None:
        self.section, self.device, self.autocast = section, device, autocast
        self.net = net.to(device)
        self.averaged = copy.deepcopy(self.net).requires_grad_(False) if section.average else None
        self.steps = 0
        self._rng = np.random.default_rng(seed)
        self._game = game if isinstance(game, Symmetric) and section.symmetries else None
        decay = [p for p in self.net.parameters() if p.requires_grad and p.ndim > 1]
        plain = [p for p in self.net.parameters() if p.requires_grad and p.ndim <= 1]
        groups = [
            {"params": decay, "weight_decay": section.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        if section.optimizer == "adamw":
            self._optimizer: torch.optim.Optimizer = torch.optim.AdamW(groups, lr=section.lr)
        else:
            self._optimizer = torch.optim.SGD(groups, lr=section.lr, momentum=0.9, nesterov=True)

    @property
    def acting(self) -> Net:
        """The net to play with."""
        return self.net if self.averaged is None else self.averaged

    @enough_memory(_SMALLER)
    def fit(self, samples: Samples, steps: int, progress: float) -> LearnMetrics:
        """Takes ``steps`` steps on batches drawn from ``samples``.

        ``progress`` in [0, 1] is the share of the budget used, which sets the learning rate.
        Raises ValueError when the memory is too small for a batch.
        """
        if steps == 0:
            unknown = math.nan
            rate = self._rate(progress)
            return LearnMetrics(unknown, unknown, unknown, unknown, unknown, rate, steps=0)
        self.net.train()
        sums = torch.zeros(len(losses.Measured._fields), dtype=torch.float64)
        norms = 0.0
        for rows in self._batches(arrays.length(samples), steps):
            rate = self._rate(progress)
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            loss, measured = self._loss(arrays.take(samples, rows))
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norms += float(
                torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.section.max_grad_norm)
            )
            self._optimizer.step()
            self.steps += 1
            self._average()
            sums += measured
        mean = losses.Measured(*(sums / steps).tolist())
        explained = losses.value_explained(mean)
        return LearnMetrics(*mean[:3], explained, norms / steps, rate, steps)

    def judge(self, samples: Targets) -> losses.Judgement:
        """How well the acting net predicts ``samples``, as they are, without learning from them."""
        net = self.acting.eval()
        sums = torch.zeros(3, dtype=torch.float64)
        with torch.no_grad():
            for start in range(0, arrays.length(samples), self.section.batch):
                batch = _on(self.device, samples, slice(start, start + self.section.batch))
                sums += losses.judgement(batch, self._answers(net, batch)).cpu()
        return losses.Judgement(*(sums / arrays.length(samples)).tolist())

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimizer, averaged weights, step count and random state."""
        return {
            "net": self.net.state_dict(),
            "averaged": None if self.averaged is None else self.averaged.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "steps": self.steps,
            "rng": json.dumps(self._rng.bit_generator.state),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Goes on from what ``state_dict`` returned; raises ValueError where it does not fit."""
        self.net.load_state_dict(saved["net"])
        if self.averaged is not None:
            self.averaged.load_state_dict(saved["averaged"])
        self._optimizer.load_state_dict(saved["optimizer"])
        for weights, state in self._optimizer.state.items():
            adam = isinstance(self._optimizer, torch.optim.AdamW)
            names = ("exp_avg", "exp_avg_sq") if adam else ("momentum_buffer",)
            if any(state[name].shape != weights.shape for name in names):
                raise ValueError("the optimizer's state is of other weights")
            if adam and not state["step"] >= 0:
                raise ValueError("the optimizer has made less than no step")
        self.steps = int(saved["steps"])
        self._rng.bit_generator.state = json.loads(saved["rng"])

    def _rate(self, progress: float) -> float:
        """Linear warm-up, constant, then linear decay from ``decay_from`` of the budget on."""
        section = self.section
        warm = min(1.0, (self.steps + 1) / max(1, section.warmup_steps))
        late = max(0.0, progress - section.decay_from) / max(1e-9, 1 - section.decay_from)
        return section.lr * warm * (1 - (1 - section.final_lr) * min(1.0, late))

    def _batches(self, count: int, steps: int) -> Iterator[NDArray[np.int64]]:
        """Rows of ``steps`` batches: permutation after permutation, so all are used alike."""
        size = min(self.section.batch, count)
        order, used = self._rng.permutation(count), 0
        for _ in range(steps):
            if used + size > count:
                order, used = self._rng.permutation(count), 0
            yield order[used : used + size]
            used += size

    def _loss(self, samples: Samples) -> tuple[Tensor, Tensor]:
        """The loss of one batch, and what is ``losses.Measured`` of it, [7] f64."""
        if self._game is not None:
            samples = transformed(self._game, samples, self._rng)
        batch = _on(self.device, samples)
        loss, measured = losses.loss_of(batch, self._answers(self.net, batch), self.section)
        return loss, torch.stack(measured).double().cpu()

    def _answers(self, net: Net, batch: Any) -> losses.Answers:
        device = torch.device(self.device).type
        with torch.autocast(device, torch.bfloat16, enabled=self.autocast):
            heads: Heads = net(list(arrays.leaves(batch.obs)))
        return losses.answers(heads, batch.actions)

    def _average(self) -> None:
        """Moves the averaged weights towards the current ones; early on, their plain mean."""
        if self.averaged is None:
            return
        keep = min(self.section.average, (1 + self.steps) / (10 + self.steps))
        now, mean = self.net.state_dict().values(), self.averaged.state_dict().values()
        floats = [(m, n) for m, n in zip(mean, now, strict=True) if m.is_floating_point()]
        with torch.no_grad():
            torch._foreach_lerp_([m for m, _ in floats], [n for _, n in floats], 1 - keep)
            for m, n in zip(mean, now, strict=True):
                if not m.is_floating_point():
                    m.copy_(n)


def _on(device: str, samples: Samples, rows: slice = slice(None)) -> Any:
    """The samples in ``rows`` with tensors on ``device`` in the place of arrays."""
    return arrays.tree_map(
        lambda array: torch.from_numpy(np.ascontiguousarray(array[rows])).to(device), samples
    )
