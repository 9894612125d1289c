"""What a regime works with: the parts of a run, and the counts that its curves are made of."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.actors.threads import Threads
from selfplay.learning import distinct
from selfplay.learning.learner import Learner, LearnMetrics
from selfplay.learning.replay import Replay
from selfplay.nets import Net
from selfplay.nets.evaluator import NetEvaluator
from selfplay.search import Search
from selfplay.types import Game, Report, Samples


@dataclass
class Ledger:
    """What a run has used so far."""

    iteration: int = 0
    positions: int = 0  # generated, or taken from an expert's data; the x axis of every curve
    games: int = 0  # played by the run itself
    samples: int = 0  # positions learned from, repetitions counted
    evaluations: int = 0  # positions that went through the net to generate data
    expert_s: float = 0.0  # CPU seconds of the expert whose labels were used
    expert_flops: float = 0.0  # of an expert that is a net
    tree_s: float = 0.0  # thread seconds of search and game, outside the net
    wall_s: float = 0.0
    made: list[int] = field(default_factory=list)  # positions of the latest iterations, in order
    seen: NDArray[np.int64] = field(default_factory=distinct.nothing, compare=False)

    def __post_init__(self) -> None:
        self.seen = np.asarray(self.seen)  # out of a checkpoint it is a tensor
        used = (self.positions, self.games, self.samples, self.evaluations)
        counts = [self.iteration, *used, *list(self.made)]
        costs = [self.expert_s, self.expert_flops, self.tree_s, self.wall_s]
        if not all(isinstance(each, int) and 0 <= each < 2**63 for each in counts) or not all(
            isinstance(each, int | float) and 0 <= each < math.inf for each in costs
        ):
            raise ValueError("what a run has used so far is no number of at least 0")
        if self.seen.dtype != np.int64 or self.seen.ndim != 1 or not isinstance(self.made, list):
            raise ValueError("what a run has seen so far is no list")

    def note(self, made: int, keys: NDArray[np.uint64], window: int) -> None:
        """Counts an iteration's ``made`` positions with these canonical keys.

        ``window``: of how many positions the age may be asked from now on.
        """
        self.positions += made
        self.seen = distinct.add(self.seen, keys)
        self.made.append(made)
        while sum(self.made[1:]) >= window:
            del self.made[0]

    def unique(self) -> int:
        """Different positions so far, mirror images counted once; see distinct.py."""
        return distinct.count(self.seen)

    def staleness(self, window: int) -> float:
        """Mean age of the latest ``window`` positions: iterations since their game was finished.

        Each iteration ends with an update of the acting net; those of the present one count 0.
        """
        ages, left = 0, window
        for age, made in enumerate(reversed(self.made)):
            taken = min(made, left)
            ages, left = ages + age * taken, left - taken
        return ages / (window - left)

    def flops(self, forward: int) -> tuple[float, float]:
        """FLOPs of learning and of generating, where one position takes ``forward`` forwards.

        A backward pass counts as two forward passes.  What measures strength is not counted.
        """
        return 3.0 * forward * self.samples, float(forward) * self.evaluations

    def costs(self, forward: int) -> dict[str, float]:
        """``cost/*`` of the run so far, but for the wall time."""
        learn, generate = self.flops(forward)
        unique = self.unique()
        return {
            "cost/flops": learn + generate,
            "cost/flops_learn": learn,
            "cost/flops_generate": generate,
            "cost/expert_s": self.expert_s,
            "cost/expert_flops": self.expert_flops,
            "cost/tree_s": self.tree_s,
            "cost/samples": self.samples,
            "cost/positions_unique": unique,
            "cost/effective_epochs": self.samples / max(1, unique),
            "cost/games": self.games,
        }

    def state_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Workshop:
    """The parts of a run."""

    game: Game
    learner: Learner
    replay: Replay  # of the positions that the run makes itself; kept on disk to resume
    hire: Callable[[], Threads]  # actors that play with search
    evaluator: Callable[[Net], NetEvaluator]  # the net, for play without search
    search: Search  # of the recipe
    threads: int  # that games may be played in
    test_keys: NDArray[np.uint64]  # canonical, of the positions that strength is measured on
    flops: int  # of one position forwards through the net
    seed: int
    progress: Callable[[], float]  # share of the budget used
    seconds: Callable[[], float]  # wall time used, over all sessions of the run
    ledger: Ledger = field(default_factory=Ledger)
    records: list[str] = field(default_factory=list)  # the latest games in the game's notation

    def fit(self, samples: Samples, steps: int) -> dict[str, float]:
        """``learn/*`` and ``cost/*`` after ``steps`` steps on ``samples``; counts what they took.

        Ends the iteration.
        """
        start = time.perf_counter()
        learner, ledger = self.learner, self.ledger
        fit = learner.fit(samples, steps, self.progress())
        ledger.samples += steps * min(learner.section.batch, arrays.length(samples))
        ledger.iteration += 1
        scalars = _learned(fit, time.perf_counter() - start)
        scalars["learn/reuse"] = ledger.samples / ledger.positions
        return scalars | self.costs()

    def costs(self) -> dict[str, float]:
        """``cost/*`` of the run so far."""
        return self.ledger.costs(self.flops) | {"cost/wall_s": self.seconds()}


class Loop:
    """A regime at work: what happens between two updates of the acting net."""

    def iteration(self) -> Iterator[Report]:
        """Gets positions, learns from them, and reports on both."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """All that the next iteration depends on, beside the Workshop's learner and replay."""
        return {}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Goes on from what ``state_dict`` returned."""

    def source(self) -> dict[str, Any]:
        """What ``provenance.json`` tells of data that the run did not make itself."""
        return {}

    def cancel(self) -> None:
        """Makes an iteration under way give up as soon as it can."""

    def close(self) -> None:
        """Ends what runs in the background."""


def _learned(fit: LearnMetrics, seconds: float) -> dict[str, float]:
    """``learn/*`` of one iteration."""
    return {
        "learn/policy_loss": fit.policy_loss,
        "learn/kl": fit.kl,
        "learn/value_loss": fit.value_loss,
        "learn/value_explained": fit.value_explained,
        "learn/grad_norm": fit.grad_norm,
        "learn/lr": fit.lr,
        "learn/steps": fit.steps,
        "learn/seconds": seconds,
    }
