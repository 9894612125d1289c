"""What the invariant net sees: literals as sets of names in places, without what they are called.

An occurrence is a name (a symbol or a variable) and its place: the way down to it through the
arguments of the literal, so f(a, b) and f(b, a) differ.  The clauses of a problem are a graph of
literals and names (``problem_graphs``), the same for all its positions; a position adds the
literals on the branch as the substitution has made them.  Symbols are numbers that the net uses
only to look up what it has computed from their occurrences (Olsak, Kaliszyk, Urban 2019, "Property
invariant embedding for automated reasoning").  Variables are told apart by where they occur first,
seen from the goal; those of the open literals beside it, which are a set, by their own literal.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.proving.calculus.matrix import Matrix
from envs.proving.calculus.tableau import (
    GOAL,
    INFERENCES,
    MOVES,
    OPEN,
    OPTIONS,
    OVER,
    ROOT,
    RUNNING,
    SIZE,
    VARIABLES,
    Tableau,
    lane,
)
from envs.proving.calculus.unify import resolve
from selfplay.jit import kernel
from selfplay.types import Int

ABOVE, BESIDE = 15, 16  # literals above the goal, and open ones, that are seen
TOKENS = 1 + ABOVE + BESIDE  # the goal; the path, nearest first; the open literals
OCCURRENCES = 16  # of a literal of the position
_ALL_OCCURRENCES = 48  # of a literal of the clauses
PLACES = 256
_EXACT, _BRANCHING = 31, 5  # places above _EXACT have children of their own, so many at most
COUNTS = 8
_SHARED, _OWN = 20, 12  # variables numbered from the goal on, and within an open literal
VARIABLE_CODES = 1 + _SHARED + _OWN  # 1 .. _SHARED, the last for all that follow; then the own
START, EXTENSION, REDUCTION = 1, 2, 3  # ``kind``
_MOST = (1 << 15) - 1


class GraphObs(NamedTuple):
    problem: Int  # [B] i32
    counts: NDArray[np.int16]  # [B, COUNTS] i16, depth, open literals, options, nodes, ...
    literal: Int  # [B, TOKENS] i32, 1 + the literal as it stands in the matrix; 0 = none
    climb: NDArray[np.uint8]  # [B, TOKENS] u8, levels between it and the goal
    name: NDArray[np.int16]  # [B, TOKENS, OCCURRENCES] i16, 1 + symbol, counted in the problem;
    #                                                        -1 - code for variables; 0 = none
    place: NDArray[np.uint8]  # [B, TOKENS, OCCURRENCES] u8
    kind: NDArray[np.uint8]  # [B, A] u8, START, EXTENSION or REDUCTION; 0 = none
    number: Int  # [B, A] i32, the clause, the entry literal, or the literal above in the matrix
    token: NDArray[np.uint8]  # [B, A] u8, REDUCTION: the token of the literal above; 0 = none
    used: NDArray[np.uint8]  # [B, A] u8, EXTENSION: how often the clause stands on the branch


def new_graph(batch: int, actions: int) -> GraphObs:
    """Room for the observations of B positions."""
    return GraphObs(
        np.zeros(batch, np.int32),
        np.zeros((batch, COUNTS), np.int16),
        np.zeros((batch, TOKENS), np.int32),
        np.zeros((batch, TOKENS), np.uint8),
        np.zeros((batch, TOKENS, OCCURRENCES), np.int16),
        np.zeros((batch, TOKENS, OCCURRENCES), np.uint8),
        np.zeros((batch, actions), np.uint8),
        np.zeros((batch, actions), np.int32),
        np.zeros((batch, actions), np.uint8),
        np.zeros((batch, actions), np.uint8),
    )


class ProblemGraphs(NamedTuple):
    """The clauses of P problems as literals, names and occurrences; what a problem has is in a row.

    The names of a problem are its symbols, then the variables of its clauses.
    """

    occurrence_literal: Int  # [O] i32
    occurrence_name: Int  # [O] i32
    occurrence_place: NDArray[np.uint8]  # [O] u8
    occurrence_code: NDArray[np.uint8]  # [O] u8, variables by their order in the literal; 0 symbol
    name_kind: NDArray[np.uint8]  # [names] u8, 0 variable; else 1 + arity up to 4, + 5 if predicate
    occurrence_first: NDArray[np.int64]  # [P + 1]
    name_first: NDArray[np.int64]  # [P + 1]
    literal_first: NDArray[np.int64]  # [P + 1]
    clause_first: NDArray[np.int64]  # [P + 1]


NAME_KINDS = 11


@kernel
def place_below(place: int, argument: int) -> int:
    """The place of an argument of what stands at ``place``; all below the third level share few."""
    child = _BRANCHING * place + 1 + min(argument, _BRANCHING - 1)
    return child if place < _EXACT else _EXACT * _BRANCHING + 1 + child % 100


class _Queue(NamedTuple):
    """Room to go through a literal breadth first."""

    term: Int  # [...] i32
    offset: Int  # [...] i32
    place: Int  # [...] i32


@kernel
def _put_arguments(
    matrix: Matrix, term: int, offset: int, place: int, queue: _Queue, end: int
) -> int:
    """Puts the arguments of a term at the end of the queue, as many as find room; the new end."""
    for k in range(matrix.terms.arity[term]):
        if end < queue.term.shape[0]:
            queue.term[end] = matrix.terms.arguments[matrix.terms.first[term] + k]
            queue.offset[end] = offset
            queue.place[end] = place_below(place, k)
            end += 1
    return end


class _Seen(NamedTuple):
    """The variables met so far."""

    shared: Int  # [_SHARED] i32, in the order of their codes
    own: Int  # [_OWN] i32, of the present open literal
    filled: Int  # [2] i32, how many of each


@kernel
def _nothing_seen() -> _Seen:
    return _Seen(np.zeros(_SHARED, np.int32), np.zeros(_OWN, np.int32), np.zeros(2, np.int32))


@kernel
def _code(variable: int, alone: bool, seen: _Seen) -> int:
    """The code of a variable, 1 to VARIABLE_CODES - 1; a new one is written down.

    ``alone``: the literal is one of a set, so its own variables have codes of their own.
    """
    for i in range(seen.filled[0]):
        if seen.shared[i] == variable:
            return i + 1
    if not alone:
        if seen.filled[0] < _SHARED - 1:
            seen.shared[seen.filled[0]] = variable
            seen.filled[0] += 1
            return int(seen.filled[0])
        return _SHARED
    for i in range(seen.filled[1]):
        if seen.own[i] == variable:
            return _SHARED + 1 + i
    if seen.filled[1] < _OWN - 1:
        seen.own[seen.filled[1]] = variable
        seen.filled[1] += 1
        return int(_SHARED + seen.filled[1])
    return _SHARED + _OWN


def problem_graphs(matrix: Matrix) -> ProblemGraphs:
    """The clauses of all problems, each literal with its first 48 occurrences, breadth first."""
    literals, problems = len(matrix.atom), len(matrix.clause_first) - 1
    clauses = matrix.clause_first.astype(np.int64)
    variables = np.concatenate([[0], np.cumsum(matrix.clause_variables)])[clauses]
    name_first = matrix.symbol_first + variables
    count = np.empty(literals, np.int64)
    nothing = np.empty(0, np.int32)
    empty = np.empty(0, np.uint8)
    _read(matrix, name_first, count, nothing, nothing, empty, empty)
    total = int(count.sum())
    name, literal = np.empty(total, np.int32), np.empty(total, np.int32)
    place, code = np.empty(total, np.uint8), np.zeros(total, np.uint8)
    _read(matrix, name_first, count, literal, name, place, code)
    first = np.concatenate([[0], np.cumsum(count)])
    kind = np.zeros(name_first[-1], np.uint8)
    for problem in range(problems):
        low, high = matrix.symbol_first[problem], matrix.symbol_first[problem + 1]
        told = (
            1 + np.minimum(matrix.symbol_arity[low:high], 4) + 5 * matrix.symbol_predicate[low:high]
        )
        kind[name_first[problem] : name_first[problem] + high - low] = told
    literal_first = matrix.clause_start[matrix.clause_first].astype(np.int64)
    return ProblemGraphs(
        literal, name, place, code, kind, first[literal_first], name_first, literal_first, clauses
    )


@kernel
def _read(
    matrix: Matrix,
    name_first: NDArray[np.int64],
    count: NDArray[np.int64],
    literal_out: Int,
    name_out: Int,
    place_out: NDArray[np.uint8],
    code_out: NDArray[np.uint8],
) -> None:
    """Counts the occurrences of each literal, and writes them down where there is room."""
    queue = _Queue(
        np.zeros(_ALL_OCCURRENCES, np.int32),
        np.zeros(_ALL_OCCURRENCES, np.int32),
        np.zeros(_ALL_OCCURRENCES, np.int32),
    )
    seen = _nothing_seen()
    filled = 0
    for problem in range(len(matrix.clause_first) - 1):
        symbols = matrix.symbol_first[problem]
        variables = name_first[problem] + matrix.symbol_first[problem + 1] - symbols
        for clause in range(matrix.clause_first[problem], matrix.clause_first[problem + 1]):
            for literal in range(matrix.clause_start[clause], matrix.clause_start[clause + 1]):
                seen.filled[0] = 0
                queue.term[0], queue.place[0] = matrix.atom[literal], 0
                at, end = 0, 1
                while at < end:
                    term = queue.term[at]
                    end = _put_arguments(matrix, term, 0, queue.place[at], queue, end)
                    if len(name_out) > 0:
                        head = matrix.terms.head[term]
                        literal_out[filled] = literal
                        place_out[filled] = queue.place[at]
                        if head >= 0:
                            name_out[filled] = name_first[problem] + head - symbols
                        else:
                            name_out[filled] = variables - 1 - head
                            code_out[filled] = _code(-1 - head, False, seen)
                        filled += 1
                    at += 1
                count[literal] = end
            variables += matrix.clause_variables[clause]


@kernel
def _see_literal(
    matrix: Matrix,
    problem: int,
    t: Tableau,
    node: int,
    alone: bool,
    name: NDArray[np.int16],
    place: NDArray[np.uint8],
    queue: _Queue,
    seen: _Seen,
) -> None:
    """Writes down the occurrences of a node's literal under the substitution."""
    seen.filled[1] = 0
    queue.term[0], queue.offset[0], queue.place[0] = matrix.atom[t.literal[node]], t.offset[node], 0
    at, end = 0, 1
    while at < end:
        term, offset, variable = resolve(
            matrix.terms, queue.term[at], queue.offset[at], t.bound, t.bound_offset
        )
        place[at] = queue.place[at]
        if variable >= 0:
            name[at] = -1 - _code(variable, alone, seen)
        else:
            symbol = matrix.terms.head[term] - matrix.symbol_first[problem]
            name[at] = 1 + symbol if symbol < _MOST else 0
            end = _put_arguments(matrix, term, offset, queue.place[at], queue, end)
        at += 1


