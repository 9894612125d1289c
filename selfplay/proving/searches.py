"""Searches for a proof of one problem: a tree guided by a net, or iterative deepening without.

The tree puts several positions before the net at a time: one by one the net would spend its time on
being called.  The search comes up for air every few simulations, to look at the clock and hear
Ctrl-C.  A tree without room left commits to the best move and goes on below it; when that leads
nowhere it begins again, with noise so that it comes another way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from envs.proving.calculus.deepening import Attempt, deepen
from envs.proving.calculus.matrix import Matrix, shuffled
from envs.proving.calculus.tableau import OVER, PROVED, RUNNING, Tableau
from envs.proving.game import SMALL, Proving, ProvingState
from selfplay.proving.lessons import moves_of
from selfplay.proving.trials import Bounds, Lanes, Metered, TreeMemory, Trial
from selfplay.search import Puct, Search
from selfplay.types import Evaluation, Evaluator, Game

ROOM = 65_536  # nodes of a tree; about 8 KB each
WAVE = 32  # leaves of the tree that are judged at a time

IN_ORDER = 1_000_000  # inferences in the order of the clauses, before others are tried
_SHUFFLED = 250_000  # in the first random orders; twice as many after each _EIGHT of them
_EIGHT = 8
_MOST = 1 << 30  # in one order: inferences are counted in 32 bits


class Glimpse(NamedTuple):
    """How a search stands."""

    inferences: int  # so far
    value: float | None  # the return that a guided search expects, in [-1, 1]
    tableau: Tableau  # the one it is at, or that its tree prefers; it goes on changing


class Guide(NamedTuple):
    """What guides a search: the rules it was trained in, the search, and the net's opinions."""

    name: str
    game: Proving  # on any problems
    search: Search
    opinions: Callable[[Proving], Evaluator]  # of positions of the same game on other problems


def unguided() -> Guide:
    """A guide without opinion, for searches that are looked at."""

    def none(game: Game, state: ProvingState) -> Evaluation:
        nothing = np.zeros(len(state.problem), np.float32)
        return Evaluation(np.zeros((len(nothing), game.num_actions), np.float32), nothing, nothing)

    return Guide("none", Proving(str(SMALL)), Puct(look_ahead=False), lambda game: none)


def search_guided(
    game: Proving,
    search: Search,
    evaluator: Evaluator,
    problem: int,
    bounds: Bounds = Bounds(),  # noqa: B008  it never changes
    stop: Callable[[], bool] | None = None,
    tell: Callable[[int], object] | None = None,
    room: int = ROOM,
    memory: TreeMemory | None = None,
    watch: Callable[[Glimpse], object] | None = None,
) -> Trial:
    """Searches for a proof of a problem of the game's library until the budget is used up.

    ``stop`` is asked now and then whether to give up, ``tell`` hears of the inferences made and
    ``watch`` sees how it stands.
    ``memory`` keeps the memory of the tree from one problem to the next.
    """
    start = game.start(np.array([problem], np.int32)).tableau.scalars[0, OVER]
    if start != RUNNING:
        return Trial(problem, bool(start == PROVED), True, 0, 0.0)
    model, rng = Metered(game, evaluator, search.look_ahead), np.random.default_rng(0)
    if search.kind == "puct":
        one_tree = search.model_copy(update={"simulations": room})
        lanes = Lanes(model, one_tree, rng, bounds, [problem], False, WAVE, room, memory)
    else:  # Gumbel's searches are planned to their last simulation
        lanes = Lanes(model, search, rng, bounds, [problem], memory=memory)
    while True:
        if tell is not None:
            tell(lanes.used(problem))
        done = lanes.go_on()
        if watch is not None:
            tableau, value = lanes.leader(0)
            watch(Glimpse(lanes.used(problem), value, tableau))
        if done or (stop is not None and stop()):
            return lanes.trial(0)


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
        problem, attempt.proved, attempt.exhausted, attempt.inferences, attempt.seconds, moves or ()
    )


def search_unguided(
    matrix: Matrix,
    problem: int,
    bounds: Bounds = Bounds(),  # noqa: B008  it never changes
    stop: Callable[[], bool] | None = None,
    watch: Callable[[Glimpse], object] | None = None,
) -> Attempt:
    """Searches for a proof until the budget is used up: where one order of the clauses has led
    nowhere for long, another is more likely to be lucky (Raths and Otten 2008, "randoCoP").

    ``stop`` is asked now and then whether to give up, ``watch`` sees how it stands.
    """
    begun, rng = time.perf_counter(), np.random.default_rng(0)
    used, order, budget = 0, matrix, IN_ORDER
    orders = depths = 0

    def see(inferences: int, tableau: Tableau) -> None:
        if watch is not None:
            watch(Glimpse(used + inferences, None, tableau))

    while True:
        left = bounds.less(time.perf_counter() - begun, used)
        most = budget if left.inferences is None else min(budget, left.inferences)
        attempt = deepen(order, problem, most, left.seconds, stop=stop, watch=see)
        used, depths = used + attempt.inferences, depths + attempt.rounds
        elapsed = time.perf_counter() - begun
        over = bounds.less(elapsed, used).are_over or (stop is not None and stop())
        if attempt.proved or attempt.exhausted or over or attempt.inferences < most:
            return attempt._replace(inferences=used, seconds=elapsed, rounds=depths)
        order = shuffled(matrix, problem, rng)
        budget = min(_SHUFFLED << orders // _EIGHT, _MOST)
        orders += 1
