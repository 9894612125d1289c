"""Lessons: what a net learns from proofs, from trials that failed, and in hindsight.

Inside a trial that failed every sub-tableau that was closed without help from above is a theorem
with a proof: the goal at its top cannot hold.  It becomes a problem of its own and a lesson (Aygun
et al. 2022, "Proving theorems using incremental learning and hindsight experience replay").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from envs.proving.game import Proving, ProvingState
from envs.proving.logic.formula import Clause, ClauseForm
from envs.proving.proofs.checker import check_proof
from envs.proving.proofs.extract import literal_of, proof_of
from selfplay import arrays
from selfplay.learning.samples import targets
from selfplay.proving.trials import Trial
from selfplay.types import Targets

_WON = np.array([1.0, 0.0, 0.0], np.float32)
_LOST = np.array([0.0, 0.0, 1.0], np.float32)


def moves_of(game: Proving, problem: int, closed: Tableau) -> tuple[int, ...] | None:
    """The moves of the game that build a closed tableau found by another search.

    None where the game's limits do not allow it, or where it takes a closing step that the game
    does not leave open.
    """
    return _moves_towards(game, problem, lambda t: int(closed.closed[t.scalars[GOAL]]))


def _moves_towards(
    game: Proving, problem: int, choice: Callable[[Tableau], int | None]
) -> tuple[int, ...] | None:
    """The moves to a proof by the inference that ``choice`` names; None where it is not open."""
    state, moves = game.start(np.array([problem], np.int32)), []
    while state.tableau.scalars[0, OVER] == RUNNING:
        t = arrays.take(state.tableau, 0)
        fits = np.flatnonzero(t.options[: t.scalars[OPTIONS]] == choice(t))
        if not len(fits):
            return None
        moves.append(int(fits[0]))
        state, _ = game.step(state, np.array(moves[-1:], np.int32))
    return tuple(moves) if state.tableau.scalars[0, OVER] == PROVED else None


def replay(
    game: Proving, problem: int, moves: Sequence[int]
) -> tuple[list[ProvingState], ProvingState]:
    """The positions in which the moves are made, and the one they lead to."""
    positions = [game.start(np.array([problem], np.int32))]
    for move in moves:
        positions.append(game.step(positions[-1], np.array([move], np.int32))[0])
    return positions[:-1], positions[-1]


def accepts(game: Proving, trial: Trial) -> bool:
    """Whether the checker accepts the proof that a trial has found, whose moves it tells."""
    _, end = replay(game, trial.problem, trial.actions)
    proof = proof_of(game.library, trial.problem, arrays.take(end.tableau, 0))
    return check_proof(game.library.forms[trial.problem], proof).accepted


def from_proof(
    game: Proving, problem: int, moves: Sequence[int], smoothing: float = 0.0
) -> Targets | None:
    """A sample of each choice of a proof: the move it took, and that it was won.

    The share ``smoothing`` of the policy goes to all moves alike: there are other proofs.
    None where the proof took no choice.
    """
    positions, end = replay(game, problem, moves)
    if end.tableau.scalars[0, OVER] != PROVED:
        raise ValueError(f"these moves do not prove {game.library.forms[problem].name}")
    choices = [i for i, at in enumerate(positions) if at.tableau.scalars[0, OPTIONS] > 1]
    if not choices:
        return None
    state = arrays.concatenate([positions[i] for i in choices])
    legal = game.legal(state)
    policy = np.zeros(legal.shape, np.float32)
    policy[np.arange(len(choices)), [moves[i] for i in choices]] = 1.0
    policy = (1 - smoothing) * policy + smoothing * legal / legal.sum(axis=1, keepdims=True)
    weight = np.ones(len(choices), np.float32)
    values = np.tile(_WON, (len(choices), 1))
    return targets(game.observe(state), legal, policy.astype(np.float32), values, weight, weight)


def from_failure(
    game: Proving, trial: Trial, most: int, rng: np.random.Generator
) -> Targets | None:
    """Positions that a failed trial came through, for the value alone; ``most`` of them at most."""
    seen = [one for one in trial.seen if one.state.tableau.scalars[0, OPTIONS] > 1]
    if not seen:
        return None
    if len(seen) > most:
        seen = [seen[i] for i in np.sort(rng.choice(len(seen), most, replace=False))]
    state = arrays.concatenate([one.state for one in seen])
    policy, values = np.stack([one.policy for one in seen]), np.tile(_LOST, (len(seen), 1))
    nothing, one = np.zeros(len(seen), np.float32), np.ones(len(seen), np.float32)
    return targets(game.observe(state), game.legal(state), policy, values, nothing, one)


# In hindsight -------------------------------------------------------------------------------------


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
    twin: dict[int, int] = {}  # node of the new tableau -> node of the old one

    def choice(new: Tableau) -> int | None:
        at = int(new.scalars[GOAL])
        if at == ROOT:
            return 0  # the goal's clause
        _pair(t, new, twin, top)
        if at not in twin:
            return None
        how = int(t.closed[twin[at]])
        if LEMMAS < how < 0:
            return next((-1 - here for here, there in twin.items() if there == -1 - how), OPEN)
        return how + shift

    moves = _moves_towards(small, 0, choice)
    return None if moves is None else Part(small, moves)


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
    parts = [part_of(game, trial.problem, t, top) for top in closed_parts(t)[:most]]
    lessons = [from_proof(part.game, 0, part.moves, smoothing) for part in parts if part]
    return [lesson for lesson in lessons if lesson is not None]
