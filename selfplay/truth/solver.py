"""Perfect players: the exact score of every action, and files of positions that they have solved.

Games with a solver of their own are named here; any other that is small enough is solved by
looking at all of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import holds_objects, take
from selfplay.lines.every_line import TooLargeError, edge_limit, enumerate_lines
from selfplay.lines.keys import position_keys
from selfplay.truth.base import Solver
from selfplay.truth.connect4 import ConnectFourSolver
from selfplay.truth.othello import OthelloSolver
from selfplay.truth.positions import write_positions
from selfplay.types import Float, Game, State

SOLVERS = (ConnectFourSolver, OthelloSolver)
SMALL_EDGES = 500_000  # moves to look at, which takes a second


def solver_for(game: Game) -> Solver:
    """The solver of ``game``.

    Raises ValueError with a sentence for the user when there is none, or when it needs a package
    that is not installed.
    """
    return next((kind for kind in SOLVERS if kind.solves(game)), ExhaustiveSolver)(game)


def quick_solver(game: Game) -> Solver | None:
    """The solver of ``game`` where one is there that is ready within a second or two, or None."""
    if not any(kind.solves(game) for kind in SOLVERS) and not is_small(game):
        return None
    try:
        return solver_for(game)
    except ValueError:  # its package is not installed
        return None


def is_small(game: Game) -> bool:
    """True for a game of two players that is solved as a whole within a second or two."""
    if game.num_players != 2:
        return False
    start = game.init(np.random.default_rng(0), 1)
    if holds_objects(start):  # each of its moves copies a Python object
        return False
    try:
        enumerate_lines(game, start, max_edges=SMALL_EDGES)
    except TooLargeError:
        return False
    return True


def label_stages(game: Game, path: str | Path, count: int, seed: int) -> None:
    """Writes a position file of ``count`` positions for each set, solved exactly.

    None of them is over, and none equals another or its mirror image; which there are says the
    solver's ``stages``.  The same seed writes the same bytes.  Raises ValueError for games that
    have no solver of their own, and when the solver is not installed.
    """
    kind = next((kind for kind in SOLVERS if kind.solves(game)), None)
    if kind is None:
        known = " and ".join(kind.game for kind in SOLVERS)
        raise ValueError(f"stages are known for {known} only, not for {game.name}")
    labelled = kind(game).stages(count, seed)
    scores = np.stack([each.scores for each in labelled])
    sets, moves = [each.set_name for each in labelled], [each.moves for each in labelled]
    write_positions(game, path, sets, moves, scores)


class ExhaustiveSolver:
    """Any small game, by looking at all lines of play; every position is solved once.

    Scores are those of ``lookahead``: the return, and a little for soonness.

    Raises ValueError when built for a game that is too large.
    """

    def __init__(self, game: Game) -> None:
        self._game = game
        self._keys: NDArray[np.uint64] = np.empty(0, np.uint64)  # sorted
        self._scores: Float = np.empty((0, game.num_actions), np.float32)  # row by row of _keys
        self.scores(game.init(np.random.default_rng(0), 1))

    def scores(self, state: State) -> Float:
        keys = position_keys(state)
        unknown = ~np.isin(keys, self._keys)
        if unknown.any():
            self._solve(take(state, unknown))
        return self._scores[np.searchsorted(self._keys, keys)]

    def _solve(self, state: State) -> None:
        try:
            levels, outcomes = enumerate_lines(self._game, state, max_edges=edge_limit(state))
        except TooLargeError as error:
            raise ValueError(f"there is no solver for {self._game.name}: {error}") from error
        keys = np.concatenate([self._keys, *(level.key for level in levels)])
        rows = [outcome.scores.astype(np.float32) for outcome in outcomes]
        self._keys, first = np.unique(keys, return_index=True)
        self._scores = np.concatenate([self._scores, *rows])[first]
