"""Openings of a pool: short, and decided under perfect play, so that equals do not all draw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import take
from selfplay.lines.keys import different
from selfplay.lines.openings import Openings, distinct_openings
from selfplay.truth.labels import Labeller
from selfplay.types import Game

CANDIDATES = 2048
PLIES = 6  # random moves, where the game is long enough for so many


def usual_plies(game: Game) -> int:
    """How many random moves a game of the pool begins with where nobody says."""
    return min(PLIES, game.max_moves // 4)


def unbalanced_openings(
    game: Game, count: int, plies: int, seed: int, labeller: Labeller | None
) -> Openings:
    """``count`` positions after ``plies`` random moves; the first of many are those of few.

    Where a solver knows the result of any of them, drawn ones are left out: the first player wins
    every other, the second player the rest, as long as there are both.  They repeat where there
    are too few.
    """
    rng = np.random.default_rng(seed)
    openings = distinct_openings(game, CANDIDATES, plies, rng)
    openings = take(openings, different(game, openings.state))
    rows = np.arange(len(openings.second)) if labeller is None else _decided(openings, labeller)
    return Openings(*take(openings, rows[np.arange(count) % len(rows)]))


def _decided(openings: Openings, labeller: Labeller) -> NDArray[np.int64]:
    """Rows of decided positions, both players' wins in turn; all rows where there are none."""
    known = np.flatnonzero(labeller.solvable(openings.state))
    scores = labeller.scores(take(openings.state, known))
    if not len(known):
        return np.arange(len(openings.second))
    result = np.sign(np.nanmax(scores, axis=1)) * np.where(openings.second[known], -1, 1)
    wins, losses = known[result > 0], known[result < 0]
    both = min(len(wins), len(losses))
    if both:
        turns: NDArray[np.int64] = np.stack([wins[:both], losses[:both]], axis=1).reshape(-1)
        return turns
    decided = np.concatenate([wins, losses])
    return decided if len(decided) else np.arange(len(openings.second))
