"""The search tree of B games as flat arrays, and the kernels that every search shares.

The kernels see numbers only: states stay outside.  Each edge carries proven bounds on the return
(score-bounded Monte-Carlo tree search, Cazenave and Saffidine 2010); the bounds close in from the
ends of games, so wins, losses and draws are known exactly as soon as the tree proves them, and a
Q value never leaves its bounds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import in_lines
from selfplay.jit import bare_kernel, kernel, prefetch, scrambled
from selfplay.search.model import BEST, WORST, Judged
from selfplay.types import Int, Transition

ROOT = 0
NONE = -1  # no parent, no child, no action

_NOWHERE = np.float32(-np.inf)

Number = float | np.float32  # inside kernels

NODE = np.dtype(  # what stands at a node, for the player to move there: one line of the memory
    [
        ("visits", np.int32),  # simulations that came through, the node's own evaluation included;
        #                        0 of a node whose evaluation is under way
        ("pending", np.int32),  # descents of the present wave that came through
        ("total", np.float32),  # sum of the values that came through
        ("lower", np.float32),  # proven: the value is at least this
        ("upper", np.float32),  # proven: the value is at most this
        ("first", np.int32),  # its edges stand at first : end
        ("end", np.int32),
        ("parent", np.int32),
        ("edge", np.int32),  # the parent's edge that leads here
        ("reward", np.float32),  # what that action paid to the parent's player
        ("discount", np.float32),  # multiplies this node's value in the parent's
        ("raw_value", np.float32),  # the model's value
        ("draw", np.float32),  # the model's probability of a draw; NaN where it was not asked
        ("unused", np.int32, 3),
    ]
)
EDGE = np.dtype(  # what is known of a legal action
    [
        ("qvalue", np.float64),  # mean return within the proven bounds; NaN where nothing is known
        ("prior", np.float32),  # the model's policy
        ("visits", np.int32),  # simulations that went through, those under way included
        ("lower", np.float32),  # proven: the action returns at least this
        ("upper", np.float32),  # proven: the action returns at most this
        ("child", np.int32),  # the node it leads to, NONE where not visited
        ("action", np.int32),
    ]
)
Records = NDArray[Any]  # of one of the types above


class Tree(NamedTuple):
    """B trees: a walk reads one record a node and those of its edges, which stand side by side."""

    size: Int  # [B] i32, nodes in use
    held: Int  # [B] i32, edges in use
    nodes: Records  # [B, N] NODE
    edges: Records  # [B, E] EDGE, node after node, in a node by action


class Frontier(NamedTuple):
    """L edges to expand, in the order they were reached; roots have no parent."""

    lane: NDArray[np.int64]  # [L], the tree
    parent: Int  # [L] i32
    action: Int  # [L] i32
    node: Int  # [L] i32, the place kept for what the edge leads to


def new_tree(batch: int, nodes: int, edges: int) -> Tree:
    """B empty trees with room for ``nodes`` nodes and ``edges`` edges each."""
    size, held = np.zeros((2, batch), np.int32)
    records = in_lines((batch, nodes), NODE), in_lines((batch, edges), EDGE)
    return Tree(size, held, *records)


def with_room(tree: Tree, edges: int) -> Tree:
    """The same trees with room for ``edges`` edges each, and some more."""
    batch, held = tree.edges.shape
    larger = in_lines((batch, max(edges, held + held // 2)), EDGE)
    larger[:, :held] = tree.edges
    return tree._replace(edges=larger)


def edges_of(tree: Tree, b: int, node: int) -> Records:
    """[K] EDGE, the legal actions of a node, as a view of the tree."""
    here = tree.nodes[b, node]
    return tree.edges[b, here["first"] : here["end"]]


@bare_kernel
def find_bounds(tree: Tree, b: int, node: int) -> None:
    """Makes the bounds of a node those that follow from its edges."""
    here = tree.nodes[b, node]
    low, high = _NOWHERE, _NOWHERE
    for e in range(here.first, here.end):
        low = max(low, tree.edges[b, e].lower)
        high = max(high, tree.edges[b, e].upper)
    here.lower, here.upper = low, high


@bare_kernel
def dominated(edge: Any, low: Number, high: Number) -> bool:
    """True for an edge that is proven no better than another one.

    ``low`` and ``high`` are the bounds of the node.  A sure loss is dominated as long as another
    action may be better.
    """
    return bool(edge.upper <= low and (edge.lower < low or (low == WORST and high > low)))


@bare_kernel
def lot(seed: np.uint64, node: int, a: int) -> np.uint64:
    """The lot of an action at a node: among equal scores the largest is taken.

    So equal actions are equally likely, and which it is repeats with the seed.
    """
    place = np.uint64(node) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(a)
    return scrambled(seed ^ scrambled(place))


@bare_kernel
def goes_before(
    score: Number, best_score: Number, seed: np.uint64, node: int, a: int, best: int
) -> bool:
    """Whether action ``a`` is to be taken rather than ``best``, which may be NONE."""
    if best == NONE or score > best_score:
        return True
    return bool(score == best_score and lot(seed, node, a) > lot(seed, node, best))


@bare_kernel
def back_up(tree: Tree, b: int, node: int, value: Number) -> None:
    """Adds ``value`` of ``node`` to all on its path and tightens their proven bounds."""
    while True:
        here = tree.nodes[b, node]
        low, high = here.lower, here.upper
        value = min(max(value, low), high)
        here.visits += 1
        here.total += value
        node = here.parent
        if node == NONE:
            return
        edge, reward, discount = tree.edges[b, here.edge], here.reward, here.discount
        if discount < 0.0:
            low, high = high, low
        # a reward on the way would carry the range of an open value past what a game can return
        low = min(max(reward + discount * low, WORST), BEST)
        high = min(max(reward + discount * high, WORST), BEST)
        edge.visits += 1
        if low == high:
            edge.qvalue = low
        else:
            edge.qvalue = min(max(reward + discount * (here.total / here.visits), low), high)
        if low != edge.lower or high != edge.upper:
            edge.lower, edge.upper = low, high
            find_bounds(tree, b, node)
        value = reward + discount * value


@bare_kernel
def keep_place(tree: Tree, b: int, parent: int, edge: int) -> int:
    """The node that will be the position behind ``edge``, or the root if ``parent`` is NONE."""
    node = tree.size[b]
    tree.size[b] += 1
    here = tree.nodes[b, node]
    here.visits, here.pending, here.total = 0, 0, 0.0
    here.parent, here.edge = parent, edge
    if parent != NONE:
        tree.edges[b, edge].child = node
    return int(node)


@bare_kernel
def set_under_way(tree: Tree, b: int, node: int) -> None:
    """Counts a descent that has come to ``node``, whose evaluation is under way (Liu et al. 2020,
    "Watch the unobserved: a simple approach to parallelizing Monte Carlo tree search").
    """
    while node != NONE:
        here = tree.nodes[b, node]
        here.pending += 1
        if here.parent != NONE:
            tree.edges[b, here.edge].visits += 1
        node = here.parent


@bare_kernel
def none_under_way(tree: Tree, b: int) -> None:
    """Forgets the descents whose evaluation was under way."""
    for node in range(tree.size[b]):
        here = tree.nodes[b, node]
        if here.pending:
            here.pending = 0
            if here.parent != NONE:
                tree.edges[b, here.edge].visits = here.visits


@bare_kernel
def attach(tree: Tree, reached: Frontier, paid: Transition, judged: Judged) -> int:
    """Writes L positions into the places kept for them and backs up their values.

    Returns 0; where a tree has too little room for their edges nothing is done, and the room that
    all of them need is returned.
    """
    needed = room_needed(tree, reached, judged)
    if needed > tree.edges.shape[1]:
        return needed
    for i in range(reached.lane.shape[0]):
        attach_one(tree, reached, paid, judged, i)
    return 0


@bare_kernel
def fetch_ahead(tree: Tree, reached: Frontier, i: int) -> None:
    """Asks the memory for what attaching position ``i`` and the next descent are sure to read."""
    b, node = reached.lane[i], reached.node[i]
    prefetch(tree.nodes[b, ROOT])
    prefetch(tree.nodes[b, reached.parent[i]])
    prefetch(tree.nodes[b, node])
    for line in range(4):  # there are two edges in a line; most nodes have no more than eight
        prefetch(tree.edges[b, 2 * line])
        prefetch(tree.edges[b, tree.held[b] + 2 * line])


@bare_kernel
def room_needed(tree: Tree, reached: Frontier, judged: Judged) -> int:
    """The edges that the largest tree will have with those of L positions."""
    needed, first = 0, judged.legal.first
    for i in range(reached.lane.shape[0]):
        tree.held[reached.lane[i]] += first[i + 1] - first[i]
        needed = max(needed, tree.held[reached.lane[i]])
    for i in range(reached.lane.shape[0]):
        tree.held[reached.lane[i]] -= first[i + 1] - first[i]
    return needed


@bare_kernel
def attach_one(tree: Tree, reached: Frontier, paid: Transition, judged: Judged, i: int) -> None:
    """As ``attach``, the position ``i`` alone; there is room for its edges."""
    b, node = reached.lane[i], reached.node[i]
    here = tree.nodes[b, node]
    here.reward, here.discount, here.draw = paid.reward[i], paid.discount[i], judged.draw[i]
    _write_edges(tree, b, node, judged, i)
    here.raw_value = min(max(judged.value[i], here.lower), here.upper)
    back_up(tree, b, node, judged.value[i])


@bare_kernel
def _write_edges(tree: Tree, b: int, node: int, judged: Judged, i: int) -> None:
    here, begin, end = tree.nodes[b, node], judged.legal.first[i], judged.legal.first[i + 1]
    here.first, here.end = tree.held[b], tree.held[b] + end - begin
    tree.held[b] = here.end
    top, low, high = _NOWHERE, _NOWHERE, _NOWHERE
    for k in range(begin, end):
        top = max(top, judged.logits[k])
    mass = np.float32(0.0)
    for k in range(begin, end):
        edge, pays = tree.edges[b, here.first + k - begin], judged.ends[k]
        edge.action, edge.child, edge.visits = judged.legal.action[k], NONE, 0
        edge.prior = np.exp(judged.logits[k] - top)
        mass += edge.prior
        unknown = np.isnan(pays)
        edge.qvalue, edge.lower, edge.upper = pays, pays, pays
        if unknown:
            edge.lower, edge.upper = WORST, BEST
        low, high = max(low, edge.lower), max(high, edge.upper)
    for e in range(here.first, here.end):
        tree.edges[b, e].prior /= mass
    here.lower, here.upper = low, high


@kernel
def reroot(tree: Tree, lane: NDArray[np.int64], action: Int, room: int, source: Int) -> None:
    """Makes the child under ``action`` [L] the root of the trees ``lane`` [L].

    Trees without such a child are emptied.  ``source`` [L, N] receives, for each node of the new
    trees, the index it had before; at most ``room`` nodes are carried over (a parent always comes
    before its children).
    """
    new_index = np.empty(tree.nodes.shape[1], np.int32)
    for i in range(lane.shape[0]):
        b = lane[i]
        root, start = tree.nodes[b, ROOT], NONE
        for e in range(root.first, root.end):
            if tree.edges[b, e].action == action[i]:
                start = tree.edges[b, e].child
        old_size = tree.size[b]
        tree.size[b] = tree.held[b] = 0
        if start == NONE:
            continue
        kept = 0
        for node in range(old_size):
            parent = tree.nodes[b, node].parent
            inside = node == start or (parent != NONE and node > start and new_index[parent] >= 0)
            if inside and kept < room:
                new_index[node] = kept
                source[i, kept] = node
                kept += 1
            else:
                new_index[node] = NONE
        for new in range(kept):  # new <= old, so moving in this order overwrites nothing needed
            _move_node(tree, b, source[i, new], new, new_index)
        root.parent = root.edge = NONE
        tree.size[b] = kept


@bare_kernel
def _move_node(tree: Tree, b: int, old: int, new: int, new_index: Int) -> None:
    first, end, to = tree.nodes[b, old].first, tree.nodes[b, old].end, tree.held[b]
    tree.nodes[b, new] = tree.nodes[b, old]
    here = tree.nodes[b, new]
    here.parent = NONE if here.parent == NONE else new_index[here.parent]
    here.first, here.end = to, to + end - first
    tree.held[b] = here.end
    for e in range(first, end):
        tree.edges[b, to] = tree.edges[b, e]
        edge = tree.edges[b, to]
        if edge.child != NONE:
            tree.nodes[b, edge.child].edge = to  # it stands where it did, and is moved later
            edge.child = new_index[edge.child]
            if edge.child == NONE:  # there is no room for it; what is proven stays
                edge.visits = 0
                edge.qvalue = edge.lower if edge.lower == edge.upper else np.float32(np.nan)
        to += 1
