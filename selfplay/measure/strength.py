"""How strong a net is right now: against the truth where it is known, and against baselines."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from envs.proving.game import Proving
from selfplay.lines.openings import canonical_keys
from selfplay.measure.mistakes import Truth, evaluate_positions
from selfplay.measure.own_games import own_positions
from selfplay.nets import Net
from selfplay.nets.evaluator import NetEvaluator
from selfplay.players import arena
from selfplay.players.players import NetPlayer, SearchPlayer, ValuePlayer, make_player
from selfplay.proving.trials import Trial, attempt
from selfplay.proving.unguided import attempt_unguided
from selfplay.search import MAX_SIMULATIONS, Search
from selfplay.stats import wilson
from selfplay.truth.labels import Labeller
from selfplay.truth.positions import Positions, default_positions, read_positions
from selfplay.truth.solver import is_small
from selfplay.types import Game, Player

OWN_POSITIONS = 200


class StrengthSection(BaseModel):
    """Section ``[strength]``: what is measured while a run goes on."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    every_s: float = Field(60, gt=0, le=1e9)  # seconds between measurements
    per_decade: int = Field(
        0, ge=0, le=1000
    )  # instead: measurements a tenfold of compute, evenly in log
    positions: str = ""  # a position file; empty: the one that ships for the game, if any
    simulations: int = Field(64, ge=1, le=MAX_SIMULATIONS)
    versus: tuple[str, ...] = ()  # baselines to play against: "random", "mcts:100", "minimax:4"
    games: int = Field(40, ge=2, le=10**6)  # against each baseline
    # different positions of the agent's own games, which the game's solver judges; 0 = none;
    # None = OWN_POSITIONS where the game is soon solved and there is no position file, else 0
    own_positions: int | None = Field(None, ge=0, le=10**6)
    # of the proving game: inferences that each problem kept aside is given; 0 = not measured
    inferences: int = Field(0, ge=0, le=10**9)
    problems: int = Field(100, ge=1, le=10**6)  # of those kept aside, so many at most
    guided: bool = True  # False: by the unguided search, for a run that is the baseline


class Gauge:
    """Measures nets of one run; keeps its buffers and its baselines between measurements."""

    def __init__(
        self, game: Game, search: Search, section: StrengthSection, device: str, dtype: torch.dtype
    ) -> None:
        self.game, self.section = game, section
        self._search = search.with_simulations(section.simulations)
        self._device, self._dtype = device, dtype
        self._evaluator: NetEvaluator | None = None
        path = section.positions or default_positions(game)
        self._positions: Positions | None = read_positions(game, path) if path else None
        self._baselines = [make_player(name, game, _no_runs) for name in section.versus]
        wish = section.own_positions
        if wish is None:
            wish = OWN_POSITIONS if self._positions is None and is_small(game) else 0
        self._own = wish
        self._labeller = _labeller(game) if wish else None

    def keys(self) -> NDArray[np.uint64]:
        """Canonical keys of the positions it measures on."""
        if self._positions is None:
            return np.empty(0, np.uint64)
        return canonical_keys(self.game, self._positions.state)

    def measure(self, net: Net) -> dict[str, float]:
        """``strength/*``: shares of mistakes and scores, with the ends of their intervals."""
        if self._evaluator is None:
            self._evaluator = NetEvaluator(
                net, self.game.num_actions, self._device, self._dtype, cache_size=1 << 15
            )
        else:
            self._evaluator.load(net)
        searching = SearchPlayer("agent", self._search, self._evaluator)
        scalars: dict[str, float] = {}
        if self._positions is not None:
            scalars, searched = self._judged("strength/", self._positions, searching)
            scalars["strength/optimal_mass"] = searched.optimal_mass
            for each in searched.sets:
                scalars[f"strength/mistake_rate/{each.name}"] = each.mistake_rate.value
        if self._labeller is not None:
            own = own_positions(self.game, searching, self._own, self._labeller)
            self._labeller.refresh()
            if own is not None:
                scalars |= self._judged("strength/own_", own, searching)[0]
        if isinstance(self.game, Proving) and self.section.inferences:
            scalars |= self._proved(self.game, self._evaluator)
        for baseline in self._baselines:
            scalars |= self._match(searching, baseline)
        return scalars

    def _proved(self, game: Proving, evaluator: NetEvaluator) -> dict[str, float]:
        """The share of the problems kept aside that is proved, with the ends of its interval."""
        problems = np.flatnonzero(game.held_out)[: self.section.problems]
        if not len(problems):
            return {}
        rng, budget = np.random.default_rng(0), self.section.inferences
        trials: Iterable[Trial] = attempt(
            game, self._search, evaluator, problems.tolist(), budget, rng, explore=False
        )
        if not self.section.guided:
            trials = (attempt_unguided(game, problem, budget) for problem in problems.tolist())
        share = wilson(sum(trial.proved for trial in trials), len(problems))
        return {
            "strength/proved": share.value,
            "strength/proved_low": share.low,
            "strength/proved_high": share.high,
            "strength/unproved": 1 - share.value,
            "strength/unproved_low": 1 - share.high,
            "strength/unproved_high": 1 - share.low,
        }

    def _judged(
        self, prefix: str, positions: Positions, searching: SearchPlayer
    ) -> tuple[dict[str, float], Truth]:
        """The net alone, its value one move ahead, and the search, on the same positions.

        Behind the metrics, what was found of the search.
        """
        alone = self._truth(positions, NetPlayer("net", searching.evaluator))
        one_ply = self._truth(positions, ValuePlayer("value", searching.evaluator))
        searched = self._truth(positions, searching)
        scalars = _named(f"{prefix}mistake_rate", searched)
        scalars |= _named(f"{prefix}net_mistake_rate", alone)
        scalars |= _named(f"{prefix}value_mistake_rate", one_ply)
        scalars[f"{prefix}value_cross_entropy"] = alone.value_cross_entropy
        scalars[f"{prefix}policy_cross_entropy"] = alone.policy_cross_entropy
        return scalars, searched

    def _truth(self, positions: Positions, player: Player) -> Truth:
        return evaluate_positions(
            self.game, positions, player, rng=np.random.default_rng(0), evaluator=self._evaluator
        )

    def _match(self, player: Player, baseline: Player) -> dict[str, float]:
        pairs = self.section.games // 2
        (match,) = arena.tournament(self.game, [player, baseline], pairs, plies=2, seed=0)
        share = arena.score(match)
        name = f"strength/vs_{baseline.name}"
        return {name: share.value, f"{name}_low": share.low, f"{name}_high": share.high}


def _named(name: str, truth: Truth) -> dict[str, float]:
    rate = truth.mistake_rate
    return {name: rate.value, f"{name}_low": rate.low, f"{name}_high": rate.high}


def _labeller(game: Game) -> Labeller:
    try:
        return Labeller(game)
    except ValueError as error:
        raise ValueError(
            f"strength.own_positions needs a solver to judge them: {error}; set it to 0"
        ) from error


def _no_runs(name: str, step: int | None, simulations: int | None) -> Player:
    raise ValueError(
        f"strength.versus: {name!r} is no baseline; use random, mcts:N, minimax:D or solver"
    )
