"""The counts that a run's curves are made of."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay.learning import distinct


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
