"""Mistakes where the agent itself goes: on positions of its own games, judged by the solver."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay.arrays import concatenate, take
from selfplay.lines.keys import different
from selfplay.lines.lockstep import lockstep
from selfplay.lines.openings import random_positions
from selfplay.measure.mistakes import judge_agent, mistake_metric, rates_of, surprise_metric
from selfplay.measure.position_file import PositionFile, PositionsSection
from selfplay.players.players import SearchPlayer
from selfplay.search import Search
from selfplay.section import Metric
from selfplay.truth.labels import Labeller
from selfplay.truth.positions import Positions
from selfplay.truth.solver import is_small
from selfplay.types import Evaluator, Game, Player, State

OPENING_PLIES = 4  # random moves that an agent's own games begin with, at most
A_GAME = 4  # positions wanted for each of its games
FEWEST = 16  # games
OWN_POSITIONS = 200  # where nobody says how many


def own_positions(game: Game, player: Player, count: int, labeller: Labeller) -> Positions | None:
    """At most ``count`` different positions from games of ``player`` against itself, labelled.

    The games begin with 1 to OPENING_PLIES random moves, none like another or its mirror image;
    the positions of a game are a group.  None where the solver can score none of the positions.
    """
    rng = np.random.default_rng(0)
    games = max(FEWEST, -(-count // A_GAME))
    random = rng.integers(1, min(OPENING_PLIES, game.max_moves - 1) + 1, 4 * games)
    opened = random_positions(game, random, rng).state
    start = take(opened, different(game, opened)[:games])
    plies = lockstep(game, start, lambda turn: player.decide(game, turn.state, rng).action)
    met = [(ply.turn.state, ply.turn.lane) for ply in plies]
    if not met:
        return None
    state, lane = concatenate(met)
    rows = sample_different(game, state, count, labeller, rng)
    if not len(rows):
        return None
    state, one_set = take(state, rows), np.zeros(len(rows), np.int32)
    return Positions(("own",), one_set, state, labeller.scores(state), lane[rows])


def sample_different(
    game: Game, state: State, count: int, labeller: Labeller, rng: np.random.Generator
) -> NDArray[np.int64]:
    """At most ``count`` rows of ``state``, ascending, drawn evenly from those that can be scored.

    No two are equal or mirror images.
    """
    known = np.flatnonzero(labeller.solvable(state))
    known = known[different(game, take(state, known))]
    rows: NDArray[np.int64] = np.sort(rng.permutation(known)[:count])
    return rows


class OwnGamesSection(PositionsSection):
    """The positions that the agent itself goes to, judged by the game's solver."""

    own_positions: int | None = Field(None, ge=0, le=10**6)
    """so many different positions, at most, of games that the agent plays against itself are judged
    too; none: 200 where a game for two is solved in a second or two and no position file is
    there, else 0. Needs a solver of the game; of Othello the last 14 empty squares count"""


class OwnGames:
    """Mistakes on the positions of the agent's own games."""

    metrics: tuple[Metric, ...] = (
        mistake_metric(
            "strength/own_mistake_rate",
            "mistakes / positions, with search, where the agent itself goes: on `own_positions` "
            "positions drawn from its games with that search after 1 to 4 random moves, no two "
            "alike or mirror images; the interval allows for positions of a game being alike, and "
            "judging costs the run's ledger nothing",
        ),
        mistake_metric(
            "strength/own_net_mistake_rate",
            "the same for the net's most probable move, on those positions",
        ),
        mistake_metric(
            "strength/own_value_mistake_rate",
            "the same for the move to the position that the net's value likes best",
        ),
        surprise_metric(
            "strength/own_policy_cross_entropy", "as without `own_`, on those positions"
        ),
        surprise_metric(
            "strength/own_value_cross_entropy", "as without `own_`, on those positions"
        ),
    )

    def __init__(self, game: Game, section: OwnGamesSection) -> None:
        self._game, self._count = game, _own_positions(game, section)
        try:
            self._labeller = Labeller(game)
        except ValueError as error:
            why = f"strength.own_positions needs a solver to judge them: {error}"
            raise ValueError(f"{why}; set it to 0") from error

    @staticmethod
    def applies(game: Game, section: OwnGamesSection) -> bool:
        return _own_positions(game, section) > 0

    def measure(self, search: Search, evaluator: Evaluator) -> dict[str, float]:
        """Empty where the solver can judge none of the positions."""
        agent = SearchPlayer("agent", search, evaluator)
        own = own_positions(self._game, agent, self._count, self._labeller)
        self._labeller.refresh()
        if own is None:
            return {}
        return rates_of("strength/own_", judge_agent(self._game, own, agent))


def _own_positions(game: Game, section: OwnGamesSection) -> int:
    if section.own_positions is not None:
        return section.own_positions
    return 0 if PositionFile.applies(game, section) or not is_small(game) else OWN_POSITIONS
