"""B games played side by side: the loop that steps them, whoever chooses the moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import length, take
from selfplay.types import Bool, Game, Int, State, Transition


class Turn(NamedTuple):
    """Whose move it is in the n games that go on."""

    number: int  # of the move, from 0 where the play began
    lane: NDArray[np.int64]  # [n] i64, which games these are, ascending
    second: Bool  # [n], True where the second player is to move
    state: State  # arrays [n, ...]


class Ply(NamedTuple):
    """One move in each of them."""

    turn: Turn
    action: Int  # [n] i32
    after: State  # arrays [n, ...]
    paid: Transition


Choose = Callable[[Turn], Int]  # the moves [n] to play


def lockstep(
    game: Game,
    state: State,
    choose: Choose,
    plies: NDArray[np.integer] | None = None,
    second: Bool | None = None,
) -> Iterator[Ply]:
    """Plays the games that begin at ``state`` [B], none of them over, and yields every move.

    A game drops out when it is over, or after ``plies`` [B] moves if these are given.
    ``second`` [B]: the second player is to move at the start (None: nowhere).
    Whoever stops asking stops the games.  Raises ValueError where ``choose`` plays what is illegal.
    """
    lanes = length(state)
    turn = Turn(0, np.arange(lanes), np.zeros(lanes, np.bool_), state)
    if second is not None:
        turn = turn._replace(second=second)
    if plies is not None:
        turn = Turn(0, *take(turn[1:], plies > 0))
    while len(turn.lane):
        action = choose(turn)
        after, paid = game.step(turn.state, action)
        yield Ply(turn, action, after, paid)
        going = paid.discount != 0
        if plies is not None:
            going &= plies[turn.lane] > turn.number + 1
        rest = np.flatnonzero(going)
        second = (turn.second ^ (paid.discount < 0))[rest]
        turn = Turn(turn.number + 1, turn.lane[rest], second, take(after, rest))