@kernel
def observe_graph(matrix: Matrix, problem: Int, tableaux: Tableau, out: GraphObs) -> None:
    """Fills the observations of B positions, which must be zeros; none of them where it is over."""
    queue = _Queue(
        np.zeros(OCCURRENCES, np.int32),
        np.zeros(OCCURRENCES, np.int32),
        np.zeros(OCCURRENCES, np.int32),
    )
    seen = _nothing_seen()
    for b in range(len(problem)):
        t = lane(tableaux, b)
        out.problem[b] = problem[b]
        if t.scalars[OVER] != RUNNING:
            continue
        seen.filled[0] = 0
        if t.scalars[GOAL] != ROOT:
            _see_branch(matrix, problem[b], t, b, out, queue, seen)
        open_now = _see_beside(matrix, problem[b], t, b, out, queue, seen)
        _see_options(matrix, t, b, out)
        counts = out.counts[b]
        counts[0] = 1 + t.depth[t.scalars[GOAL]]
        counts[1] = min(open_now, _MOST)
        counts[2] = min(t.scalars[OPTIONS], _MOST)
        counts[3] = min(t.scalars[SIZE], _MOST)
        counts[4] = min(t.scalars[VARIABLES], _MOST)
        counts[5] = min(t.scalars[MOVES], _MOST)
        counts[6] = min(t.scalars[INFERENCES], _MOST)


