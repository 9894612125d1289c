"""What a regime works with: the parts of a run, and the counts that its curves are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay import distinct
from selfplay.backends import Threads
from selfplay.learner import Learner
from selfplay.replay import Replay
from selfplay.types import Game


@dataclass
class Ledger:
    """What a run has used so far."""

    iteration: int = 0
    positions: int = 0  # generated; the x axis of every curve
    games: int = 0
    samples: int = 0  # positions learned from, repetitions counted
    evaluations: int = 0  # positions that went through the net to generate data
    wall_s: float = 0.0
    made: list[int] = field(default_factory=list)  # positions of the latest iterations, in order
    seen: NDArray[np.int64] = field(default_factory=distinct.nothing, compare=False)

    def __post_init__(self) -> None:
        self.seen = np.asarray(self.seen)  # out of a checkpoint it is a tensor

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
        """Different positions generated, mirror images counted once; see distinct.py."""
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

    def state_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Workshop:
    """The parts of a run."""

    game: Game
    actors: Threads
    replay: Replay
    learner: Learner
    flops: int  # of one position forwards through the net
    progress: Callable[[], float]  # share of the budget used
    seconds: Callable[[], float]  # wall time used, over all sessions of the run
    ledger: Ledger = field(default_factory=Ledger)
    records: list[str] = field(default_factory=list)  # the latest games in the game's notation
