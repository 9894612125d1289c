"""Hindsight: what was proved on the way inside a trial that failed.

Every sub-tableau that was closed without help from above is a theorem with a proof: the goal at its
top cannot hold.  It becomes a problem of its own and a lesson (Aygun et al. 2022, "Proving theorems
using incremental learning and hindsight experience replay").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from envs.proving.calculus.matrix import build_library
from envs.proving.calculus.tableau import (
    GOAL,
    LEMMAS,
    OPEN,
    OPTIONS,
    OVER,
    PROVED,
    ROOT,
    RUNNING,
    SIZE,
    Tableau,
)
from envs.proving.game import Proving
from envs.proving.logic.formula import Clause, ClauseForm
from envs.proving.proofs.extract import literal_of
from selfplay import arrays
from selfplay.proving.lessons import from_proof
from selfplay.proving.trials import Trial
from selfplay.types import Targets


class Part(NamedTuple):
    """A theorem out of a failed trial: a problem, and the moves that prove it."""

    game: Proving  # of this problem alone
    moves: tuple[int, ...]


def closed_parts(t: Tableau) -> list[int]:
    """The nodes whose sub-tableaux are closed and stand alone, the largest first.

    Nothing in such a part is closed by what lies outside: its reductions name nodes in it, and so
    do its lemmas.  None is below another, and each took at least two extensions.
    """
    size = int(t.scalars[SIZE])
    done = t.closed[:size] != OPEN  # the node and all below
    needs = np.full(size, t.depth.max() + 1)  # depth of the highest node that these are closed by
    extensions = np.zeros(size, np.int64)
    for node in range(size - 1, ROOT, -1):  # those below come later
        how, parent = int(t.closed[node]), int(t.parent[node])
        if how == OPEN:
            done[parent] = False
            continue
        if how <= LEMMAS:  # its partner is below every node that the partner's parent is below
            needs[node] = t.depth[t.parent[LEMMAS - how]]
        elif how < 0:
            needs[node] = t.depth[-1 - how]
        else:
            extensions[node] += 1
        done[parent] &= done[node]
        needs[parent] = min(needs[parent], needs[node])
        extensions[parent] += extensions[node]
    tops: list[int] = []
    covered = np.zeros(size, np.bool_)
    for node in range(1, size):
        alone = done[node] and extensions[node] >= 2 and needs[node] >= t.depth[node]
        if alone and not covered[t.parent[node]]:
            tops.append(node)
        covered[node] = alone or covered[t.parent[node]]
    return sorted(tops, key=lambda node: (-int(extensions[node]), node))


def part_of(game: Proving, problem: int, t: Tableau, top: int) -> Part | None:
    """The theorem that the sub-tableau of ``top`` proves, as a problem of its own.

    The clauses are those of the problem, and the goal's literal under the substitution starts the
    proof.  None where the game takes a step on its own that the proof does not have.
    """
    form, matrix = game.library.forms[problem], game.library.matrix
    literal = literal_of(game.library, t, int(t.literal[top]), int(t.offset[top]))
    taken, name = {clause.name for clause in form.clauses}, "hindsight"
    while name in taken:
        name += "_"
    goal = Clause((literal,), name, "", "negated_conjecture")
    clauses = tuple(
        clause._replace(role="axiom" if clause.role == "negated_conjecture" else clause.role)
        for clause in form.clauses
    )
    own = ClauseForm(
        f"{form.name}_{top}", (goal, *clauses), True, form.equality, form.skolem, form.defined
    )
    small = game.on(build_library([own]))
    # literals are numbered as before, but for the goal in front and the problem's place
    shift = 1 - int(matrix.clause_start[matrix.clause_first[problem]])
    state, moves = small.start(np.zeros(1, np.int32)), []
    twin: dict[int, int] = {}  # node of the new tableau -> node of the old one
    while state.tableau.scalars[0, OVER] == RUNNING:
        new = arrays.take(state.tableau, 0)
        at = int(new.scalars[GOAL])
        options = new.options[: new.scalars[OPTIONS]]
        if at == ROOT:
            move = 0
        else:
            _pair(t, new, twin, top)
            old = twin.get(at)
            if old is None:
                return None
            how = int(t.closed[old])
            if LEMMAS < how < 0:
                back = [here for here, there in twin.items() if there == -1 - how]
                wanted = -1 - back[0] if back else OPEN
            else:
                wanted = how + shift
            fits = np.flatnonzero(options == wanted)
            if not len(fits):
                return None
            move = int(fits[0])
        moves.append(move)
        state, _ = small.step(state, np.array([move], np.int32))
    if state.tableau.scalars[0, OVER] != PROVED:
        return None
    return Part(small, tuple(moves))


def _pair(old: Tableau, new: Tableau, twin: dict[int, int], top: int) -> None:
    """Matches the nodes of the new tableau with those below ``top``, as far as they go alike."""
    twin[int(new.first[ROOT])] = top
    waiting = [int(new.first[ROOT])]
    while waiting:
        here = waiting.pop()
        there = twin[here]
        if new.children[here] != old.children[there] or new.closed[here] == OPEN:
            continue
        for i in range(int(new.children[here])):
            child = int(new.first[here]) + i
            twin[child] = int(old.first[there]) + i
            waiting.append(child)


def lessons_of_parts(game: Proving, trial: Trial, most: int, smoothing: float) -> list[Targets]:
    """Lessons from at most ``most`` theorems in the largest tableau of a failed trial.

    None for the net that sees no names: what it knows of a problem is made once for the library.
    """
    if not most or trial.furthest is None or game.view != "walks":
        return []
    t = arrays.take(trial.furthest.tableau, 0)
    lessons = []
    for top in closed_parts(t)[:most]:
        part = part_of(game, trial.problem, t, top)
        lesson = from_proof(part.game, 0, part.moves, smoothing) if part else None
        if lesson is not None:
            lessons.append(lesson)
    return lessons
