"""Positions that random play reaches."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import concatenate, length, take
from selfplay.lines.every_line import position_keys
from selfplay.stats import random_actions
from selfplay.types import Bool, Game, Int, Obs, State, Symmetric

NO_MOVE = -1  # fills the rows of shorter lines of play
ROUNDS = 20  # batches tried before openings may repeat
FEW = 12  # different openings are too few for a match
MOST_PLIES = 8


class Openings(NamedTuple):
    """M positions of games under way and how they came about."""

    state: State  # [M]
    moves: Int  # [M, L] i32, the line of play, NO_MOVE behind its end
    second: Bool  # [M], True where the second player is to move


Choose = Callable[[Game, State, np.random.Generator], Int]  # the moves [B] to play


def any_move(game: Game, state: State, rng: np.random.Generator) -> Int:
    """[B] i32, legal moves, all equally likely."""
    return random_actions(game.legal(state), rng)


def random_positions(
    game: Game, plies: NDArray[np.int64], rng: np.random.Generator, choose: Choose = any_move
) -> Openings:
    """The positions after ``plies`` [M] random moves, or those that ``choose`` plays.

    Games that ended on the way are left out, so fewer than M may come back.
    """
    state = game.init(rng, len(plies))
    moves = np.full((len(plies), int(plies.max(initial=0))), NO_MOVE, np.int32)
    second = np.zeros(len(plies), np.bool_)
    going = np.arange(len(plies))
    parts: list[State] = []
    rows: list[NDArray[np.int64]] = []
    for ply in range(moves.shape[1] + 1):
        there = plies[going] == ply
        parts.append(take(state, there))
        rows.append(going[there])
        state, going = take(state, ~there), going[~there]
        if not len(going):
            break
        moves[going, ply] = choose(game, state, rng)
        state, paid = game.step(state, moves[going, ply])
        second[going] ^= paid.discount < 0
        alive = paid.discount != 0
        state, going = take(state, alive), going[alive]
    kept = np.concatenate(rows)
    return Openings(concatenate(parts), moves[kept], second[kept])


def distinct_openings(game: Game, count: int, plies: int, rng: np.random.Generator) -> Openings:
    """``count`` positions after ``plies`` random moves, none over.

    None equals another or its mirror image as long as there are enough; after that they repeat.
    Raises ValueError when random games of that length have always ended before.
    """
    found: Openings | None = None
    for _ in range(ROUNDS):
        more = random_positions(game, np.full(max(count, 64), plies), rng)
        found = more if found is None else concatenate([found, more])
        _, first = np.unique(canonical_keys(game, found.state), return_index=True)
        found = take(found, np.sort(first)[:count])
        if length(found) == count:
            return found
    assert found is not None
    if not length(found):
        raise ValueError(f"random games of {game.name} end before {plies} moves are played")
    return Openings(*take(found, np.arange(count) % length(found)))


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
        different = len(np.unique(canonical_keys(game, reached.state)))
        if different >= (min(FEW, count) if longer == plies else count):
            return longer
    return plies


def canonical_keys(game: Game, state: State) -> NDArray[np.uint64]:
    """[B] u64, equal for positions that a symmetry of the game turns into one another."""
    return canonical_obs_keys(game, game.observe(state))


def canonical_obs_keys(game: Game, obs: Obs) -> NDArray[np.uint64]:
    """[B] u64, the same for observations."""
    keys = [position_keys(obs)]
    if isinstance(game, Symmetric):
        keys += [position_keys(game.transform(obs, k)) for k in range(1, len(game.action_map))]
    smallest: NDArray[np.uint64] = np.min(keys, axis=0)
    return smallest
