"""The positions that an agent itself goes to: from its games, with the truth about them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import concatenate, take
from selfplay.lines.keys import different
from selfplay.lines.lockstep import lockstep
from selfplay.lines.openings import random_positions
from selfplay.truth.labels import Labeller
from selfplay.truth.positions import Positions
from selfplay.types import Game, Player, State

OPENING_PLIES = 4  # random moves that an agent's own games begin with, at most
A_GAME = 4  # positions wanted for each of its games
FEWEST = 16  # games


def own_positions(
    game: Game, player: Player, count: int, labeller: Labeller, seed: int = 0
) -> Positions | None:
    """At most ``count`` different positions from games of ``player`` against itself, labelled.

    The games begin with 1 to OPENING_PLIES random moves, none like another or its mirror image.
    None where the solver can score none of the positions.
    """
    rng = np.random.default_rng(seed)
    games = max(FEWEST, -(-count // A_GAME))
    random = rng.integers(1, min(OPENING_PLIES, game.max_moves - 1) + 1, 4 * games)
    opened = random_positions(game, random, rng).state
    start = take(opened, different(game, opened)[:games])
    plies = lockstep(game, start, lambda turn: player.decide(game, turn.state, rng).action)
    met = [ply.turn.state for ply in plies]
    if not met:
        return None
    state = concatenate(met)
    rows = sample_different(game, state, count, labeller, rng)
    if not len(rows):
        return None
    state = take(state, rows)
    return Positions(("own",), np.zeros(len(rows), np.int32), state, labeller.scores(state))


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
