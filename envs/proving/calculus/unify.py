"""Unification with occurs check, by triangular substitutions over shared structure.

A term is a pair: a term of the library, and the offset of the variables of the clause copy it
belongs to.  A variable's binding is such a pair too, and may hold variables bound in turn
(Baader and Snyder 2001, "Unification theory", section 2.3).  Terms can be exponentially larger
than what denotes them: a comparison that takes too many steps counts as failed, which loses
proofs but never makes a wrong one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.jit import bare_kernel
from selfplay.types import Int

UNBOUND = -1
_ROOM = 4096  # pairs waiting to be compared
_PATIENCE = 20_000  # steps of one comparison


class Scratch(NamedTuple):
    """What unification writes on; one for each thread."""

    stack: Int  # [_ROOM, 4] i32, pairs of terms with their offsets
    trail: Int  # [V] i32, variables in the order they were bound
    length: Int  # [1] i32, of the trail
    term: Int  # [V] i32, bindings for ``unifiable_apart``
    offset: Int  # [V] i32
    gave_up: Int  # [1] i32, 1 once a unification has failed for taking too long


def new_scratch(variables: int) -> Scratch:
    """Room to unify where at most ``variables`` variables are in use."""
    return Scratch(
        np.zeros((_ROOM, 4), np.int32),
        np.zeros(variables, np.int32),
        np.zeros(1, np.int32),
        np.full(variables, UNBOUND, np.int32),
        np.zeros(variables, np.int32),
        np.zeros(1, np.int32),
    )


Bindings = NDArray[Any]  # [V], the bound terms (i32, UNBOUND if free) or their offsets


@bare_kernel
def resolve(
    terms: Any, term: int, offset: int, bound: Bindings, bound_offset: Bindings
) -> tuple[int, int, int]:
    """The term after following bindings, its offset, and its variable; -1 for no variable."""
    while True:
        head = terms.head[term]
        if head >= 0:
            return term, offset, -1
        variable = offset - 1 - head
        if bound[variable] == UNBOUND:
            return term, offset, variable
        term, offset = bound[variable], bound_offset[variable]


@bare_kernel
def undo(scratch: Scratch, keep: int, bound: Bindings) -> None:
    """Frees the variables bound since the trail had ``keep`` entries."""
    for i in range(keep, scratch.length[0]):
        bound[scratch.trail[i]] = UNBOUND
    scratch.length[0] = keep


@bare_kernel
def _occurs(
    terms: Any,
    variable: int,
    term: int,
    offset: int,
    bound: Bindings,
    bound_offset: Bindings,
    scratch: Scratch,
    base: int,
) -> bool:
    """True where the variable occurs in the term, or where that takes too long to tell.

    Uses the stack from ``base`` on.
    """
    stack, top, steps = scratch.stack, base, 0
    stack[top, 0], stack[top, 1] = term, offset
    top += 1
    while top > base:
        top -= 1
        steps += 1
        at, shift, found = resolve(terms, stack[top, 0], stack[top, 1], bound, bound_offset)
        if found >= 0:
            if found == variable:
                return True
            continue
        arity = terms.arity[at]
        if top + arity >= _ROOM or steps > _PATIENCE:
            scratch.gave_up[0] = 1
            return True
        for k in range(arity):
            stack[top, 0], stack[top, 1] = terms.arguments[terms.first[at] + k], shift
            top += 1
    return False


@bare_kernel
def unify(
    terms: Any,
    left: int,
    left_offset: int,
    right: int,
    right_offset: int,
    bound: Bindings,
    bound_offset: Bindings,
    scratch: Scratch,
) -> bool:
    """Makes two atoms equal by binding variables, or leaves all as it was and returns False.

    What was bound stands on the trail.  Of two free variables the one with the higher number is
    bound, so those of the newest clause copy give way first.
    """
    if terms.head[left] != terms.head[right]:
        return False
    stack, before, top, steps = scratch.stack, scratch.length[0], 0, 0
    for k in range(terms.arity[left] - 1, -1, -1):
        stack[top, 0], stack[top, 1] = terms.arguments[terms.first[left] + k], left_offset
        stack[top, 2], stack[top, 3] = terms.arguments[terms.first[right] + k], right_offset
        top += 1
    while top > 0:
        top -= 1
        steps += 1
        a, i, x = resolve(terms, stack[top, 0], stack[top, 1], bound, bound_offset)
        b, j, y = resolve(terms, stack[top, 2], stack[top, 3], bound, bound_offset)
        if x >= 0 and x == y:
            continue
        if x < 0 and y < 0:
            if a == b and (i == j or terms.arity[a] == 0):
                continue
            arity = terms.arity[a]
            alike = terms.head[a] == terms.head[b]
            if not alike or top + arity >= _ROOM or steps >= _PATIENCE:
                scratch.gave_up[0] |= alike
                undo(scratch, before, bound)
                return False
            for k in range(arity - 1, -1, -1):
                stack[top, 0], stack[top, 1] = terms.arguments[terms.first[a] + k], i
                stack[top, 2], stack[top, 3] = terms.arguments[terms.first[b] + k], j
                top += 1
            continue
        if y > x:  # bind y to the left term, else x to the right one
            variable, term, offset, free = y, a, i, x >= 0
        else:
            variable, term, offset, free = x, b, j, y >= 0
        if (
            not free
            and terms.arity[term] > 0
            and _occurs(terms, variable, term, offset, bound, bound_offset, scratch, top)
        ):
            undo(scratch, before, bound)
            return False
        bound[variable], bound_offset[variable] = term, offset
        scratch.trail[scratch.length[0]] = variable
        scratch.length[0] += 1
    return True


@bare_kernel
def equal(
    terms: Any,
    left: int,
    left_offset: int,
    right: int,
    right_offset: int,
    bound: Bindings,
    bound_offset: Bindings,
    scratch: Scratch,
) -> bool:
    """Whether two atoms are the same under the bindings; False if that takes too long to tell."""
    stack, top, steps = scratch.stack, 0, 0
    stack[0, 0], stack[0, 1] = left, left_offset
    stack[0, 2], stack[0, 3] = right, right_offset
    top = 1
    while top > 0:
        top -= 1
        steps += 1
        a, i, x = resolve(terms, stack[top, 0], stack[top, 1], bound, bound_offset)
        b, j, y = resolve(terms, stack[top, 2], stack[top, 3], bound, bound_offset)
        if x != y:
            return False
        if x >= 0 or (a == b and (i == j or terms.arity[a] == 0)):
            continue
        arity = terms.arity[a]
        if terms.head[a] != terms.head[b] or top + arity >= _ROOM or steps > _PATIENCE:
            return False
        for k in range(arity - 1, -1, -1):
            stack[top, 0], stack[top, 1] = terms.arguments[terms.first[a] + k], i
            stack[top, 2], stack[top, 3] = terms.arguments[terms.first[b] + k], j
            top += 1
    return True


@bare_kernel
def unifiable_apart(terms: Any, left: int, right: int, variables: int, scratch: Scratch) -> bool:
    """Whether two atoms unify when the right one's variables are numbered from ``variables`` on."""
    scratch.length[0] = 0
    fits = unify(terms, left, 0, right, variables, scratch.term, scratch.offset, scratch)
    undo(scratch, 0, scratch.term)
    return fits
