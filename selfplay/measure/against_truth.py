"""Strength against the truth: on the positions of a file, and on those of the agent's own games."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay.lines.keys import canonical_keys
from selfplay.measure.mistakes import Truth, evaluate_positions
from selfplay.measure.own_games import own_positions
from selfplay.nets.evaluator import NetEvaluator
from selfplay.players.players import NetPlayer, SearchPlayer, ValuePlayer
from selfplay.search import Search
from selfplay.section import Metric, Section
from selfplay.truth.labels import Labeller
from selfplay.truth.positions import Positions, default_positions, read_positions
from selfplay.truth.solver import is_small
from selfplay.types import Game, Player

OWN_POSITIONS = 200


class PositionsSection(Section):
    """The positions of a file, with their truth."""

    positions: str = ""
    """a position file; empty: the one that ships for the game, if any"""


class OwnGamesSection(PositionsSection):
    """The positions that the agent itself goes to, judged by the game's solver."""

    own_positions: int | None = Field(None, ge=0, le=10**6)
    """so many different positions, at most, of games that the agent plays against itself are judged
    too; none: 200 where a game for two is solved in a second or two and no position file is
    there, else 0. Needs a solver of the game; of Othello the last 14 empty squares count"""


class PositionFile:
    """Mistakes on the positions of a file."""

    metrics: tuple[Metric, ...] = (
        Metric(
            "strength/mistake_rate",
            "mean over the sets of (mistakes / positions), with search",
            "share",
            "down",
            interval=True,
            label="mistakes",
            form="{:.1%} with search",
        ),
        Metric(
            "strength/net_mistake_rate",
            "the same for the net's most probable move",
            "share",
            "down",
            interval=True,
            label="net alone",
            form="{:.1%}",
        ),
        Metric(
            "strength/value_mistake_rate",
            "the same for the move to the position that the net's value likes best, looking one "
            "move ahead",
            "share",
            "down",
            interval=True,
        ),
        Metric(
            "strength/mistake_rate/SET",
            "mistakes / positions of one set, with search",
            "share",
            "down",
        ),
        Metric(
            "strength/optimal_mass",
            "mean over the sets of the search policy's mean probability of moves that are no "
            "mistakes",
            "share",
            "up",
        ),
        Metric(
            "strength/policy_cross_entropy",
            "mean over the sets of mean(-log p(moves that are no mistakes)), p from the net",
            "nats",
            "down",
        ),
        Metric(
            "strength/value_cross_entropy",
            "mean over the sets of mean(-log p(true result)), p from the net",
            "nats",
            "down",
        ),
    )

    def __init__(self, game: Game, section: PositionsSection) -> None:
        self._game = game
        path = section.positions or default_positions(game)
        assert path is not None
        self._positions = read_positions(game, path)

    @staticmethod
    def applies(game: Game, section: PositionsSection) -> bool:
        return bool(section.positions or default_positions(game))

    def keys(self) -> NDArray[np.uint64]:
        """Canonical keys of the positions."""
        return canonical_keys(self._game, self._positions.state)

    def measure(self, search: Search, evaluator: NetEvaluator) -> dict[str, float]:
        """Shares of mistakes by set too, with the ends of their intervals."""
        agent = SearchPlayer("agent", search, evaluator)
        scalars, searched = _judged("strength/", self._game, self._positions, agent)
        scalars["strength/optimal_mass"] = searched.optimal_mass
        for each in searched.sets:
            scalars[f"strength/mistake_rate/{each.name}"] = each.mistake_rate.value
        return scalars


class OwnGames:
    """Mistakes on the positions of the agent's own games."""

    metrics: tuple[Metric, ...] = (
        Metric(
            "strength/own_mistake_rate",
            "mistakes / positions, with search, where the agent itself goes: on `own_positions` "
            "positions drawn from its games with that search after 1 to 4 random moves, no two "
            "alike or mirror images; judging costs the run's ledger nothing",
            "share",
            "down",
            interval=True,
        ),
        Metric(
            "strength/own_net_mistake_rate",
            "the same for the net's most probable move, on those positions",
            "share",
            "down",
            interval=True,
        ),
        Metric(
            "strength/own_value_mistake_rate",
            "the same for the move to the position that the net's value likes best",
            "share",
            "down",
            interval=True,
        ),
        Metric(
            "strength/own_policy_cross_entropy",
            "as without `own_`, on those positions",
            "nats",
            "down",
        ),
        Metric(
            "strength/own_value_cross_entropy",
            "as without `own_`, on those positions",
            "nats",
            "down",
        ),
    )

    def __init__(self, game: Game, section: OwnGamesSection) -> None:
        self._game, self._count = game, _own_positions(game, section)
        try:
            self._labeller = Labeller(game)
        except ValueError as error:
            raise ValueError(
                f"strength.own_positions needs a solver to judge them: {error}; set it to 0"
            ) from error

    @staticmethod
    def applies(game: Game, section: OwnGamesSection) -> bool:
        return _own_positions(game, section) > 0

    def measure(self, search: Search, evaluator: NetEvaluator) -> dict[str, float]:
        """Empty where the solver can judge none of the positions."""
        agent = SearchPlayer("agent", search, evaluator)
        own = own_positions(self._game, agent, self._count, self._labeller)
        self._labeller.refresh()
        return {} if own is None else _judged("strength/own_", self._game, own, agent)[0]


def _own_positions(game: Game, section: OwnGamesSection) -> int:
    if section.own_positions is not None:
        return section.own_positions
    return 0 if PositionFile.applies(game, section) or not is_small(game) else OWN_POSITIONS


def _judged(
    prefix: str, game: Game, positions: Positions, agent: SearchPlayer
) -> tuple[dict[str, float], Truth]:
    """The net alone, its value one move ahead, and the search, on the same positions.

    Behind the metrics, what was found of the search.
    """

    def truth(player: Player) -> Truth:
        rng = np.random.default_rng(0)
        return evaluate_positions(game, positions, player, rng=rng, evaluator=agent.evaluator)

    alone = truth(NetPlayer("net", agent.evaluator))
    one_ply = truth(ValuePlayer("value", agent.evaluator))
    searched = truth(agent)
    scalars: dict[str, float] = {}
    for name, each in (("", searched), ("net_", alone), ("value_", one_ply)):
        scalars |= each.mistake_rate.scalars(f"{prefix}{name}mistake_rate")
    scalars[f"{prefix}value_cross_entropy"] = alone.value_cross_entropy
    scalars[f"{prefix}policy_cross_entropy"] = alone.policy_cross_entropy
    return scalars, searched
