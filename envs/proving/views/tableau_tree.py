"""A tableau as a tree for a drawing: every node with its literal and how its branch is closed."""

from __future__ import annotations

from typing import NamedTuple

from envs.proving.calculus.matrix import Library
from envs.proving.calculus.tableau import GOAL, LEMMAS, NO_GOAL, OPEN, OPTIONS, ROOT, Tableau
from envs.proving.proofs.proof import EXTENSION, LEMMA, REDUCTION
from envs.proving.views.position_text import Drawing

START = "start"  # how the root is closed


class TreeNode(NamedTuple):
    """A node of the drawing; the nodes come depth first, left to right, the root first."""

    node: int  # its number in the tableau; stays while the tableau grows
    parent: int  # the number of the node above; -1 for the root
    literal: str  # "" at the root
    state: str  # "closed" with all below, "path" above the goal, "goal", or "open"
    how: str  # EXTENSION, REDUCTION, LEMMA, START, or "" where nothing was done yet
    clause: str  # START, EXTENSION: the name of the clause below
    partner: int  # REDUCTION, LEMMA: the number of the node that closes it; else -1


class TableauTree(NamedTuple):
    """What is drawn of a tableau."""

    nodes: tuple[TreeNode, ...]
    left_out: int  # nodes that there was no room for
    goal: int  # the number of the leftmost open node; NO_GOAL when all are closed
    inferences: tuple[str, ...]  # those possible on the goal, in the order of their actions


def tableau_tree(library: Library, t: Tableau, most: int) -> TableauTree:
    """The tree of the tableau ``t``, at most so many nodes of it.

    Variables are X1, X2, ... in the order of the nodes, as in the text of a proof.  What stands to
    the right of the goal is open whatever the arrays say: searches that go back leave them so.
    """
    drawing, goal = Drawing(library, t), int(t.scalars[GOAL])
    path = _path(t, goal)
    nodes: list[TreeNode] = []
    waiting, passed, count = [ROOT], False, 0
    while waiting:
        at = waiting.pop()
        how = OPEN if passed or at == goal else int(t.closed[at])
        passed = passed or at == goal
        if how >= 0:
            first = int(t.first[at])
            waiting += range(first + int(t.children[at]) - 1, first - 1, -1)
        count += 1
        if count > most:
            continue
        state = "goal" if at == goal else "path" if at in path else "open"
        if how != OPEN and state == "open":
            state = "closed"
        nodes.append(_node(library, t, drawing, at, how, state))
    options = t.options[: int(t.scalars[OPTIONS])].tolist() if goal != NO_GOAL else []
    inferences = tuple(drawing.option(goal, option) for option in options)
    return TableauTree(tuple(nodes), max(0, count - most), goal, inferences)


def _path(t: Tableau, goal: int) -> set[int]:
    """The nodes above the goal."""
    above: set[int] = set()
    while goal > ROOT:
        goal = int(t.parent[goal])
        above.add(goal)
    return above


def _node(
    library: Library, t: Tableau, drawing: Drawing, at: int, how: int, state: str
) -> TreeNode:
    parent = int(t.parent[at]) if at != ROOT else -1
    literal = drawing.node(at) if at != ROOT else ""
    if how == OPEN:
        return TreeNode(at, parent, literal, state, "", "", -1)
    if at == ROOT:
        return TreeNode(at, parent, literal, state, START, library.clause_at(how).name, -1)
    if how <= LEMMAS:
        return TreeNode(at, parent, literal, state, LEMMA, "", LEMMAS - how)
    if how < 0:
        return TreeNode(at, parent, literal, state, REDUCTION, "", -1 - how)
    clause = library.clause_at(int(library.matrix.clause[how])).name
    return TreeNode(at, parent, literal, state, EXTENSION, clause, -1)
