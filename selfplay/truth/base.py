"""What a solver is, and positions with their truth as solvers give them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from selfplay.arrays import take
from selfplay.lines.keys import canonical_keys
from selfplay.lines.openings import NO_MOVE, Openings
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


def optimal_moves(scores: Float) -> Bool:
    """[B, A], True for each action that keeps the best result (win, draw, loss) in reach.

    ``scores`` [B, A] as from a Solver.  A *mistake* is any other action.
    """
    sign = np.sign(scores)
    optimal: Bool = sign == np.nanmax(sign, axis=1, keepdims=True)
    return optimal


class Labelled(NamedTuple):
    """A position and its truth."""

    set_name: str
    moves: list[int]
    scores: Float  # [A] f32


def fresh(game: Game, reached: Openings, seen: set[int]) -> Iterator[tuple[list[int], State]]:
    """The moves and the state of each position not seen before; it is seen from now on."""
    for i, key in enumerate(canonical_keys(game, reached.state).tolist()):
        if key not in seen:
            seen.add(key)
            line = reached.moves[i]
            yield line[line != NO_MOVE].tolist(), take(reached.state, slice(i, i + 1))