@kernel
def _see_branch(
    matrix: Matrix, problem: int, t: Tableau, b: int, out: GraphObs, queue: _Queue, seen: _Seen
) -> None:
    """The goal and the literals above it."""
    token, node = 0, t.scalars[GOAL]
    while node != ROOT and token <= ABOVE:
        out.literal[b, token] = 1 + t.literal[node]
        out.climb[b, token] = token
        _see_literal(
            matrix, problem, t, node, False, out.name[b, token], out.place[b, token], queue, seen
        )
        token += 1
        node = t.parent[node]


@kernel
def _see_beside(
    matrix: Matrix, problem: int, t: Tableau, b: int, out: GraphObs, queue: _Queue, seen: _Seen
) -> int:
    """The open literals beside the goal and the nodes above it; returns how many there are.

    The nearest are seen.  Those of one level are seen all or not at all: which came first would
    tell the order of the literals in their clause.
    """
    goal = t.scalars[GOAL]
    node, token, every = goal, 1 + ABOVE, 0
    while node != ROOT:
        parent = t.parent[node]
        low, high, count = t.first[parent], t.first[parent] + t.children[parent], 0
        for other in range(low, high):
            count += other != node and t.closed[other] == OPEN
        every += count
        if token + count <= TOKENS:
            for other in range(low, high):
                if other == node or t.closed[other] != OPEN:
                    continue
                out.literal[b, token] = 1 + t.literal[other]
                out.climb[b, token] = min(255, t.depth[goal] - t.depth[other])
                _see_literal(
                    matrix, problem, t, other, True,
                    out.name[b, token], out.place[b, token], queue, seen,
                )  # fmt: skip
                token += 1
        node = parent
    return every


@kernel
def _see_options(matrix: Matrix, t: Tableau, b: int, out: GraphObs) -> None:
    """What each inference would use."""
    goal = t.scalars[GOAL]
    for a in range(t.scalars[OPTIONS]):
        option = t.options[a]
        if goal == ROOT:
            out.kind[b, a], out.number[b, a] = START, option
        elif option < 0:
            above = -1 - option
            token = t.depth[goal] - t.depth[above]
            out.kind[b, a], out.number[b, a] = REDUCTION, t.literal[above]
            out.token[b, a] = token if token <= ABOVE else 0
        else:
            out.kind[b, a], out.number[b, a] = EXTENSION, option
            used, node = 0, t.parent[goal]
            while node != ROOT:
                by = t.closed[node]
                used += by >= 0 and matrix.clause[by] == matrix.clause[option]
                node = t.parent[node]
            out.used[b, a] = min(used, 255)
