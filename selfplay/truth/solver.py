"""Perfect players: the exact score of every action.

Connect Four is solved by ``bitbully`` (optional, AGPL: imported only where it is used), the end of
Othello by selfplay/truth/othello.py, any game small enough by looking at all of it.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from envs.othello import Othello
from selfplay.arrays import holds_objects, take
from selfplay.lines.every_line import TooLargeError, edge_limit, look_ahead
from selfplay.lines.keys import position_keys
from selfplay.truth.othello import endgame, solve_moves
from selfplay.types import Bool, Float, Game, State


class Solver(Protocol):
    """Knows the exact score of every action of a game."""

    def scores(self, state: State) -> Float:
        """[B, A] f32, the score of each action for the player to move; NaN where illegal.

        The sign says win, draw or loss; among equal signs larger is better: sooner for a win,
        later for a loss, or by more discs.  Where the game is over every action scores 0.
        Raises ValueError with a sentence for a position that is too far from its end.
        """


@runtime_checkable
class Partial(Protocol):
    """Optional part of a Solver that cannot score every position."""

    def solvable(self, state: State) -> Bool:
        """[B], True where ``scores`` is possible in reasonable time."""


def solver_for(game: Game) -> Solver:
    """The solver of ``game``.

    Raises ValueError with a sentence for the user when there is none, or when it needs a package
    that is not installed.
    """
    if game.name == "connect4":
        return ConnectFourSolver(game)
    if isinstance(game, Othello):
        return OthelloSolver(game)
    return ExhaustiveSolver(game)


SMALL_EDGES = 500_000  # moves to look at, which takes a second


def is_small(game: Game) -> bool:
    """True for a game of two players that is solved as a whole within a second or two."""
    if game.num_players != 2:
        return False
    start = game.init(np.random.default_rng(0), 1)
    if holds_objects(start):  # each of its moves copies a Python object
        return False
    try:
        look_ahead(game, start, max_edges=SMALL_EDGES)
    except TooLargeError:
        return False
    return True


def optimal_moves(scores: Float) -> Bool:
    """[B, A], True for each action that keeps the best result (win, draw, loss) in reach.

    ``scores`` [B, A] as from a Solver.  A *mistake* is any other action.
    """
    sign = np.sign(scores)
    optimal: Bool = sign == np.nanmax(sign, axis=1, keepdims=True)
    return optimal


class ConnectFourSolver:
    """Connect Four, 7 x 6 and four in a row, by bitbully with its opening book.

    A score of s > 0: the player to move wins with his (22 - s)-th stone; of -s: the other does.
    """

    def __init__(self, game: Game) -> None:
        try:
            import bitbully
        except ImportError as error:
            raise ValueError(
                "the perfect Connect Four player needs the package bitbully: "
                "pip install 'selfplay[solver]'"
            ) from error
        self._game = game
        self._board: Any = bitbully.Board
        self._bitbully: Any = bitbully.BitBully()

    def scores(self, state: State) -> Float:
        planes = self._game.observe(state).planes.astype(np.int64)
        first_to_move = planes.sum(axis=(1, 2, 3)) % 2 == 0
        mark = np.where(first_to_move, 1, 2)[:, None, None]
        boards = planes[:, 0] * mark + planes[:, 1] * (3 - mark)
        scores = np.full((len(boards), 7), np.nan, np.float32)
        for i, board in enumerate(boards.tolist()):
            if state.over[i]:
                scores[i] = 0
                continue
            for column, score in self._bitbully.score_all_moves(self._board(board)).items():
                scores[i, column] = score
        return scores


MOST_EMPTIES = 18  # of an Othello position, whose moves are then all solved in about a second
QUICK_EMPTIES = 14  # the same in 0.03 seconds on the average; with 18 it is 2 and up to 9


class OthelloSolver:
    """Othello near its end: a score is the disc difference of best play after the move.

    Empty squares count for the winner.  Threads take turns.
    """

    def __init__(self, game: Othello) -> None:
        self._game = game
        self._memory = endgame(game.size)
        self._lock = threading.Lock()

    def solvable(self, state: State) -> Bool:
        can: Bool = self._empties(state) <= QUICK_EMPTIES
        return can

    def scores(self, state: State) -> Float:
        size = self._game.size
        empties = self._empties(state)
        if (empties > MOST_EMPTIES).any():
            raise ValueError(
                f"{self._game.name} is solved from {MOST_EMPTIES} empty squares on; a position "
                f"with {int(empties.max())} was asked for"
            )
        scores = np.zeros((len(empties), self._game.num_actions), np.float32)
        row = np.empty((8, 8), np.float32)
        with self._lock:
            for i in np.flatnonzero(~state.over):
                solve_moves(state.mover[i], state.other[i], self._memory, row.reshape(64))
                scores[i] = row[:size, :size].reshape(-1)
        return scores

    def _empties(self, state: State) -> NDArray[np.int64]:
        """[B] i64, 0 where the game is over."""
        planes = self._game.observe(state).planes
        discs = planes[:, :2].sum(axis=(1, 2, 3), dtype=np.int64)
        return np.where(state.over, 0, self._game.size**2 - discs)


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
        scores: Float = self._scores[np.searchsorted(self._keys, keys)]
        return scores

    def _solve(self, state: State) -> None:
        try:
            levels, outcomes = look_ahead(self._game, state, max_edges=edge_limit(state))
        except TooLargeError as error:
            raise ValueError(f"there is no solver for {self._game.name}: {error}") from error
        keys = np.concatenate([self._keys, *(level.key for level in levels)])
        rows = [outcome.scores.astype(np.float32) for outcome in outcomes]
        self._keys, first = np.unique(keys, return_index=True)
        self._scores = np.concatenate([self._scores, *rows])[first]
