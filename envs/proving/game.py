"""Theorem proving: closing a connection tableau, one player, from a library of problems.

Players       one
Actions       64 by default: the i-th inference that is possible on the leftmost open goal, in the
              order of tableau.py; named 1, 2, ...
Observation   view "walks": hashed term walks, see walks.py; view "graph": see graph.py
Rewards       +1 when the last branch closes; -1 when no inference is possible or a limit is reached
End           no open goal, no inference, or ``max_moves`` choices
Start         a problem of the library, drawn at random

Inferences without alternative are done at once, so every position but the first offers a choice.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, NamedTuple
from typing import Literal as Choice

import numpy as np
from numpy.typing import NDArray

from envs.proving.calculus.matrix import Library, Matrix, build_library
from envs.proving.calculus.tableau import (
    LOST,
    MOVES,
    OPTIONS,
    OVER,
    PROVED,
    RUNNING,
    Limits,
    Tableau,
    advance,
    begin,
    infer,
    lane,
    new_tableau,
)
from envs.proving.calculus.unify import Scratch, new_scratch
from envs.proving.kept_aside import held_out
from envs.proving.logic.clausify import clausify
from envs.proving.logic.tptp import problem_files, read_problem
from envs.proving.views.graph import GraphObs, new_graph, observe_graph
from envs.proving.views.walks import WalksObs, new_walks, observe_walks
from selfplay.arrays import as_rows, repeat, take, tree_map
from selfplay.jit import kernel
from selfplay.types import Bool, Int, Transition

MOST = 2**15 - 1  # nodes, variables and so on: they are counted in 16 bits
OWN = Path(__file__).parent / "problems"  # those that ship with the project
SMALL = OWN / "pelletier" / "pelletier_24.p"  # one that is soon read and proved
VIEWS = ("walks", "graph")


class ProvingState(NamedTuple):
    problem: Int  # [B] i32, number in the library
    tableau: Tableau  # arrays [B, ...]


class _Rules(NamedTuple):
    """What a step needs to know."""

    matrix: Matrix
    limits: Limits
    max_moves: int
    scratch: Scratch


class Proving:
    """The rules."""

    name = "proving"
    num_players = 1

    def __init__(
        self,
        problems: str = "",
        actions: int = 64,
        nodes: int = 192,
        variables: int = 448,
        depth: int = 24,
        max_moves: int = 96,
        view: Choice["walks", "graph"] = "walks",
        library: Library | None = None,
    ) -> None:
        """The game on the TPTP problems of a file or folder, or on those of ``library``.

        Raises ValueError or OSError with a sentence when the problems cannot be read.
        """
        if view not in VIEWS:
            raise ValueError(f"view={view!r}: expected 'walks' or 'graph'")
        sizes = {"actions": actions, "nodes": nodes, "variables": variables}
        sizes |= {"depth": depth, "max_moves": max_moves}
        for what, size in sizes.items():
            if not 1 <= size <= MOST:
                raise ValueError(f"{what}={size}: expected 1 to {MOST:,}")
        self.problems = problems
        self.library = library if library is not None else load_library(problems)
        self.num_actions, self.max_moves = actions, max_moves
        self.view: Choice["walks", "graph"] = view
        self.held_out = _held_out(self.library)
        self._sizes = (nodes, variables, actions)
        self._limits = Limits(depth, False)

    def on(self, library: Library) -> Proving:
        """The same game on other problems."""
        twin = copy.copy(self)
        twin.problems, twin.library, twin.held_out = "", library, _held_out(library)
        return twin

    def seen_as(self, view: Choice["walks", "graph"]) -> Proving:
        """The same game with another observation."""
        twin = copy.copy(self)
        twin.view = view
        return twin

    def init(self, rng: np.random.Generator, batch: int) -> ProvingState:
        return self.start(rng.integers(len(self.library.forms), size=batch, dtype=np.int32))

    def start(self, problems: Int) -> ProvingState:
        """The start positions of these problems [B] of the library."""
        batch = len(problems)
        one = tree_map(lambda array: array[None], new_tableau(*self._sizes))
        state = ProvingState(np.asarray(problems, np.int32), repeat(one, batch))
        _begin(self.library.matrix, state)
        return state

    def step(self, state: ProvingState, action: Int) -> tuple[ProvingState, Transition]:
        after = tree_map(np.copy, state)
        batch = len(action)
        paid = Transition(np.empty(batch, np.float32), np.empty(batch, np.float32))
        illegal = _step(
            self._rules(), after.tableau, np.arange(batch), np.asarray(action, np.int32), paid
        )
        if illegal >= 0:
            raise self._impossible(state, illegal, action)
        return after, paid

    def step_within(
        self, states: ProvingState, row: Any, at: Int, action: Int, to: Int
    ) -> tuple[ProvingState, Transition]:
        """As ``step``, from place to place in ``states`` [B, N, ...]: see StepsWithin."""
        batch = len(action)
        paid = Transition(np.empty(batch, np.float32), np.empty(batch, np.float32))
        table: ProvingState = as_rows(states)
        nodes = states.problem.shape[1]
        source, target = (np.asarray(row, np.int64) * nodes + node for node in (at, to))
        _copy(table, source, target)
        illegal = _step(self._rules(), table.tableau, target, np.asarray(action, np.int32), paid)
        if illegal >= 0:
            raise self._impossible(take(table, source), illegal, action)
        after: ProvingState = take(table, target)
        return after, paid

    def _rules(self) -> _Rules:
        return _Rules(
            self.library.matrix, self._limits, self.max_moves, new_scratch(self._sizes[1])
        )

    def _impossible(self, state: ProvingState, i: int, action: Int) -> ValueError:
        return ValueError(
            f"inference {int(action[i]) + 1} is not possible in\n{self.text(state, i)}"
        )

    def legal(self, state: ProvingState) -> Bool:
        scalars = state.tableau.scalars
        possible = np.arange(self.num_actions) < scalars[:, OPTIONS, None]
        return np.asarray(possible | (scalars[:, OVER, None] != RUNNING))

    def observe(self, state: ProvingState) -> WalksObs | GraphObs:
        if self.view == "graph":
            graph = new_graph(len(state.problem), self.num_actions)
            observe_graph(self.library.matrix, state.problem, state.tableau, graph)
            return graph
        walks = new_walks(len(state.problem), self.num_actions)
        observe_walks(self.library.matrix, state.tableau, walks.context, walks.options)
        return walks

    def text(self, state: ProvingState, i: int) -> str:
        from envs.proving.views.position_text import position_text

        return position_text(self.library, int(state.problem[i]), take(state.tableau, i))

    def action_name(self, action: int) -> str:
        return str(action + 1)

    def parse_action(self, text: str) -> int:
        if not text.strip().isdecimal() or not 1 <= int(text) <= self.num_actions:
            raise ValueError(f"{text!r} is not a number from 1 to {self.num_actions}")
        return int(text) - 1


def load_library(path: str = "") -> Library:
    """The problems of a TPTP file or folder; those that ship with the project by default.

    Raises ValueError or OSError with a sentence for the user.
    """
    files = problem_files(Path(path) if path else OWN)
    return build_library([clausify(read_problem(file)) for file in files])


def _held_out(library: Library) -> Bool:
    """[P], the problems that nothing may be learned from."""
    return np.array([held_out(form.name) for form in library.forms], np.bool_)


@kernel
def _begin(matrix: Matrix, state: ProvingState) -> None:
    for b in range(len(state.problem)):
        begin(matrix, state.problem[b], lane(state.tableau, b))


@kernel
def _copy(table: ProvingState, source: NDArray[np.int64], target: NDArray[np.int64]) -> None:
    """Copies rows of the table over others."""
    for i in range(len(source)):
        table.problem[target[i]] = table.problem[source[i]]
        before, after = lane(table.tableau, source[i]), lane(table.tableau, target[i])
        after.scalars[:] = before.scalars
        after.literal[:] = before.literal
        after.offset[:] = before.offset
        after.parent[:] = before.parent
        after.depth[:] = before.depth
        after.first[:] = before.first
        after.children[:] = before.children
        after.closed[:] = before.closed
        after.copy[:] = before.copy
        after.bound[:] = before.bound
        after.bound_offset[:] = before.bound_offset
        after.options[:] = before.options


@kernel
def _step(
    rules: _Rules, tableaux: Tableau, row: NDArray[np.int64], action: Int, paid: Transition
) -> int:
    """Plays the actions in place, in these rows; the first that is not possible, or -1."""
    scratch = rules.scratch
    for i in range(len(action)):
        t = lane(tableaux, row[i])
        paid.reward[i], paid.discount[i] = 0.0, 0.0
        if t.scalars[OVER] != RUNNING:
            continue
        if not 0 <= action[i] < t.scalars[OPTIONS]:
            return i
        scratch.length[0] = 0
        infer(rules.matrix, t, t.options[action[i]], scratch)
        scratch.length[0] = 0
        t.scalars[MOVES] += 1
        advance(rules.matrix, t, rules.limits, scratch)
        if t.scalars[OVER] == RUNNING and t.scalars[MOVES] >= rules.max_moves:
            t.scalars[OVER] = LOST
        if t.scalars[OVER] == RUNNING:
            paid.discount[i] = 1.0
            continue
        t.scalars[OPTIONS] = 0
        t.options[:] = 0
        paid.reward[i] = 1.0 if t.scalars[OVER] == PROVED else -1.0
    return -1
