"""What every action leads to, by looking at all lines of play, level by level.

Equal positions of a level are visited once.  Complete to the end of the game this is an exact
solver (``solver.py``), cut off at a depth it is minimax (``players.py``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import holds_objects, take
from selfplay.lines.keys import position_keys
from selfplay.types import Bool, Game, State

HASTE = 1e-3  # how much of a score may speak of soonness; returns differ by more than this
MAX_EDGES = 10_000_000  # moves tried before there counts as too much to look at
MAX_EDGES_OBJECTS = 200_000  # the same for games whose states are Python objects
UNSEEN = -1  # no position of the next level: the game is over, or the horizon is reached


class Level(NamedTuple):
    """The distinct positions of one depth [N], and where their legal actions lead [E]."""

    key: NDArray[np.uint64]  # [N] u64, hash of the position
    legal: Bool  # [N, A]
    reward: NDArray[np.float32]  # [E] f32, in the order of np.nonzero(legal)
    discount: NDArray[np.float32]  # [E] f32
    child: NDArray[np.int64]  # [E] i64, index into the next level, or UNSEEN


class Outcomes(NamedTuple):
    """What each action of N positions brings, for the player to move."""

    returns: NDArray[np.float64]  # [N, A] f64, return under best play; NaN where illegal
    scores: NDArray[np.float64]  # [N, A] f64, the same with soonness added: wins soon, losses late


class TooLargeError(ValueError):
    """There is more to look at than was asked for."""


def enumerate_lines(
    game: Game, state: State, depth: int | None = None, max_edges: int | None = None
) -> tuple[list[Level], list[Outcomes]]:
    """The levels below ``state`` and the outcomes of every action of their positions.

    Row i of level 0 is row i of ``state``.  Below ``depth`` levels (None: no limit) every return
    counts 0.  A score is ``return + HASTE * sign(return) * (1 - plies / (max_moves + 1))``, where
    ``plies`` is how long best play lasts.

    Raises TooLargeError when more than ``max_edges`` actions (None: no limit) would be tried.
    """
    levels = _expand(game, state, depth, max_edges)
    outcomes: list[Outcomes] = []
    value, plies = np.zeros(0), np.zeros(0)
    for level in reversed(levels):
        outcome, value, plies = _back_up(level, value, plies, game.max_moves)
        outcomes.append(outcome)
    return levels, outcomes[::-1]


def edge_limit(state: State) -> int:
    """How many moves below one position may be looked at in reasonable time."""
    return MAX_EDGES_OBJECTS if holds_objects(state) else MAX_EDGES


def _expand(game: Game, state: State, depth: int | None, max_edges: int | None) -> list[Level]:
    levels: list[Level] = []
    edges = 0
    while True:
        legal = game.legal(state)
        rows, actions = np.nonzero(legal)
        edges += len(rows)
        if max_edges is not None and edges > max_edges:
            raise TooLargeError(f"it has more than {max_edges:,} moves to look at")
        key = position_keys(state)
        after, paid = game.step(take(state, rows), actions.astype(np.int32))
        child = np.full(len(rows), UNSEEN)
        levels.append(Level(key, legal, paid.reward, paid.discount, child))
        going = np.flatnonzero(paid.discount)
        if len(levels) == depth or not len(going):
            break
        alive = take(after, going)
        _, first, child[going] = np.unique(
            position_keys(alive), return_index=True, return_inverse=True
        )
        state = take(alive, first)
    return levels


def _back_up(
    level: Level, value: NDArray[np.float64], plies: NDArray[np.float64], max_moves: int
) -> tuple[Outcomes, NDArray[np.float64], NDArray[np.float64]]:
    """The outcomes of a level, and value [N] and length [N] of best play, from the next level's."""
    seen = level.child != UNSEEN
    edge_return = level.reward.astype(np.float64)
    edge_return[seen] += level.discount[seen] * value[level.child[seen]]
    edge_plies = np.ones(len(edge_return))
    edge_plies[seen] += plies[level.child[seen]]
    haste = HASTE * np.sign(edge_return) * (1 - edge_plies / (max_moves + 1))
    returns = np.full(level.legal.shape, np.nan)
    returns[level.legal] = edge_return
    scores = np.full(level.legal.shape, np.nan)
    scores[level.legal] = edge_return + haste
    all_plies = np.zeros(level.legal.shape)
    all_plies[level.legal] = edge_plies
    best = scores == np.nanmax(scores, axis=1, keepdims=True)
    value = np.where(best, returns, -np.inf).max(axis=1)
    soonest = np.where(best, all_plies, np.inf).min(axis=1)  # not the first: mirror images agree
    return Outcomes(returns, scores), value, soonest
