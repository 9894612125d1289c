"""Othello near its end: the solver, and the positions that ship."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from envs.othello import Othello
from selfplay.arrays import take
from selfplay.lines.openings import any_move, random_positions
from selfplay.truth.base import Labelled, fresh, optimal_moves
from selfplay.truth.othello_endgame import endgame, solve_moves
from selfplay.types import Bool, Float, Game, Int, State

MOST_EMPTIES = 18  # of an Othello position, whose moves are then all solved in about a second
QUICK_EMPTIES = 14  # the same in 0.03 seconds on the average; with 18 it is 2 and up to 9
EMPTIES = (9, 12, 15, 18)  # of the sets of positions; odd numbers are mostly White's to move
CANDIDATES = 512  # random games played at a time

_LOST = 0.3  # the share of positions in which every move loses
_CARELESS = 0.25  # the share of random moves in play that otherwise counts replies


class OthelloSolver:
    """Othello near its end: a score is the disc difference of best play after the move.

    Empty squares count for the winner.  Threads take turns.
    """

    game = "othello"

    @staticmethod
    def solves(game: Game) -> bool:
        return isinstance(game, Othello)

    def __init__(self, game: Game) -> None:
        assert isinstance(game, Othello)
        self._game = game
        self._memory = endgame(game.size)
        self._lock = threading.Lock()

    def solvable(self, state: State) -> Bool:
        return self._empties(state) <= QUICK_EMPTIES

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

    def stages(self, count: int, seed: int) -> list[Labelled]:
        """Half from random play, half from play that leaves the opponent few replies.

        In three of ten every move loses, in the others some keep the best result, others spoil it.
        """
        game = self._game
        rng = np.random.default_rng(seed)
        seen: set[int] = set()
        labelled: list[Labelled] = []
        lost = round(_LOST * count)
        for empties in EMPTIES:
            plies = np.full(CANDIDATES, game.max_moves - empties)  # each fills a square
            for half, rule in enumerate((any_move, few_replies)):
                wanted = {True: (lost + half) // 2, False: (count - lost + 1 - half) // 2}
                while any(wanted.values()):
                    for moves, state in fresh(game, random_positions(game, plies, rng, rule), seen):
                        if game.legal(state).sum() < 2 or not any(wanted.values()):
                            continue
                        scores = self.scores(state)
                        is_lost = bool(np.nanmax(scores) < 0)
                        hangs = int(optimal_moves(scores).sum()) < int(game.legal(state).sum())
                        if (is_lost or hangs) and wanted[is_lost]:
                            wanted[is_lost] -= 1
                            labelled.append(Labelled(f"{empties}-empties", moves, scores[0]))
        return labelled


def few_replies(game: Game, state: State, rng: np.random.Generator) -> Int:
    """[B] i32, moves that leave the other player as few replies as can be, but for careless ones.

    A beginner's rule for Othello: who has few moves must soon give something away.
    """
    legal = game.legal(state)
    rows, actions = np.nonzero(legal)
    after, paid = game.step(take(state, rows), actions.astype(np.int32))
    replies = np.where(paid.discount < 0, game.legal(after).sum(axis=1), 0)
    appeal = np.full(legal.shape, -np.inf)
    appeal[rows, actions] = rng.random(len(rows)) - replies
    careless = rng.random(len(legal)) < _CARELESS
    return np.where(careless, any_move(game, state, rng), appeal.argmax(axis=1)).astype(np.int32)
