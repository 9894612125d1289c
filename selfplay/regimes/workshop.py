"""What a regime works with: the parts of a run, and the counts that its curves are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

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
