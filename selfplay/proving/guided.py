"""Guided search on one problem: a single tree that grows until it holds a proof.

The search comes up for air every few simulations, to look at the clock and hear Ctrl-C.  A tree
without room left commits to the best move and goes on below it with what it knows there; when that
leads nowhere it begins again, with noise so that it comes another way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from envs.proving.game import Proving
from envs.proving.tableau import OVER, PROVED, RUNNING
from selfplay.proving.trials import Metered, winning_line
from selfplay.search import Search
from selfplay.search import forest as forests
from selfplay.types import Evaluator

ROOM = 16_384  # nodes of a tree; about 8 KB each
_SLICE = 32  # simulations between two looks at the clock


class Guide(NamedTuple):
    """What guides a search: the rules it was trained in, the search, and the net's opinions."""

    name: str
    game: Proving  # on any problems
    search: Search
    opinions: Callable[[Proving], Evaluator]  # of positions of the same game on other problems


class Guided(NamedTuple):
    """How a guided search ended."""

    proved: bool
    exhausted: bool  # every inference that the game's limits allow leads nowhere
    inferences: int
    moves: tuple[int, ...]  # of the proof


def search_guided(
    game: Proving,
    search: Search,
    evaluator: Evaluator,
    problem: int,
    inferences: int | None = None,
    seconds: float | None = None,
    stop: Callable[[], bool] | None = None,
    tell: Callable[[int], object] | None = None,
    room: int = ROOM,
) -> Guided:
    """Searches for a proof of a problem of the game's library until the budget is used up.

    ``stop`` is asked now and then whether to give up, ``tell`` hears of the inferences made.
    """
    begun = time.perf_counter()
    metered = Metered(game)
    start = state = game.start(np.array([problem], np.int32))
    if state.tableau.scalars[0, OVER] != RUNNING:
        return Guided(bool(state.tableau.scalars[0, OVER] == PROVED), True, 0, ())
    rng = np.random.default_rng(0)
    room = room if inferences is None else min(room, inferences + 1)
    forest = forests.plant(metered, state, evaluator, max(room, 4), search.look_ahead)
    line: list[int] = []
    noisy = np.zeros(1, np.bool_)
    while True:
        used = int(metered.used[problem])
        left = _SLICE if inferences is None else min(_SLICE, inferences - used)
        late = seconds is not None and time.perf_counter() - begun >= seconds
        if left <= 0 or late or (stop is not None and stop()):
            return Guided(False, False, used, ())
        budget = np.array([left], np.int32)
        found = search.search(forest, metered, evaluator, rng, noisy, budget)
        used = int(metered.used[problem])
        if tell is not None:
            tell(used)
        if found.solved[0]:
            proof = winning_line(forest.tree, 0)
            if proof is not None:
                in_time = inferences is None or used <= inferences
                return Guided(in_time, False, used, (*line, *proof) if in_time else ())
            if not line:
                return Guided(False, True, used, ())
            line, state, noisy = [], start, np.ones(1, np.bool_)
            forests.replant(forest, metered, state, evaluator, noisy, search.look_ahead)
        elif forest.tree.size[0] == forest.tree.visits.shape[1]:
            action = found.decision.action
            line.append(int(action[0]))
            state, _ = game.step(state, action)
            keep = np.ones(1, np.bool_)
            forests.advance(forest, metered, state, evaluator, action, keep, search.look_ahead)
