"""Gradient descent on Samples: the only place where weights change."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from selfplay import arrays
from selfplay.nets import Heads, Net, enough_memory
from selfplay.section import Section
from selfplay.types import Game, Samples, Symmetric

_SMALLER = "the batch (learner.batch) or the net (net.channels, net.width)"


class LearnerSection(Section):
    """Section ``[learner]``."""

    optimizer: Literal["adamw", "sgd"] = "adamw"
    """or `"sgd"`, with Nesterov momentum 0.9"""
    lr: float = Field(2e-3, gt=0, le=1e3)
    """learning rate"""
    final_lr: float = Field(0.05, ge=0, le=1)
    """share of it left at the end of the budget"""
    decay_from: float = Field(0.5, ge=0, le=1)
    """share of the budget after which it falls linearly"""
    warmup_steps: int = Field(100, ge=0, le=10**9)
    """steps over which it rises linearly from 0"""
    weight_decay: float = Field(1e-4, ge=0, le=1e3)
    """of weights, not of biases and norms"""
    batch: int = Field(512, ge=1, le=1 << 20)
    """positions a step"""
    reuse: float = Field(2.0, gt=0, le=1e3)
    """replay ratio: how often each new position is learned from"""
    value_weight: float = Field(1.0, ge=0, le=1e6)
    """of the value loss"""
    reply_weight: float = Field(0.15, ge=0, le=1e6)
    """of the reply loss, with `net.reply_head`"""
    max_grad_norm: float = Field(5.0, gt=0, le=1e9)
    """larger gradients are scaled down to this norm"""
    average: float = Field(0.0, ge=0, lt=1)
    """decay a step of averaged weights, which then act; 0: the latest weights act"""
    symmetries: bool = True
    """learn from randomly transformed positions, if the game has symmetries"""
    clip: float = Field(0.2, ge=0, lt=1)
    """of `policy_gradient`: how far the probability of a move may change, as in PPO; 0: no bound,
    plain REINFORCE"""
    entropy_weight: float = Field(0.01, ge=0, le=1e6)
    """of `policy_gradient`: keeps the policy from narrowing"""


class Fit(NamedTuple):
    """Means over the steps of one ``fit``."""

    policy_loss: float  # cross-entropy of the policy target, nats
    kl: float  # policy_loss less the entropy of the target
    value_loss: float  # cross-entropy of win, draw, loss, nats
    value_explained: float  # 1 - residual / variance of the target's expectation
    grad_norm: float
    lr: float
    steps: int


class Judgement(NamedTuple):
    """How well a net predicts samples that it is not learning from."""

    policy_loss: float  # cross-entropy of the policy target, nats
    value_loss: float  # cross-entropy of win, draw, loss, nats
    accuracy: float  # share of positions where the net's favourite is the target's


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
    def fit(self, samples: Samples, steps: int, progress: float) -> Fit:
        """Takes ``steps`` steps on batches drawn from ``samples``.

        ``progress`` in [0, 1] is the share of the budget used, which sets the learning rate.
        Raises ValueError when the memory is too small for a batch.
        """
        if steps == 0:
            unknown = math.nan
            rate = self._rate(progress)
            return Fit(unknown, unknown, unknown, unknown, unknown, rate, steps=0)
        self.net.train()
        sums = torch.zeros(7, dtype=torch.float64)
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
        policy, kl, value, square, first, second, weight = (sums / steps).tolist()
        variance = second / weight - (first / weight) ** 2
        explained = 1 - square / weight / variance if variance > 0 else 0.0
        return Fit(policy, kl, value, explained, norms / steps, rate, steps)

    def judge(self, samples: Samples) -> Judgement:
        """How well the acting net predicts ``samples``, as they are, without learning from them."""
        net = self.acting.eval()
        sums = np.zeros(3)
        with torch.no_grad():
            for start in range(0, arrays.length(samples), self.section.batch):
                batch = _on(self.device, samples, slice(start, start + self.section.batch))
                _, log_policy, log_value = self._predictions(net, batch)
                hits = log_policy.argmax(1) == batch.policy.argmax(1)
                for i, column in enumerate(
                    (-(batch.policy * log_policy).sum(1), -(batch.value * log_value).sum(1), hits)
                ):
                    sums[i] += float(column.double().sum())
        return Judgement(*(sums / arrays.length(samples)).tolist())

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
        """The loss of one batch, and what is measured of it.

        [7] f64: policy loss, divergence from its target (from the policy that acted where moves
        were tried), value loss, square error of the expected value, mean and mean square of its
        target, weight (1, for the mean over steps).
        """
        if self._game is not None:
            samples = _transformed(self._game, samples, self._rng)
        batch = _on(self.device, samples)
        heads, log_policy, log_value = self._predictions(self.net, batch)
        tried = batch.chance > 0
        policy_share = torch.where(tried, 1.0, batch.policy_weight)
        policy_share = policy_share / policy_share.sum().clamp_min(1e-6)
        value_share = batch.value_weight / batch.value_weight.sum().clamp_min(1e-6)
        surprise = -(batch.policy * log_policy).sum(1)
        policy_loss = (self._policy_losses(batch, surprise) * policy_share).sum()
        value_loss = (-(batch.value * log_value).sum(1) * value_share).sum()
        loss = policy_loss + self.section.value_weight * value_loss
        if self.section.entropy_weight:
            entropy = -(log_policy.exp() * log_policy).sum(1)
            loss = loss - self.section.entropy_weight * (entropy * tried * policy_share).sum()
        if heads.reply_MA is not None:
            log_reply = functional.log_softmax(heads.reply_MA.float(), 1)
            reply_loss = (-(batch.reply * log_reply).sum(1) * value_share).sum()
            loss = loss + self.section.reply_weight * reply_loss
        with torch.no_grad():
            known = torch.where(
                tried, -batch.chance.log(), -torch.xlogy(batch.policy, batch.policy).sum(1)
            )
            target = batch.value[:, 0] - batch.value[:, 2]
            guess = log_value.exp()[:, 0] - log_value.exp()[:, 2]
            measured = torch.stack(
                [
                    policy_loss,
                    ((surprise - known) * policy_share).sum(),
                    value_loss,
                    ((target - guess) ** 2 * value_share).sum(),
                    (target * value_share).sum(),
                    (target**2 * value_share).sum(),
                    value_share.sum(),
                ]
            )
        return loss, measured.double().cpu()

    def _policy_losses(self, batch: Any, surprise: Tensor) -> Tensor:
        """[M], for targets their cross-entropy, for tried moves what makes good ones likelier.

        ``surprise`` [M] is -log of the probability now.  Tried moves: the clipped objective of
        Schulman et al. 2017, eq. 7; without clipping Williams 1992 (REINFORCE).
        """
        advantage, tried, clip = batch.policy_weight, batch.chance > 0, self.section.clip
        gain: Tensor = -surprise * advantage
        if clip:
            ratio = torch.exp(-surprise) / torch.where(tried, batch.chance, 1.0)
            gain = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
        return torch.where(tried, -gain, surprise)

    def _predictions(self, net: Net, batch: Any) -> tuple[Heads, Tensor, Tensor]:
        """What ``net`` answers, with the log-probabilities of moves [M, A] and results [M, 3]."""
        device = torch.device(self.device).type
        with torch.autocast(device, torch.bfloat16, enabled=self.autocast):
            heads: Heads = net(list(arrays.leaves(batch.obs)))
        logits = heads.policy_MA.float().masked_fill(~batch.legal, -1e9)
        log_policy = functional.log_softmax(logits, 1)
        return heads, log_policy, functional.log_softmax(heads.value_M3.float(), 1)

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


def _transformed(game: Any, batch: Samples, rng: np.random.Generator) -> Samples:
    """The batch with each position under a random symmetry of the game.

    Tried moves stay as they are: the chance of a move is known for the position it was tried in.
    """
    symmetry = rng.integers(len(game.action_map), size=len(batch.policy))
    symmetry[batch.chance > 0] = 0
    obs, legal, policy, reply = (
        arrays.tree_map(np.copy, field)
        for field in (batch.obs, batch.legal, batch.policy, batch.reply)
    )
    for k in range(1, len(game.action_map)):
        rows = np.flatnonzero(symmetry == k)
        arrays.put(obs, rows, game.transform(arrays.take(batch.obs, rows), k))
        legal[rows[:, None], game.action_map[k]] = batch.legal[rows]
        policy[rows[:, None], game.action_map[k]] = batch.policy[rows]
        reply[rows[:, None], game.action_map[k]] = batch.reply[rows]
    return batch._replace(obs=obs, legal=legal, policy=policy, reply=reply)
