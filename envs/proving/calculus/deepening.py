"""Unguided search: iterative deepening on the length of branches, as leanCoP does it.

Otten 2008, "leanCoP 2.0 and ileanCoP 1.2" and 2010, "Restricting backtracking in connection
calculi": options are tried in order, a branch may grow to the limit of the round, and with
restricted backtracking ("cut") a goal that has been closed once is never closed in another way.
That is incomplete, so after some rounds the search starts again without it ("comp").

The search runs in slices, so that the clock can be looked at and Ctrl-C is heard.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from envs.proving.calculus.matrix import Matrix
from envs.proving.calculus.tableau import (
    GOAL,
    INFERENCES,
    LEMMAS,
    LIMITED,
    NO_GOAL,
    OPTIONS,
    OVER,
    PROVED,
    ROOT,
    RUNNING,
    SIZE,
    VARIABLES,
    Limits,
    Tableau,
    begin,
    close,
    find_options,
    has_room,
    infer,
    is_regular,
    lemma_of,
    new_tableau,
)
from envs.proving.calculus.unify import Scratch, new_scratch, undo
from selfplay.jit import bare_kernel
from selfplay.types import Int

_NODES, _VARIABLES, _OPTIONS = 8000, 16000, 4096
_POOL = 400_000
_SLICE, _SLICE_S = 1000, 0.05  # steps before the first look at the clock; seconds between two

# what a slice ends with
_ROUND_OVER = 3

# the columns of a choice point
_GOAL, _NEXT, _END, _TRAIL, _SIZE, _VARS = 0, 1, 2, 3, 4, 5

# the columns of ``counts``
_TOP, _FILLED, _WAS_LIMITED = 0, 1, 2


class _Stack(NamedTuple):
    """The choice points of one search."""

    choices: Int  # [K, 6] i32
    pool: Int  # [...] i32, the options that choice points have left
    height: Int  # [N] i32, choice points there were when a node became the goal
    counts: Int  # [3] i32


class Attempt(NamedTuple):
    """How a search ended."""

    proved: bool
    exhausted: bool  # all there is was tried, backtracking unrestricted and nothing forbidden
    inferences: int
    seconds: float
    rounds: int  # depth limits gone through
    tableau: Tableau  # closed, if proved


def deepen(
    matrix: Matrix,
    problem: int,
    inferences: int | None = None,
    seconds: float | None = None,
    cut: bool = True,
    complete_from: int = 7,
    stop: Callable[[], bool] | None = None,
    watch: Callable[[int, Tableau], object] | None = None,
) -> Attempt:
    """Searches for a proof until the budget is used up.

    ``cut`` restricts backtracking until the depth ``complete_from`` is reached, when the search
    starts again without.  ``stop`` is asked now and then whether to give up, ``watch`` hears of the
    inferences so far and sees the tableau, which goes on changing.
    """
    begun = time.perf_counter()
    t = new_tableau(_NODES, _VARIABLES, _OPTIONS)
    scratch = new_scratch(_VARIABLES)
    stack = _Stack(
        np.zeros((_NODES * 4, 6), np.int32),
        np.zeros(_POOL, np.int32),
        np.zeros(_NODES, np.int32),
        np.zeros(3, np.int32),
    )
    used, rounds, depth, restricted = 0, 0, 1, cut
    most = 2**31 - 2**20 if inferences is None else inferences
    steps, looked = _SLICE, 0.0
    while True:
        rounds += 1
        begin(matrix, problem, t)
        _prepare(matrix, problem, t, stack, scratch, not restricted)
        limits = Limits(depth, True)
        while True:
            ended = _search(matrix, t, limits, scratch, stack, restricted, most - used, steps)
            elapsed = time.perf_counter() - begun
            faster = _SLICE_S / max(elapsed - looked, _SLICE_S / 4)
            steps, looked = int(min(max(steps * faster, 10), 1e6)), elapsed
            spent = used + int(t.scalars[INFERENCES]) >= most
            if watch is not None:
                watch(used + int(t.scalars[INFERENCES]), t)
            late = seconds is not None and elapsed >= seconds
            over = spent or late or (stop is not None and stop())
            if ended != RUNNING or over:
                break
        taken = int(t.scalars[INFERENCES])
        used += taken
        limited = bool(stack.counts[_WAS_LIMITED])
        sure = not limited and not scratch.gave_up[0]
        exhausted = ended == _ROUND_OVER and sure and not restricted
        if ended != _ROUND_OVER or over or exhausted or (taken == 0 and not restricted):
            return Attempt(ended == PROVED, exhausted, used, elapsed, rounds, t)
        depth += 1
        if restricted and (depth >= complete_from or not limited or taken == 0):
            restricted, depth = False, 1


@bare_kernel
def _prepare(
    matrix: Matrix, problem: int, t: Tableau, stack: _Stack, scratch: Scratch, every: bool
) -> None:
    """Begins a round: the root's choice point holds the start clauses, all of them if ``every``."""
    scratch.length[0], scratch.gave_up[0] = 0, 0
    first = matrix.start_first[problem]
    end = matrix.start_first[problem + 1] if every else first + matrix.goal_starts[problem]
    filled = 0
    stack.counts[_WAS_LIMITED] = 0
    for i in range(first, end):
        if filled == stack.pool.shape[0] or not has_room(matrix, t, matrix.starts[i], 0):
            stack.counts[_WAS_LIMITED] = 1
            continue
        stack.pool[filled] = matrix.starts[i]
        filled += 1
    stack.counts[_TOP] = 1
    stack.counts[_FILLED] = filled
    stack.choices[0] = 0
    stack.choices[0, _END] = filled
    stack.choices[0, _SIZE] = 1
    t.scalars[OVER] = RUNNING
    t.scalars[GOAL] = -2  # the first step backtracks to the root's choice point


