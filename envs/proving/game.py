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
import hashlib
from pathlib import Path
from typing import Any, NamedTuple
from typing import Literal as Choice

import numpy as np

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
from envs.proving.logic.clausify import clausify
from envs.proving.logic.tptp import problem_files, read_problem
from envs.proving.views.graph import GraphObs, new_graph, observe_graph
from envs.proving.views.walks import WalksObs, new_walks, observe_walks
from selfplay.arrays import as_rows, put, repeat, take, tree_map
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


class Fold(NamedTuple):
    """One of the parts into which names deal problems, of about equal size."""

    number: int  # from 0
    of: int


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
        self.fold: Fold | None = None
        self._sizes = (nodes, variables, actions)
        self._limits = Limits(depth, False)

    @property
    def held_out(self) -> Bool:
        """[P], the problems that nothing may be learned from."""
        names = (form.name for form in self.library.forms)
        return np.array([held_out(name, fold=self.fold) for name in names], np.bool_)

    def keeping(self, fold: int, of: int) -> Proving:
        """The same game where this fold is what nothing may be learned from."""
        twin = copy.copy(self)
        twin.fold = Fold(fold, of)
        return twin

    def on(self, library: Library) -> Proving:
        """The same game on other problems."""
        twin = copy.copy(self)
        twin.problems, twin.library = "", library
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
        return self._stepped(tree_map(np.copy, state), action)

    def step_within(
        self, states: ProvingState, row: Any, at: Int, action: Int, to: Int
    ) -> tuple[ProvingState, Transition]:
        """As ``step``, from place to place in ``states`` [B, N, ...]: see StepsWithin."""
        table: ProvingState = as_rows(states)
        first = np.asarray(row, np.int64) * states.problem.shape[1]
        after, paid = self._stepped(take(table, first + at), action)
        put(table, first + to, after)
        return after, paid

    def _stepped(self, state: ProvingState, action: Int) -> tuple[ProvingState, Transition]:
        """Changes the state."""
        paid = Transition(np.zeros(len(action), np.float32), np.zeros(len(action), np.float32))
        scratch = new_scratch(self._sizes[1])
        rules = _Rules(self.library.matrix, self._limits, self.max_moves, scratch)
        illegal = _step(rules, state.tableau, np.asarray(action, np.int32), paid)
        if illegal >= 0:
            number, position = int(action[illegal]) + 1, self.text(state, illegal)
            raise ValueError(f"inference {number} is not possible in\n{position}")
        return state, paid

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


def held_out(name: str, share: float = 0.15, fold: Fold | None = None) -> bool:
    """Whether a problem of this name belongs to the ``share`` that nothing may be learned from, or
    to the ``fold`` where there is one.

    The name alone decides, so it is the same everywhere.
    """
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "little")
    if fold is not None:
        return place * fold.of >> 64 == fold.number
    return place < share * 2.0**64


@kernel
def _begin(matrix: Matrix, state: ProvingState) -> None:
    for b in range(len(state.problem)):
        begin(matrix, state.problem[b], lane(state.tableau, b))


@kernel
def _step(rules: _Rules, tableaux: Tableau, action: Int, paid: Transition) -> int:
    """Plays the actions in place; the row of the first that is not possible, or -1."""
    scratch = rules.scratch
    for i in range(len(action)):
        t = lane(tableaux, i)
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
