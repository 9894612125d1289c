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

from itertools import pairwise
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


class _Scratch(NamedTuple):
    """Room to go through literals breadth first, and the variables met so far."""

    term: Int  # [...] i32
    offset: Int  # [...] i32
    place: Int  # [...] i32
    shared: Int  # [_SHARED] i32, variables in the order of their codes
    own: Int  # [_OWN] i32, those of the present open literal
    filled: Int  # [2] i32, how many of each


@kernel
def _new_scratch(occurrences: int) -> _Scratch:
    return _Scratch(
        np.zeros(occurrences, np.int32),
        np.zeros(occurrences, np.int32),
        np.zeros(occurrences, np.int32),
        np.zeros(_SHARED, np.int32),
        np.zeros(_OWN, np.int32),
        np.zeros(2, np.int32),
    )


@kernel
def _put_arguments(
    matrix: Matrix, term: int, offset: int, place: int, scratch: _Scratch, end: int
) -> int:
    """Puts the arguments of a term at the end of the queue, as many as find room; the new end."""
    for k in range(matrix.terms.arity[term]):
        if end < scratch.term.shape[0]:
            scratch.term[end] = matrix.terms.arguments[matrix.terms.first[term] + k]
            scratch.offset[end] = offset
            scratch.place[end] = place_below(place, k)
            end += 1
    return end


@kernel
def _code(variable: int, alone: bool, scratch: _Scratch) -> int:
    """The code of a variable, 1 to VARIABLE_CODES - 1; a new one is written down.

    ``alone``: the literal is one of a set, so its own variables have codes of their own.
    """
    for i in range(scratch.filled[0]):
        if scratch.shared[i] == variable:
            return i + 1
    if not alone:
        if scratch.filled[0] < _SHARED - 1:
            scratch.shared[scratch.filled[0]] = variable
            scratch.filled[0] += 1
            return int(scratch.filled[0])
        return _SHARED
    for i in range(scratch.filled[1]):
        if scratch.own[i] == variable:
            return _SHARED + 1 + i
    if scratch.filled[1] < _OWN - 1:
        scratch.own[scratch.filled[1]] = variable
        scratch.filled[1] += 1
        return int(_SHARED + scratch.filled[1])
    return _SHARED + _OWN


def problem_graphs(matrix: Matrix) -> ProblemGraphs:
    """The clauses of all problems, each literal with its first 48 occurrences, breadth first."""
    clauses = matrix.clause_first.astype(np.int64)
    variables = np.concatenate([[0], np.cumsum(matrix.clause_variables)])[clauses]
    name_first = matrix.symbol_first + variables
    count = np.empty(len(matrix.atom), np.int64)
    ints, bytes_ = np.empty(0, np.int32), np.empty(0, np.uint8)
    _read(matrix, name_first, count, ints, ints, bytes_, bytes_)
    total = int(count.sum())
    name, literal = np.empty(total, np.int32), np.empty(total, np.int32)
    place, code = np.empty(total, np.uint8), np.zeros(total, np.uint8)
    _read(matrix, name_first, count, literal, name, place, code)
    first = np.concatenate([[0], np.cumsum(count)])
    kind = np.zeros(name_first[-1], np.uint8)
    symbol_kind = 1 + np.minimum(matrix.symbol_arity, 4) + 5 * matrix.symbol_predicate
    for begin, (low, high) in zip(name_first, pairwise(matrix.symbol_first), strict=False):
        kind[begin : begin + high - low] = symbol_kind[low:high]
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
    scratch = _new_scratch(_ALL_OCCURRENCES)
    filled = 0
    for problem in range(len(matrix.clause_first) - 1):
        symbols = matrix.symbol_first[problem]
        variables = name_first[problem] + matrix.symbol_first[problem + 1] - symbols
        for clause in range(matrix.clause_first[problem], matrix.clause_first[problem + 1]):
            for literal in range(matrix.clause_start[clause], matrix.clause_start[clause + 1]):
                scratch.filled[0] = 0
                scratch.term[0], scratch.place[0] = matrix.atom[literal], 0
                at, end = 0, 1
                while at < end:
                    term = scratch.term[at]
                    end = _put_arguments(matrix, term, 0, scratch.place[at], scratch, end)
                    if len(name_out) > 0:
                        head = matrix.terms.head[term]
                        literal_out[filled] = literal
                        place_out[filled] = scratch.place[at]
                        if head >= 0:
                            name_out[filled] = name_first[problem] + head - symbols
                        else:
                            name_out[filled] = variables - 1 - head
                            code_out[filled] = _code(-1 - head, False, scratch)
                        filled += 1
                    at += 1
                count[literal] = end
            variables += matrix.clause_variables[clause]


