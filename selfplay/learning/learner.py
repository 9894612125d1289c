"""Gradient descent on Samples: the only place where weights change."""

from __future__ import annotations

import contextlib
import copy
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.learning import losses
from selfplay.learning.batches import Turns, ahead, one_by_one, tensors, turns_of
from selfplay.learning.parallel import threads
from selfplay.learning.samples import Source, source_of
from selfplay.learning.section import LearnerSection
from selfplay.learning.steps import Captured, Descent, repeatable
from selfplay.nets import Net, enough_memory
from selfplay.nets.base import Entry
from selfplay.nets.clock import DeviceClock
from selfplay.types import Game, Samples, Symmetric, Targets, Tried

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
    """A net, its optimizer and its averaged weights.

    The same samples, seed and processor give the same weights, on a CPU with one number of threads;
    on a GPU as far as ``steps.repeatable`` says.
    """

    @enough_memory(_SMALLER)
    def __init__(
        self, net: Net, section: LearnerSection, game: Game, device: str, autocast: bool, seed: int
    ) -> None:
        self.section, self.device = section, device
        self.clock = DeviceClock(device)
        self.net = net.to(device)
        self.averaged = copy.deepcopy(self.net).requires_grad_(False) if section.average else None
        self.steps = 0
        self._rng = np.random.default_rng(seed)
        self._game = game if isinstance(game, Symmetric) and section.symmetries else None
        self._ahead = torch.device(device).type == "cuda"
        self._turns: Turns | None = None  # known when real positions are there
        self._descent = Descent(self.net, self.averaged, section, autocast, fused=self._ahead)
        self._captured: Captured | None = None
        of_boards = isinstance(self.net.entry, Entry)  # others look at numbers to choose shapes
        self._spread = of_boards and not self._ahead
        if self._ahead:
            repeatable()
            if of_boards:
                self._captured = Captured(self._descent, device)

    @property
    def acting(self) -> Net:
        """The net to play with."""
        return self.net if self.averaged is None else self.averaged

    @enough_memory(_SMALLER)
    def fit(self, samples: Samples | Source, steps: int, progress: float) -> LearnMetrics:
        """Takes ``steps`` steps on batches drawn from ``samples``.

        ``progress`` in [0, 1] is the share of the budget used, which sets the learning rate.
        Raises ValueError when the memory is too small for a batch.
        """
        if steps == 0:
            unknown = math.nan
            rate = self._rate(progress)
            return LearnMetrics(unknown, unknown, unknown, unknown, unknown, rate, steps=0)
        self.net.train()
        self._descent.sums.zero_()
        take_step = self._captured or self._descent
        with self._spread_out():
            for batch in self._drawn(samples, steps):
                rate = self._rate(progress)
                self.steps += 1
                # early on the averaged weights are the plain mean
                keep = min(self.section.average, (1 + self.steps) / (10 + self.steps))
                self._descent.prepare(rate, 1 - keep)
                with self.clock.running():
                    take_step(batch)
        *means, norm = (self._descent.sums / steps).tolist()  # a GPU is waited for here alone
        mean = losses.Measured(*means)
        return LearnMetrics(*mean[:3], losses.value_explained(mean), norm, rate, steps)

    def judge(self, samples: Targets) -> losses.Judgement:
        """How well the acting net predicts ``samples``, as they are, without learning from them."""
        net, sums = self.acting.eval(), torch.zeros(2, 5, dtype=torch.float64, device=self.device)
        with torch.no_grad():
            for start in range(0, arrays.length(samples), self.section.batch):
                batch = tensors(self.device, samples, slice(start, start + self.section.batch))
                sums += losses.judgement(batch, self._descent.answers(net, batch))
        return losses.Judgement(*(sums[0] / sums[1].clamp_min(1e-6)).tolist())

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimizer, averaged weights, step count and random state."""
        return {
            "net": self.net.state_dict(),
            "averaged": None if self.averaged is None else self.averaged.state_dict(),
            "optimizer": self._descent.state_dict(),
            "steps": self.steps,
            "rng": json.dumps(self._rng.bit_generator.state),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Goes on from what ``state_dict`` returned; raises ValueError where it does not fit."""
        self.net.load_state_dict(saved["net"])
        if self.averaged is not None:
            self.averaged.load_state_dict(saved["averaged"])
        self._descent.load_state_dict(saved["optimizer"])
        if self._captured is not None:
            self._captured.forget()
        self.steps = int(saved["steps"])
        self._rng.bit_generator.state = json.loads(saved["rng"])

    @contextlib.contextmanager
    def _spread_out(self) -> Iterator[None]:
        """Steps are spread over threads as long as this lasts, where that is of use."""
        if not self._spread:
            yield
            return
        with threads() as self._descent.threads:
            try:
                yield
            finally:
                self._descent.threads = None

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

    def _drawn(self, samples: Samples | Source, steps: int) -> Iterator[Any]:
        """The batches of ``steps`` steps, with tensors for arrays."""
        source = source_of(samples)
        draws = self._batches(len(source), steps)
        # REINFORCE is for moves of the net itself, which does not play images alike
        as_played = isinstance(samples, Tried) and not self.section.clip
        game = None if as_played else self._game
        if self._ahead and game is not None and self._turns is None:
            some = source.take(np.arange(min(256, len(source))))
            self._turns = turns_of(game, some.obs, self.device)
            self._ahead = self._turns is not None
        if self._ahead:
            turns = None if as_played else self._turns
            return ahead(source, draws, turns, self._rng, self.device)
        return one_by_one(source, draws, game, self._rng, self.device)
