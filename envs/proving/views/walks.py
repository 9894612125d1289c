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
from envs.proving.calculus.unify import resolve
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


@kernel
def _mix(a: np.uint64, b: np.uint64) -> np.uint64:
    h = (a ^ b) * _MULTIPLIER
    h = (h ^ (h >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
    return np.uint64(h ^ (h >> np.uint64(32)))


@kernel
def _put(out: NDArray[np.int16], filled: int, end: int, tag: int, value: np.uint64) -> int:
    """Writes a hashed number into ``out`` if there is room before ``end``; how many stand there."""
    if filled < end:
        h = _mix(np.uint64(tag) * _VARIABLE, value)
        out[filled] = np.int16(1 + h % np.uint64(TABLE - 1))
        return filled + 1
    return filled


@kernel
def _signed(matrix: Matrix, literal: int) -> np.uint64:
    """The hash of a literal's predicate with its sign."""
    side = matrix.side[literal]
    return np.uint64(matrix.symbol_hash[side >> 1] + np.uint64(side & 1))


@kernel
def _walk(
    matrix: Matrix,
    t: Tableau,
    literal: int,
    offset: int,
    bare: bool,
    tag: int,
    out: NDArray[np.int16],
    filled: int,
    end: int,
    stack: NDArray[np.int64],
    chain: NDArray[np.uint64],
) -> int:
    """Writes the walks of a literal, breadth first; under no substitution if ``bare``."""
    top = _signed(matrix, literal)
    filled = _put(out, filled, end, tag, top)
    term = matrix.atom[literal]
    first, last = 0, 0
    for k in range(matrix.terms.arity[term]):
        if last < stack.shape[0]:
            stack[last, 0] = matrix.terms.arguments[matrix.terms.first[term] + k]
            stack[last, 1] = offset
            chain[last, 0], chain[last, 1] = np.uint64(k), top
            last += 1
    while first < last and filled < end:
        at, shift = stack[first, 0], stack[first, 1]
        if bare:
            variable = -1 if matrix.terms.head[at] >= 0 else 0
        else:
            at, shift, variable = resolve(matrix.terms, at, shift, t.bound, t.bound_offset)
        symbol = _VARIABLE if variable >= 0 else matrix.symbol_hash[matrix.terms.head[at]]
        above, higher = chain[first, 1], chain[first, 0]
        filled = _put(out, filled, end, tag, _mix(_mix(symbol, above), higher))
        first += 1
        if variable >= 0:
            continue
        for k in range(matrix.terms.arity[at]):
            if last < stack.shape[0]:
                stack[last, 0] = matrix.terms.arguments[matrix.terms.first[at] + k]
                stack[last, 1] = shift
                chain[last, 0], chain[last, 1] = above, symbol
                last += 1
    return filled


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
    matrix: Matrix,
    tableaux: Tableau,
    context: NDArray[np.int16],
    options: NDArray[np.int16],
) -> None:
    """Fills the observations of B positions; nothing where the game is over."""
    stack = np.zeros((64, 2), np.int64)
    chain = np.zeros((64, 2), np.uint64)
    for b in range(context.shape[0]):
        context[b] = 0
        options[b] = 0
        t = lane(tableaux, b)
        if t.scalars[OVER] == RUNNING:
            _see_position(matrix, t, context[b], stack, chain)
            for a in range(t.scalars[OPTIONS]):
                _see_option(matrix, t, t.options[a], options[b, a], stack, chain)


@kernel
def _see_position(
    matrix: Matrix,
    t: Tableau,
    out: NDArray[np.int16],
    stack: NDArray[np.int64],
    chain: NDArray[np.uint64],
) -> None:
    goal, filled, end = t.scalars[GOAL], 0, out.shape[0]
    if goal == ROOT:
        _put(out, 0, end, _OF_NUMBER, np.uint64(1))
        return
    filled = _walk(
        matrix, t, t.literal[goal], t.offset[goal], False, _OF_GOAL, out, 0, 48, stack, chain
    )
    beside, node = 0, goal
    depth = t.depth[goal]
    while node != ROOT:  # what is open: to the right of the goal and of the nodes above
        parent = t.parent[node]
        for right in range(node + 1, t.first[parent] + t.children[parent]):
            beside += 1
            if beside <= _BESIDE:
                room = min(filled + 8, end - 64)
                filled = _walk(
                    matrix, t, t.literal[right], t.offset[right], False, _OF_BESIDE,
                    out, filled, room, stack, chain,
                )  # fmt: skip
        node = parent
    above = 0
    node = t.parent[goal]
    while node != ROOT:
        above += 1
        if above <= _PATH:
            tag = _OF_ABOVE if above == 1 else _OF_PATH
            room = min(filled + (16 if above == 1 else 8), end - 8)
            filled = _walk(
                matrix, t, t.literal[node], t.offset[node], False, tag,
                out, filled, room, stack, chain,
            )  # fmt: skip
        node = t.parent[node]
    filled = _put(out, filled, end, _OF_NUMBER, np.uint64(100 + _bucket(depth)))
    filled = _put(out, filled, end, _OF_NUMBER, np.uint64(200 + _bucket(beside)))
    filled = _put(out, filled, end, _OF_NUMBER, np.uint64(300 + _bucket(t.scalars[OPTIONS])))
    filled = _put(out, filled, end, _OF_NUMBER, np.uint64(400 + _bucket(t.scalars[SIZE])))
    filled = _put(out, filled, end, _OF_NUMBER, np.uint64(500 + _bucket(t.scalars[VARIABLES])))
    filled = _put(out, filled, end, _OF_NUMBER, np.uint64(600 + _bucket(t.scalars[MOVES])))
    _put(out, filled, end, _OF_NUMBER, np.uint64(700 + _bucket(t.scalars[INFERENCES])))


@kernel
def _see_option(
    matrix: Matrix,
    t: Tableau,
    option: int,
    out: NDArray[np.int16],
    stack: NDArray[np.int64],
    chain: NDArray[np.uint64],
) -> None:
    goal, filled, end = t.scalars[GOAL], 0, out.shape[0]
    if option < 0:
        above = -1 - option
        filled = _put(out, filled, end, _OF_PAIR, np.uint64(1))
        climb = np.uint64(10 + _bucket(t.depth[goal] - t.depth[above]))
        filled = _put(out, filled, end, _OF_PAIR, climb)
        filled = _put(out, filled, end, _OF_PAIR, _mix(_signed(matrix, t.literal[goal]), climb))
        _walk(
            matrix, t, t.literal[above], t.offset[above], False, _OF_ENTRY, out, filled, end,
            stack, chain,
        )  # fmt: skip
        return
    clause = option if goal == ROOT else matrix.clause[option]
    low, high = matrix.clause_start[clause], matrix.clause_start[clause + 1]
    kind = _clause_hash(matrix, clause)
    filled = _put(out, filled, end, _OF_CLAUSE, kind)
    filled = _put(out, filled, end, _OF_NUMBER, np.uint64(800 + _bucket(high - low)))
    filled = _put(out, filled, end, _OF_NUMBER, np.uint64(900 + matrix.clause_role[clause]))
    if goal != ROOT:
        kind = _mix(kind, np.uint64(option - low))
        filled = _put(out, filled, end, _OF_PAIR, kind)
        literal = t.literal[goal]
        filled = _put(out, filled, end, _OF_PAIR, _mix(kind, _signed(matrix, literal)))
        shape = np.uint64(3)  # of the goal: the symbols its arguments begin with
        term = matrix.atom[literal]
        for k in range(matrix.terms.arity[term]):
            at, _, variable = resolve(
                matrix.terms,
                matrix.terms.arguments[matrix.terms.first[term] + k],
                t.offset[goal],
                t.bound,
                t.bound_offset,
            )
            symbol = _VARIABLE if variable >= 0 else matrix.symbol_hash[matrix.terms.head[at]]
            shape = _mix(shape, symbol)
        filled = _put(out, filled, end, _OF_PAIR, _mix(kind, shape))
        above = t.parent[goal]
        if above != ROOT:
            near = _mix(_signed(matrix, t.literal[above]), np.uint64(5))
            filled = _put(out, filled, end, _OF_PAIR, _mix(kind, near))
        used, node = 0, above
        while node != ROOT:
            used += t.closed[node] >= 0 and matrix.clause[t.closed[node]] == clause
            node = t.parent[node]
        filled = _put(out, filled, end, _OF_PAIR, np.uint64(50 + _bucket(used)))
        filled = _walk(
            matrix, t, option, 0, True, _OF_ENTRY, out, filled, min(filled + 8, end), stack, chain
        )
    for literal in range(low, high):
        if literal != option or goal == ROOT:
            room = min(filled + 6, end)
            filled = _walk(matrix, t, literal, 0, True, _OF_CLAUSE, out, filled, room, stack, chain)


def new_walks(batch: int, actions: int) -> WalksObs:
    """Room for the observations of B positions."""
    return WalksObs(
        np.zeros((batch, CONTEXT), np.int16), np.zeros((batch, actions, OPTION), np.int16)
    )
