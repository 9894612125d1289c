"""What the feature net sees: hashed walks through the terms of goal, path, open goals and clauses.

A walk is three symbols on the way down from a literal's predicate (Jakubuv and Urban 2017,
"ENIGMA"; Kaliszyk et al. 2018, "Reinforcement learning of theorem proving", section 3.3), hashed
with a tag for where the literal stands into ``TABLE`` numbers; variables are all alike, and so are
the symbols that clausification made up.
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
    OPTIONS,
    OVER,
    ROOT,
    RUNNING,
    SIZE,
    VARIABLES,
    Tableau,
    lane,
)
from envs.proving.calculus.unify import Bindings, resolve
from selfplay.jit import kernel

TABLE = 1 << 15  # numbers that walks are hashed to; 0 stands for none
CONTEXT = 160  # walks of the position
OPTION = 32  # walks of each inference
_PATH, _BESIDE = 6, 8  # literals above the goal, and open ones, that are looked at

_VARIABLE = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)
# tags
_OF_GOAL, _OF_PATH, _OF_BESIDE, _OF_ENTRY, _OF_CLAUSE, _OF_PAIR, _OF_NUMBER, _OF_ABOVE = range(1, 9)


class WalksObs(NamedTuple):
    context: NDArray[np.int16]  # [B, CONTEXT] i16, walks of the position; 0 = none
    options: NDArray[np.int16]  # [B, A, OPTION] i16, walks of each inference; 0 = none


def new_walks(batch: int, actions: int) -> WalksObs:
    """Room for the observations of B positions."""
    return WalksObs(
        np.zeros((batch, CONTEXT), np.int16), np.zeros((batch, actions, OPTION), np.int16)
    )


class _Page(NamedTuple):
    """What is written on, and room to go through a literal breadth first."""

    out: NDArray[np.int16]
    filled: NDArray[np.int64]  # [1], how much of it
    stack: NDArray[np.int64]  # [64, 2], terms and their offsets
    chain: NDArray[np.uint64]  # [64, 2], what stands two levels and one above each


@kernel
def _mix(a: np.uint64, b: np.uint64) -> np.uint64:
    h = (a ^ b) * _MULTIPLIER
    h = (h ^ (h >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
    return np.uint64(h ^ (h >> np.uint64(32)))


@kernel
def _put(page: _Page, tag: int, value: np.uint64) -> None:
    """Writes a hashed number if there is room."""
    filled = page.filled[0]
    if filled < page.out.shape[0]:
        h = _mix(np.uint64(tag) * _VARIABLE, value)
        page.out[filled] = np.int16(1 + h % np.uint64(TABLE - 1))
        page.filled[0] = filled + 1


@kernel
def _signed(matrix: Matrix, literal: int) -> np.uint64:
    """The hash of a literal's predicate with its sign."""
    side = matrix.side[literal]
    return np.uint64(matrix.symbol_hash[side >> 1] + np.uint64(side & 1))


@kernel
def _walk(
    matrix: Matrix, t: Tableau, node: int, literal: int, tag: int, end: int, page: _Page
) -> None:
    """Writes the walks of a literal, breadth first, on the page up to ``end``.

    A literal of no ``node`` (-1) stands under no substitution.
    """
    if page.filled[0] >= end:
        return
    top = _signed(matrix, literal)
    _put(page, tag, top)
    stack, chain, bindings = page.stack, page.chain, Bindings(t.bound, t.bound_offset)
    term = matrix.atom[literal]
    first, last = 0, 0
    for k in range(matrix.terms.arity[term]):
        if last < stack.shape[0]:
            stack[last, 0] = matrix.terms.arguments[matrix.terms.first[term] + k]
            stack[last, 1] = 0 if node < 0 else t.offset[node]
            chain[last, 0], chain[last, 1] = np.uint64(k), top
            last += 1
    while first < last and page.filled[0] < end:
        at, shift = stack[first, 0], stack[first, 1]
        if node < 0:
            variable = -1 if matrix.terms.head[at] >= 0 else 0
        else:
            at, shift, variable = resolve(matrix.terms, at, shift, bindings)
        symbol = _VARIABLE if variable >= 0 else matrix.symbol_hash[matrix.terms.head[at]]
        above, higher = chain[first, 1], chain[first, 0]
        _put(page, tag, _mix(_mix(symbol, above), higher))
        first += 1
        if variable >= 0:
            continue
        for k in range(matrix.terms.arity[at]):
            if last < stack.shape[0]:
                stack[last, 0] = matrix.terms.arguments[matrix.terms.first[at] + k]
                stack[last, 1] = shift
                chain[last, 0], chain[last, 1] = above, symbol
                last += 1


@kernel
def _walk_node(matrix: Matrix, t: Tableau, node: int, tag: int, end: int, page: _Page) -> None:
    """The same of the literal of a node, under the substitution."""
    _walk(matrix, t, node, t.literal[node], tag, end, page)


@kernel
def _bucket(count: int) -> int:
    """Small numbers as they are, large ones by their logarithm."""
    return count if count < 8 else 4 + int(2 * np.log2(count / 2.0))


