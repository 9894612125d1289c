"""Positions that random play reaches."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import concatenate, length, put, take, tree_map
from selfplay.lines.keys import different
from selfplay.lines.lockstep import lockstep
from selfplay.stats import random_actions
from selfplay.types import Bool, Game, Int, State

NO_MOVE = -1  # fills the rows of shorter lines of play
ROUNDS = 20  # batches tried before openings may repeat
FEW = 12  # different openings are too few for a match
MOST_PLIES = 8


class Openings(NamedTuple):
    """M positions of games under way and how they came about."""

    state: State  # [M]
    moves: Int  # [M, L] i32, the line of play, NO_MOVE behind its end
    second: Bool  # [M], True where the second player is to move


MoveRule = Callable[[Game, State, np.random.Generator], Int]  # the moves [B] to play


def any_move(game: Game, state: State, rng: np.random.Generator) -> Int:
    """[B] i32, legal moves, all equally likely."""
    return random_actions(game.legal(state), rng)


def random_positions(
    game: Game, plies: NDArray[np.int64], rng: np.random.Generator, rule: MoveRule = any_move
) -> Openings:
    """The positions after ``plies`` [M] random moves, or those that ``rule`` plays.

    The shortest lines come first.  Games that ended on the way are left out, so fewer than M may
    come back.
    """
    state = game.init(rng, len(plies))
    reached = tree_map(np.copy, state)
    moves = np.full((len(plies), int(plies.max(initial=0))), NO_MOVE, np.int32)
    second, over = np.zeros((2, len(plies)), np.bool_)
    for turn, action, after, paid in lockstep(
        game, state, lambda turn: rule(game, turn.state, rng), plies
    ):
        put(reached, turn.lane, after)
        moves[turn.lane, turn.number] = action
        second[turn.lane] = turn.second ^ (paid.discount < 0)
        over[turn.lane] = paid.discount == 0
    kept = np.argsort(plies, kind="stable")
    kept = kept[~over[kept]]
    return Openings(take(reached, kept), moves[kept], second[kept])


def distinct_openings(game: Game, count: int, plies: int, rng: np.random.Generator) -> Openings:
    """``count`` positions after ``plies`` random moves, none over.

    None equals another or its mirror image as long as there are enough; after that they repeat.
    Raises ValueError when random games of that length have always ended before.
    """
    chosen: Openings | None = None
    for _ in range(ROUNDS):
        more = random_positions(game, np.full(max(count, 64), plies), rng)
        chosen = more if chosen is None else concatenate([chosen, more])
        chosen = take(chosen, different(game, chosen.state)[:count])
        if length(chosen) == count:
            return chosen
    assert chosen is not None
    if not length(chosen):
        raise ValueError(f"random games of {game.name} end before {plies} moves are played")
    return Openings(*take(chosen, np.arange(count) % length(chosen)))


def enough_plies(game: Game, count: int, plies: int) -> int:
    """How many random moves give ``count`` games different beginnings: ``plies`` or more.

    More only where ``plies`` is 2 or above and leads to fewer than FEW different positions (or
    ``count``, if that is less), as in Othello; none where more moves do not help either.
    """
    if plies < 2:
        return plies
    for longer in range(plies, MOST_PLIES + 1):
        reached = random_positions(
            game, np.full(max(256, 8 * count), longer), np.random.default_rng(0)
        )
        enough = min(FEW, count) if longer == plies else count
        if len(different(game, reached.state)) >= enough:
            return longer
    return plies