@kernel
def _see_literal(
    matrix: Matrix, t: Tableau, node: int, b: int, token: int, out: GraphObs, scratch: _Scratch
) -> None:
    """Writes down the occurrences of a node's literal under the substitution."""
    goal, literal = t.scalars[GOAL], t.literal[node]
    first_symbol = matrix.symbol_first[out.problem[b]]
    out.literal[b, token] = 1 + literal
    out.climb[b, token] = min(255, t.depth[goal] - t.depth[node])
    scratch.filled[1] = 0
    scratch.term[0], scratch.offset[0], scratch.place[0] = matrix.atom[literal], t.offset[node], 0
    at, end = 0, 1
    while at < end:
        term, offset = scratch.term[at], scratch.offset[at]
        term, offset, variable = resolve(matrix.terms, term, offset, t.bound, t.bound_offset)
        out.place[b, token, at] = scratch.place[at]
        if variable >= 0:
            out.name[b, token, at] = -1 - _code(variable, token > ABOVE, scratch)
        else:
            symbol = matrix.terms.head[term] - first_symbol
            out.name[b, token, at] = 1 + symbol if symbol < _MOST else 0
            end = _put_arguments(matrix, term, offset, scratch.place[at], scratch, end)
        at += 1


@kernel
def observe_graph(matrix: Matrix, problem: Int, tableaux: Tableau, out: GraphObs) -> None:
    """Fills the observations of B positions, which must be zeros; none of them where it is over."""
    scratch = _new_scratch(OCCURRENCES)
    out.problem[:] = problem
    for b in range(len(problem)):
        t = lane(tableaux, b)
        if t.scalars[OVER] != RUNNING:
            continue
        scratch.filled[0] = 0
        token, node = 0, t.scalars[GOAL]
        while node != ROOT and token <= ABOVE:  # the goal and the literals above it
            _see_literal(matrix, t, node, b, token, out, scratch)
            token += 1
            node = t.parent[node]
        counts = out.counts[b]
        counts[0] = 1 + t.depth[t.scalars[GOAL]]
        counts[1] = min(_see_beside(matrix, t, b, out, scratch), _MOST)
        for i, column in enumerate((OPTIONS, SIZE, VARIABLES, MOVES, INFERENCES)):
            counts[2 + i] = min(t.scalars[column], _MOST)
        _see_options(matrix, t, b, out)


@kernel
def _see_beside(matrix: Matrix, t: Tableau, b: int, out: GraphObs, scratch: _Scratch) -> int:
    """The open literals beside the goal and the nodes above it; returns how many there are.

    The nearest are scratch.  Those of one level are seen all or not at all: which came first would
    tell the order of the literals in their clause.
    """
    node, token, every = t.scalars[GOAL], 1 + ABOVE, 0
    while node != ROOT:
        parent = t.parent[node]
        low, high, count = t.first[parent], t.first[parent] + t.children[parent], 0
        for other in range(low, high):
            count += other != node and t.closed[other] == OPEN
        every += count
        if token + count <= TOKENS:
            for other in range(low, high):
                if other != node and t.closed[other] == OPEN:
                    _see_literal(matrix, t, other, b, token, out, scratch)
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
