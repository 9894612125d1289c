"""Search without a net: iterative deepening, in the order of the clauses and in random orders."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from envs.proving.calculus.deepening import Attempt, deepen
from envs.proving.calculus.matrix import Matrix, shuffled
from envs.proving.game import Proving
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
    attempt = deepen(matrix, problem, inferences=inferences)
    moves = moves_of(game, problem, attempt.tableau) if attempt.proved else None
    return Trial(
        problem,
        attempt.proved,
        attempt.exhausted,
        attempt.inferences,
        attempt.seconds,
        moves or (),
        (),
    )


IN_ORDER = 1_000_000  # inferences in the order of the clauses, before others are tried
_SHUFFLED = 250_000  # in the first random orders; twice as many after each _EIGHT of them
_EIGHT = 8
_MOST = 1 << 30  # in one order: inferences are counted in 32 bits


def search_unguided(
    matrix: Matrix,
    problem: int,
    inferences: int | None = None,
    seconds: float | None = None,
    stop: Callable[[], bool] | None = None,
) -> Attempt:
    """Searches for a proof until the budget is used up: where one order of the clauses has led
    nowhere for long, another is more likely to be lucky (Raths and Otten 2008, "randoCoP").

    ``stop`` is asked now and then whether to give up.
    """
    begun, rng = time.perf_counter(), np.random.default_rng(0)
    used, order, budget = 0, matrix, IN_ORDER
    orders = depths = 0
    while True:
        left = None if seconds is None else seconds - (time.perf_counter() - begun)
        most = budget if inferences is None else min(budget, inferences - used)
        attempt = deepen(order, problem, most, left, stop=stop)
        used, depths = used + attempt.inferences, depths + attempt.rounds
        elapsed = time.perf_counter() - begun
        late = seconds is not None and elapsed >= seconds
        spent = inferences is not None and used >= inferences
        over = late or spent or (stop is not None and stop())
        if attempt.proved or attempt.exhausted or over or attempt.inferences < most:
            return attempt._replace(inferences=used, seconds=elapsed, rounds=depths)
        order = shuffled(matrix, problem, rng)
        budget = min(_SHUFFLED << orders // _EIGHT, _MOST)
        orders += 1
