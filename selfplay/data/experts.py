"""Experts: who says how the games of a data set are played, and what that costs."""

from __future__ import annotations

import time
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from selfplay.lines.games import Games
from selfplay.lines.keys import canonical_keys
from selfplay.lines.lockstep import Turn
from selfplay.lines.weighed import Choice
from selfplay.players.players import LoadRun, make_player
from selfplay.stats import soften
from selfplay.truth.labels import Labeller
from selfplay.types import Float, Game, Player

BLOCK = 32  # games: what is lost of the labels when it is interrupted
NET_BLOCK = 256  # games of a net, which likes large batches
# games that a solver plays side by side: few, so that it meets positions soon after those they
# came from and remembers their lines of play (0.21 s a Connect Four game against 0.34 s with 60)
LANES = 4


class Bill(NamedTuple):
    """What a block of games cost."""

    keys: NDArray[np.uint64]  # [L], labels used (canonical keys), where a solver played
    costs: Float  # [L] f32, CPU seconds of each label
    seconds: float  # CPU seconds of other experts
    flops: float  # of nets


class Expert(Protocol):
    """Plays block after block."""

    block: int  # games of a block
    lanes: int  # of them side by side
    alone: bool  # several processes would not be faster

    def weigh(self, turn: Turn, rng: np.random.Generator) -> Choice:
        """How likely each action is to be played."""

    def begin(self) -> None:
        """A block begins."""

    def bill(self, games: Games) -> Bill:
        """What the games since then cost."""

    def close(self) -> None: ...


def make_expert(name: str, temperature: float, game: Game, load_run: LoadRun) -> Expert:
    """The expert that ``name`` names, as players.make_player does; no random play."""
    if name == "solver":
        return SolverExpert(game, temperature)
    if name.partition(":")[0] == "random":
        raise ValueError("random play is no expert; use solver, minimax:DEPTH, mcts:N or a run")
    return PlayerExpert(game, make_player(name, game, load_run), temperature)


def default_temperature(expert: str) -> float:
    """0 for experts that weigh their moves exactly, 1 for those that prefer some to others."""
    return 0.0 if expert.partition(":")[0] in ("solver", "minimax") else 1.0


class SolverExpert:
    """The game's solver: games come with the score of every move."""

    block = BLOCK

    def __init__(self, game: Game, temperature: float) -> None:
        self._game, self._temperature = game, temperature
        self._labeller = Labeller(game)
        # an exhaustive solver has solved all at once
        self.alone = self._labeller.exhaustive
        self.lanes = BLOCK if self.alone else LANES

    def weigh(self, turn: Turn, rng: np.random.Generator) -> Choice:
        scores = self._labeller.scores(turn.state)
        return soften(scores, self._temperature), scores

    def begin(self) -> None:
        self._labeller.refresh()

    def bill(self, games: Games) -> Bill:
        keys = np.unique(canonical_keys(self._game, games.state))
        self._labeller.refresh()
        return Bill(keys, self._labeller.costs(keys), 0.0, 0.0)

    def close(self) -> None:
        self._labeller.close()


class PlayerExpert:
    """Any player: minimax weighs moves exactly, a search by how it liked them."""

    def __init__(self, game: Game, player: Player, temperature: float) -> None:
        self._game, self._player, self._temperature = game, player, temperature
        self._searches = player.name.partition(":")[0] != "minimax"
        self._evaluator: Any = getattr(player, "evaluator", None)
        self.alone = self._evaluator is not None  # a net fills the processor by itself
        self.block = self.lanes = NET_BLOCK if self.alone else BLOCK
        self._began = 0.0

    def weigh(self, turn: Turn, rng: np.random.Generator) -> Choice:
        decision = self._player.decide(self._game, turn.state, rng)
        if self._searches and self._temperature == 0:
            chosen = np.arange(self._game.num_actions) == decision.action[:, None]
            return chosen.astype(np.float32), None
        if self._searches:  # policy ^ (1 / T): 1 plays the policy itself
            with np.errstate(divide="ignore"):
                return soften(np.log(decision.policy), self._temperature), None
        if self._temperature == 0:
            return decision.policy, None
        return soften(decision.qvalues, self._temperature), None

    def begin(self) -> None:
        self._began = time.process_time()

    def bill(self, games: Games) -> Bill:
        none = np.empty(0, np.uint64)
        seconds = time.process_time() - self._began
        return Bill(none, none.astype(np.float32), seconds, self._flops())

    def close(self) -> None:
        """There is nothing to close."""

    def _flops(self) -> float:
        """Of the net since the last call."""
        if self._evaluator is None:
            return 0.0
        from selfplay.nets import forward_flops  # imports torch: only where there is a net

        evaluated = self._evaluator.take_usage().evaluated
        return float(evaluated * forward_flops(self._evaluator.net, self._game))
