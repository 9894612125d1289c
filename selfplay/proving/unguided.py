"""Trials without a net, by iterative deepening, in the form of guided ones."""

from __future__ import annotations

import numpy as np

from envs.proving.deepening import deepen
from envs.proving.game import Proving
from envs.proving.matrix import shuffled
from selfplay.proving.lessons import moves_of
from selfplay.proving.trials import Trial


def attempt_unguided(
    game: Proving, problem: int, inferences: int, rng: np.random.Generator | None = None
) -> Trial:
    """A trial of the problem; its moves are empty where the game's limits do not hold the proof.

    With ``rng`` the clauses are tried in a random order.
    """
    matrix = game.library.matrix
    if rng is not None:
        matrix = shuffled(matrix, problem, rng)
    found = deepen(matrix, problem, inferences=inferences)
    moves = moves_of(game, problem, found.tableau) if found.proved else None
    return Trial(
        problem,
        found.proved,
        found.exhausted,
        found.inferences,
        found.seconds,
        moves or (),
        (),
    )