@kernel
def _clause_hash(matrix: Matrix, clause: int) -> np.uint64:
    """The same for clauses of the same predicates, functions and shape."""
    h = np.uint64(clause * 0 + 17)
    for literal in range(matrix.clause_start[clause], matrix.clause_start[clause + 1]):
        h = _mix(h, _signed(matrix, literal))
        term = matrix.atom[literal]
        for k in range(matrix.terms.arity[term]):
            head = matrix.terms.head[matrix.terms.arguments[matrix.terms.first[term] + k]]
            h = _mix(h, matrix.symbol_hash[head] if head >= 0 else np.uint64(-head))
    return h


@kernel
def observe_walks(
    matrix: Matrix, tableaux: Tableau, context: NDArray[np.int16], options: NDArray[np.int16]
) -> None:
    """Fills the observations of B positions; nothing where the game is over."""
    filled = np.zeros(1, np.int64)
    stack = np.zeros((64, 2), np.int64)
    chain = np.zeros((64, 2), np.uint64)
    for b in range(context.shape[0]):
        context[b] = 0
        options[b] = 0
        t = lane(tableaux, b)
        if t.scalars[OVER] == RUNNING:
            filled[0] = 0
            _see_position(matrix, t, _Page(context[b], filled, stack, chain))
            for a in range(t.scalars[OPTIONS]):
                filled[0] = 0
                _see_option(matrix, t, t.options[a], _Page(options[b, a], filled, stack, chain))


@kernel
def _see_position(matrix: Matrix, t: Tableau, page: _Page) -> None:
    goal, end = t.scalars[GOAL], page.out.shape[0]
    if goal == ROOT:
        _put(page, _OF_NUMBER, np.uint64(1))
        return
    _walk_node(matrix, t, goal, _OF_GOAL, 48, page)
    beside, node = 0, goal
    while node != ROOT:  # what is open: to the right of the goal and of the nodes above
        parent = t.parent[node]
        for right in range(node + 1, t.first[parent] + t.children[parent]):
            beside += 1
            if beside <= _BESIDE:
                _walk_node(matrix, t, right, _OF_BESIDE, min(page.filled[0] + 8, end - 64), page)
        node = parent
    above = 0
    node = t.parent[goal]
    while node != ROOT:
        above += 1
        if above <= _PATH:
            tag, room = (_OF_ABOVE, 16) if above == 1 else (_OF_PATH, 8)
            _walk_node(matrix, t, node, tag, min(page.filled[0] + room, end - 8), page)
        node = t.parent[node]
    _put(page, _OF_NUMBER, np.uint64(100 + _bucket(t.depth[goal])))
    _put(page, _OF_NUMBER, np.uint64(200 + _bucket(beside)))
    for i, column in enumerate((OPTIONS, SIZE, VARIABLES, MOVES, INFERENCES)):
        _put(page, _OF_NUMBER, np.uint64(100 * (3 + i) + _bucket(t.scalars[column])))


@kernel
def _see_option(matrix: Matrix, t: Tableau, option: int, page: _Page) -> None:
    goal, end = t.scalars[GOAL], page.out.shape[0]
    if option < 0:
        above = -1 - option
        _put(page, _OF_PAIR, np.uint64(1))
        climb = np.uint64(10 + _bucket(t.depth[goal] - t.depth[above]))
        _put(page, _OF_PAIR, climb)
        _put(page, _OF_PAIR, _mix(_signed(matrix, t.literal[goal]), climb))
        _walk_node(matrix, t, above, _OF_ENTRY, end, page)
        return
    clause = option if goal == ROOT else matrix.clause[option]
    low, high = matrix.clause_start[clause], matrix.clause_start[clause + 1]
    kind = _clause_hash(matrix, clause)
    _put(page, _OF_CLAUSE, kind)
    _put(page, _OF_NUMBER, np.uint64(800 + _bucket(high - low)))
    _put(page, _OF_NUMBER, np.uint64(900 + matrix.clause_role[clause]))
    if goal != ROOT:
        kind = _mix(kind, np.uint64(option - low))
        _put(page, _OF_PAIR, kind)
        _put(page, _OF_PAIR, _mix(kind, _signed(matrix, t.literal[goal])))
        _put(page, _OF_PAIR, _mix(kind, _shape(matrix, t, goal)))
        above = t.parent[goal]
        if above != ROOT:
            near = _mix(_signed(matrix, t.literal[above]), np.uint64(5))
            _put(page, _OF_PAIR, _mix(kind, near))
        used, node = 0, above
        while node != ROOT:
            used += t.closed[node] >= 0 and matrix.clause[t.closed[node]] == clause
            node = t.parent[node]
        _put(page, _OF_PAIR, np.uint64(50 + _bucket(used)))
        _walk(matrix, t, -1, option, _OF_ENTRY, min(page.filled[0] + 8, end), page)
    for literal in range(low, high):
        if literal != option or goal == ROOT:
            _walk(matrix, t, -1, literal, _OF_CLAUSE, min(page.filled[0] + 6, end), page)


@kernel
def _shape(matrix: Matrix, t: Tableau, goal: int) -> np.uint64:
    """The hash of the symbols that the goal's arguments begin with."""
    shape, terms, term = np.uint64(3), matrix.terms, matrix.atom[t.literal[goal]]
    bindings = Bindings(t.bound, t.bound_offset)
    for k in range(terms.arity[term]):
        argument = terms.arguments[terms.first[term] + k]
        at, _, variable = resolve(terms, argument, t.offset[goal], bindings)
        symbol = _VARIABLE if variable >= 0 else matrix.symbol_hash[terms.head[at]]
        shape = _mix(shape, symbol)
    return shape
