"""Connection tableaux on arrays: the inferences that are possible, and what one does.

The leftmost open branch is extended or closed (Otten and Bibel 2003, "leanCoP: lean connection-
based theorem proving"; Letz and Stenz 2001, "Model elimination and connection tableau
procedures")::

    start        the root receives the literals of a start clause
    extension    a goal is connected to a complementary literal of a clause copy, whose other
                 literals become new goals below it
    reduction    a goal is complementary to a literal above it
    lemma        a goal equals one that was closed to the left of it or of a node above it; done at
                 once, for nothing can be lost by it

A literal that equals one above it leads nowhere (regularity).  Where one inference closes the goal
without binding a variable that anything else holds, no other is offered: nothing better can come.
Nodes are numbered as they come to be; the node 0 is the root.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.proving.calculus.matrix import Matrix
from envs.proving.calculus.unify import UNBOUND, Scratch, equal, undo, unify
from selfplay.jit import bare_kernel, kernel
from selfplay.types import Int

Short = NDArray[np.int16]

ROOT = 0
OPEN = -(1 << 30)  # ``closed``: not yet
LEMMAS = -(1 << 20)  # ``closed`` by a lemma: LEMMAS - node;  by a reduction: -1 - node

# the columns of ``scalars``
SIZE = 0  # nodes
GOAL = 1  # the node to close next; NO_GOAL when all are closed
VARIABLES = 2  # in use
INFERENCES = 3  # starts, extensions and reductions so far
OVER = 4  # RUNNING, PROVED or LOST
LIMITED = 5  # 1: something was possible that the limits forbade
OPTIONS = 6  # inferences that are possible now
MOVES = 7  # choices made
SCALARS = 8

RUNNING, PROVED, LOST = 0, 1, 2
NO_GOAL = -1


class Tableau(NamedTuple):
    """One tableau; the numbers are changed in place."""

    scalars: Int  # [SCALARS] i32
    literal: Int  # [N] i32, of each node, in the matrix
    offset: Short  # [N] i16, of the variables of its clause copy
    parent: Short  # [N] i16
    depth: Short  # [N] i16, nodes above without the root; -1 for the root
    first: Short  # [N] i16, the first child
    children: Short  # [N] i16, how many
    closed: Int  # [N] i32, how: OPEN, a literal (extension; a clause for the root), or see LEMMAS
    copy: Short  # [N] i16, extension: offset of the variables of the clause copy below
    bound: Int  # [V] i32, term that a variable is bound to; UNBOUND if free
    bound_offset: Short  # [V] i16
    options: Int  # [A] i32, possible inferences: a literal (a clause at the root), or -1 - ancestor


def new_tableau(nodes: int, variables: int, options: int) -> Tableau:
    """Room for a tableau with so many nodes and variables, and so many options a goal."""
    longs, shorts = np.int32, np.int16
    return Tableau(
        scalars=np.zeros(SCALARS, longs),
        literal=np.zeros(nodes, longs),
        offset=np.zeros(nodes, shorts),
        parent=np.zeros(nodes, shorts),
        depth=np.zeros(nodes, shorts),
        first=np.zeros(nodes, shorts),
        children=np.zeros(nodes, shorts),
        closed=np.full(nodes, OPEN, longs),
        copy=np.zeros(nodes, shorts),
        bound=np.full(variables, UNBOUND, longs),
        bound_offset=np.zeros(variables, shorts),
        options=np.zeros(options, longs),
    )


@kernel
def lane(t: Tableau, b: int) -> Tableau:
    """The tableau ``b`` of many, whose arrays have B in front; it shares their memory."""
    return Tableau(
        t.scalars[b],
        t.literal[b],
        t.offset[b],
        t.parent[b],
        t.depth[b],
        t.first[b],
        t.children[b],
        t.closed[b],
        t.copy[b],
        t.bound[b],
        t.bound_offset[b],
        t.options[b],
    )


class Limits(NamedTuple):
    """What a tableau may not exceed; the sizes of its arrays bound it as well."""

    depth: int  # nodes on a branch
    ground_free: bool  # clauses without variables may exceed the depth (as leanCoP has it)


@bare_kernel
def has_room(matrix: Matrix, t: Tableau, clause: int, connected: int) -> bool:
    """Whether a copy of a clause fits in, but for so many literals."""
    literals = matrix.clause_start[clause + 1] - matrix.clause_start[clause] - connected
    return bool(
        t.scalars[SIZE] + literals <= t.literal.shape[0]
        and t.scalars[VARIABLES] + matrix.clause_variables[clause] <= t.bound.shape[0]
    )


@bare_kernel
def begin(matrix: Matrix, problem: int, t: Tableau) -> None:
    """Makes ``t`` the empty tableau of a problem, with its start clauses as options."""
    t.scalars[:] = 0
    t.literal[:] = 0
    t.offset[:] = 0
    t.parent[:] = 0
    t.depth[:] = 0
    t.first[:] = 0
    t.children[:] = 0
    t.closed[:] = OPEN
    t.copy[:] = 0
    t.bound[:] = UNBOUND
    t.bound_offset[:] = 0
    t.options[:] = 0
    t.literal[ROOT] = -1
    t.depth[ROOT] = -1
    t.scalars[SIZE] = 1
    low, count = matrix.start_first[problem], 0
    for i in range(low, low + matrix.goal_starts[problem]):
        if count == t.options.shape[0] or not has_room(matrix, t, matrix.starts[i], 0):
            t.scalars[LIMITED] = 1
            continue
        t.options[count] = matrix.starts[i]
        count += 1
    t.scalars[OPTIONS] = count
    if count == 0:
        t.scalars[OVER] = LOST


@bare_kernel
def is_equal(matrix: Matrix, t: Tableau, a: int, b: int, scratch: Scratch) -> bool:
    """Whether the literals of two nodes are the same."""
    left, right = t.literal[a], t.literal[b]
    if matrix.side[left] != matrix.side[right]:
        return False
    return equal(
        matrix.terms,
        matrix.atom[left],
        t.offset[a],
        matrix.atom[right],
        t.offset[b],
        t.bound,
        t.bound_offset,
        scratch,
    )


@bare_kernel
def reduces(matrix: Matrix, t: Tableau, goal: int, above: int, scratch: Scratch) -> bool:
    """Binds variables so that a goal is complementary to a node above it; False if it cannot be."""
    left, right = t.literal[goal], t.literal[above]
    if matrix.side[left] != matrix.side[right] ^ 1:
        return False
    return unify(
        matrix.terms,
        matrix.atom[left],
        t.offset[goal],
        matrix.atom[right],
        t.offset[above],
        t.bound,
        t.bound_offset,
        scratch,
    )


@bare_kernel
def connects(matrix: Matrix, t: Tableau, goal: int, entry: int, scratch: Scratch) -> bool:
    """Binds variables so that a goal is complementary to a literal of a new clause copy."""
    return unify(
        matrix.terms,
        matrix.atom[t.literal[goal]],
        t.offset[goal],
        matrix.atom[entry],
        t.scalars[VARIABLES],
        t.bound,
        t.bound_offset,
        scratch,
    )


@bare_kernel
def lemma_of(matrix: Matrix, t: Tableau, goal: int, scratch: Scratch) -> int:
    """An equal node that was closed to the left of the goal or of a node above it; -1 for none."""
    node = goal
    while node != ROOT:
        for left in range(t.first[t.parent[node]], node):
            if is_equal(matrix, t, goal, left, scratch):
                return left
        node = t.parent[node]
    return -1


@bare_kernel
def is_regular(matrix: Matrix, t: Tableau, goal: int, scratch: Scratch) -> bool:
    """Whether the goal and the open nodes beside it differ from all nodes above."""
    parent = t.parent[goal]
    for node in range(goal, t.first[parent] + t.children[parent]):
        above = parent
        while above != ROOT:
            if is_equal(matrix, t, node, above, scratch):
                return False
            above = t.parent[above]
    return True


@bare_kernel
def fits(matrix: Matrix, t: Tableau, limits: Limits, goal: int, entry: int) -> bool:
    """Whether the limits allow a copy of the clause of ``entry`` below the goal."""
    clause = matrix.clause[entry]
    shallow = t.depth[goal] < limits.depth - 1
    ground = limits.ground_free and matrix.clause_variables[clause] == 0
    return bool((shallow or ground) and has_room(matrix, t, clause, 1))


@bare_kernel
def add_children(matrix: Matrix, t: Tableau, node: int, clause: int, without: int) -> None:
    """Puts the literals of a clause copy but for ``without`` below a node."""
    first = t.scalars[SIZE]
    size = first
    for literal in range(matrix.clause_start[clause], matrix.clause_start[clause + 1]):
        if literal == without:
            continue
        t.literal[size] = literal
        t.offset[size] = t.scalars[VARIABLES]
        t.parent[size] = node
        t.depth[size] = t.depth[node] + 1
        t.first[size] = 0
        t.children[size] = 0
        t.closed[size] = OPEN
        t.copy[size] = 0
        size += 1
    t.copy[node] = t.scalars[VARIABLES]
    t.first[node] = first
    t.children[node] = size - first
    t.scalars[SIZE] = size
    t.scalars[VARIABLES] += matrix.clause_variables[clause]


@bare_kernel
def next_goal(t: Tableau, node: int) -> int:
    """The leftmost open node once ``node`` and all below it are closed; NO_GOAL if none is."""
    while node != ROOT:
        parent = t.parent[node]
        if node + 1 < t.first[parent] + t.children[parent]:
            return node + 1
        node = parent
    return NO_GOAL


@bare_kernel
def settle(t: Tableau, node: int) -> None:
    """Moves on from a node that has just been given its ``closed``: to its children or further."""
    t.scalars[GOAL] = t.first[node] if t.children[node] > 0 else next_goal(t, node)


@bare_kernel
def start(matrix: Matrix, t: Tableau, clause: int) -> None:
    """The inference that begins a proof."""
    t.closed[ROOT] = clause
    add_children(matrix, t, ROOT, clause, -1)
    t.scalars[INFERENCES] += 1
    settle(t, ROOT)


@bare_kernel
def extend(matrix: Matrix, t: Tableau, goal: int, entry: int) -> None:
    """The inference after ``connects`` has bound the variables."""
    t.closed[goal] = entry
    add_children(matrix, t, goal, matrix.clause[entry], entry)
    t.scalars[INFERENCES] += 1
    settle(t, goal)


@bare_kernel
def close(t: Tableau, goal: int, how: int) -> None:
    """Closes a goal by a reduction or a lemma."""
    t.closed[goal] = how
    t.first[goal] = 0
    t.children[goal] = 0
    t.scalars[INFERENCES] += how > LEMMAS
    settle(t, goal)


@bare_kernel
def binds_nothing_old(t: Tableau, scratch: Scratch, keep: int) -> bool:
    """Whether what was bound since the trail had ``keep`` entries are variables of the new copy."""
    for i in range(keep, scratch.length[0]):  # noqa: SIM110  # numba compiles no generators
        if scratch.trail[i] < t.scalars[VARIABLES]:
            return False
    return True


@bare_kernel
def find_options(matrix: Matrix, t: Tableau, limits: Limits, scratch: Scratch) -> None:
    """Fills in the inferences that are possible on the goal, reductions first."""
    goal, count, room, keep = t.scalars[GOAL], 0, t.options.shape[0], scratch.length[0]
    t.scalars[LIMITED] = 0
    above = t.parent[goal]
    while above != ROOT:
        if reduces(matrix, t, goal, above, scratch):
            bound = scratch.length[0] - keep
            undo(scratch, keep, t.bound)
            if bound == 0:
                t.options[0] = -1 - above
                t.scalars[OPTIONS] = 1
                return
            if count < room:
                t.options[count] = -1 - above
                count += 1
            else:
                t.scalars[LIMITED] = 1
        above = t.parent[above]
    literal = t.literal[goal]
    for i in range(matrix.link_start[literal], matrix.link_end[literal]):
        entry = matrix.links[i]
        if not fits(matrix, t, limits, goal, entry):
            t.scalars[LIMITED] = 1
            continue
        if connects(matrix, t, goal, entry, scratch):
            clause = matrix.clause[entry]
            unit = matrix.clause_start[clause + 1] - matrix.clause_start[clause] == 1
            free = unit and binds_nothing_old(t, scratch, keep)
            undo(scratch, keep, t.bound)
            if free:
                t.options[0] = entry
                t.scalars[OPTIONS] = 1
                return
            if count < room:
                t.options[count] = entry
                count += 1
            else:
                t.scalars[LIMITED] = 1
    t.scalars[OPTIONS] = count


@bare_kernel
def infer(matrix: Matrix, t: Tableau, option: int, scratch: Scratch) -> None:
    """Does one of the possible inferences."""
    goal = t.scalars[GOAL]
    if goal == ROOT:
        start(matrix, t, option)
    elif option < 0:
        reduces(matrix, t, goal, -1 - option, scratch)
        close(t, goal, option)
    else:
        connects(matrix, t, goal, option, scratch)
        extend(matrix, t, goal, option)


@bare_kernel
def advance(matrix: Matrix, t: Tableau, limits: Limits, scratch: Scratch) -> None:
    """Goes on to the next choice: lemmas and single options are taken, ends are told."""
    while t.scalars[OVER] == RUNNING:
        goal = t.scalars[GOAL]
        if goal == NO_GOAL:
            t.scalars[OVER] = PROVED
            t.scalars[OPTIONS] = 0
            return
        lemma = lemma_of(matrix, t, goal, scratch)
        if lemma >= 0:
            close(t, goal, LEMMAS - lemma)
            continue
        t.scalars[OPTIONS] = 0
        if is_regular(matrix, t, goal, scratch):
            find_options(matrix, t, limits, scratch)
        if t.scalars[OPTIONS] == 0:
            t.scalars[OVER] = LOST
        elif t.scalars[OPTIONS] == 1:
            infer(matrix, t, t.options[0], scratch)
            scratch.length[0] = 0  # nothing will be undone
        else:
            return