@bare_kernel
def _search(
    matrix: Matrix,
    t: Tableau,
    limits: Limits,
    scratch: Scratch,
    stack: _Stack,
    cut: bool,
    inferences: int,
    steps: int,
) -> int:
    """Goes on for so many steps: PROVED, _ROUND_OVER, or RUNNING when there is more to try."""
    for _ in range(steps):
        if t.scalars[INFERENCES] >= inferences:
            return RUNNING
        goal = t.scalars[GOAL]
        if goal == NO_GOAL:
            t.scalars[OVER] = PROVED
            return PROVED
        if goal < 0:
            if not _retry(matrix, t, scratch, stack):
                return _ROUND_OVER
            _restrict(t, stack, cut)
            continue
        stack.height[goal] = stack.counts[_TOP]
        lemma = lemma_of(matrix, t, goal, scratch)
        if lemma >= 0:
            close(t, goal, LEMMAS - lemma)
            _restrict(t, stack, cut)
            continue
        t.scalars[OPTIONS] = 0
        if is_regular(matrix, t, goal, scratch):
            find_options(matrix, t, limits, scratch)
            stack.counts[_WAS_LIMITED] |= t.scalars[LIMITED]
        if t.scalars[OPTIONS] == 0:
            t.scalars[GOAL] = -2
            continue
        if t.scalars[OPTIONS] > 1 and not _push(t, scratch, stack):
            stack.counts[_WAS_LIMITED] = 1
        infer(matrix, t, t.options[0], scratch)
        _restrict(t, stack, cut)
    return RUNNING


@bare_kernel
def _push(t: Tableau, scratch: Scratch, stack: _Stack) -> bool:
    """Remembers the options after the first; False where there is no room for them."""
    top, filled = stack.counts[_TOP], stack.counts[_FILLED]
    count = t.scalars[OPTIONS]
    if top == stack.choices.shape[0] or filled + count > stack.pool.shape[0]:
        return False
    for i in range(1, count):
        stack.pool[filled + i - 1] = t.options[i]
    choice = stack.choices[top]
    choice[_GOAL], choice[_NEXT], choice[_END] = t.scalars[GOAL], filled, filled + count - 1
    choice[_TRAIL], choice[_SIZE] = scratch.length[0], t.scalars[SIZE]
    choice[_VARS] = t.scalars[VARIABLES]
    stack.counts[_TOP] = top + 1
    stack.counts[_FILLED] = filled + count - 1
    return True


@bare_kernel
def _retry(matrix: Matrix, t: Tableau, scratch: Scratch, stack: _Stack) -> bool:
    """Takes the next option of the latest choice point; False when none is left."""
    while stack.counts[_TOP] > 0:
        choice = stack.choices[stack.counts[_TOP] - 1]
        if choice[_NEXT] == choice[_END]:
            stack.counts[_TOP] -= 1
            continue
        undo(scratch, choice[_TRAIL], t.bound)
        t.scalars[GOAL], t.scalars[SIZE] = choice[_GOAL], choice[_SIZE]
        t.scalars[VARIABLES] = choice[_VARS]
        option = stack.pool[choice[_NEXT]]
        choice[_NEXT] += 1
        if choice[_NEXT] == choice[_END] and choice[_GOAL] != ROOT:
            stack.counts[_TOP] -= 1
        stack.counts[_FILLED] = choice[_END]
        infer(matrix, t, option, scratch)
        return True
    return False


@bare_kernel
def _restrict(t: Tableau, stack: _Stack, cut: bool) -> None:
    """With ``cut``, forgets the choice points of the node that has just been closed for good."""
    goal = t.scalars[GOAL]
    if not cut or goal <= 0:
        return
    if goal > t.first[t.parent[goal]]:  # the node to its left is closed with all below
        stack.counts[_TOP] = min(stack.counts[_TOP], stack.height[goal - 1])
