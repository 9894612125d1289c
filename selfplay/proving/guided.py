"""Guided search on one problem: a single tree that grows until it holds a proof.

The tree puts several positions before the net at a time: one by one the net would spend its time on
being called.  The search comes up for air every few simulations, to look at the clock and hear
Ctrl-C.  A tree without room left commits to the best move and goes on below it; when that leads
nowhere it begins again, with noise so that it comes another way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from envs.proving.calculus.tableau import OVER, PROVED, RUNNING
from envs.proving.game import SMALL, Proving
from selfplay.proving.trials import Bounds, Lanes, Metered, TreeMemory, Trial, Unguided
from selfplay.search import Puct, Search
from selfplay.types import Evaluator

ROOM = 65_536  # nodes of a tree; about 8 KB each
WAVE = 32  # leaves of the tree that are judged at a time


class Guide(NamedTuple):
    """What guides a search: the rules it was trained in, the search, and the net's opinions."""

    name: str
    game: Proving  # on any problems
    search: Search
    opinions: Callable[[Proving], Evaluator]  # of positions of the same game on other problems


def unguided() -> Guide:
    """A guide without opinion, for searches that are looked at."""
    rules = Proving(str(SMALL))
    opinion: Evaluator = Unguided(rules.num_actions)
    return Guide("none", rules, Puct(look_ahead=False), lambda game: opinion)


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
    memory: TreeMemory | None = None,
) -> Trial:
    """Searches for a proof of a problem of the game's library until the budget is used up.

    ``stop`` is asked now and then whether to give up, ``tell`` hears of the inferences made.
    ``memory`` keeps the memory of the tree from one problem to the next.
    """
    start = game.start(np.array([problem], np.int32))
    if start.tableau.scalars[0, OVER] != RUNNING:
        proved = bool(start.tableau.scalars[0, OVER] == PROVED)
        return Trial(problem, proved, True, 0, 0.0, (), ())
    one_tree = search.kind == "puct"  # Gumbel's searches are planned to their last simulation
    lanes = Lanes(
        Metered(game, evaluator, search.look_ahead),
        search.model_copy(update={"simulations": room}) if one_tree else search,
        np.random.default_rng(0),
        Bounds(seconds, inferences),
        [problem],
        wave=WAVE if one_tree else 1,
        room=room if one_tree else None,
        memory=memory,
    )
    while True:
        if tell is not None:
            tell(lanes.used(problem))
        if lanes.go_on() or (stop is not None and stop()):
            return lanes.trial(0)
