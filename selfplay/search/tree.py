"""The search tree of B games as flat arrays, and the kernels that every search shares.

The kernels see numbers only: states stay outside.  Each edge carries proven bounds on the return
(score-bounded Monte-Carlo tree search, Cazenave and Saffidine 2010); the bounds close in from the
ends of games, so wins, losses and draws are known exactly as soon as the tree proves them, and a
Q value never leaves its bounds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.jit import bare_kernel, kernel, scrambled
from selfplay.search.model import BEST, WORST, Judged
from selfplay.types import Bool, Float, Int, Transition

ROOT = 0
NONE = -1  # no parent, no child, no action

_NOWHERE = np.float32(-np.inf)

Number = float | np.float32  # inside kernels


class Edges(NamedTuple):
    """What is known of legal actions: a pool for each of B trees, node after node."""

    action: Int  # [B, E] i32, increasing within a node
    child: Int  # [B, E] i32, the node it leads to, NONE where not visited
    prior: Float  # [B, E] f32, the model's policy
    lower: Float  # [B, E] f32, proven: the action returns at least this
    upper: Float  # [B, E] f32, proven: the action returns at most this


class Tree(NamedTuple):
    """Statistics of B trees; all values are for the player to move at the node."""

    size: Int  # [B] i32, nodes in use
    visits: Int  # [B, N] i32, simulations that came through, the node's own evaluation included;
    #              0 of a node whose evaluation is under way
    pending: Int  # [B, N] i32, descents of the present wave that came through
    total: Float  # [B, N] f32, sum of the values that came through
    raw_value: Float  # [B, N] f32, the model's value
    draw: Float  # [B, N] f32, the model's probability of a draw; NaN where it was not asked
    parent: Int  # [B, N] i32
    edge: Int  # [B, N] i32, the parent's edge that leads here
    reward: Float  # [B, N] f32, what that action paid to the parent's player
    discount: Float  # [B, N] f32, multiplies this node's value in the parent's
    first: Int  # [B, N + 1] i32, the edges of a node stand at first[node] : first[node + 1]
    edges: Edges


class Frontier(NamedTuple):
    """L edges to expand, in the order they were reached; roots have no parent."""

    lane: NDArray[np.int64]  # [L], the tree
    parent: Int  # [L] i32
    action: Int  # [L] i32
    node: Int  # [L] i32, the place kept for what the edge leads to


class RootSummary(NamedTuple):
    """What B roots know about each action after a search."""

    visits: Int  # [B, A] i32
    qvalues: Float  # [B, A] f32, NaN where unknown
    prior: Float  # [B, A] f32
    dominated: Bool  # [B, A], illegal, or proven no better than another action
    solved: Bool  # [B, A], the exact value is proven
    value: Float  # [B] f32, mean value of the root within its bounds
    raw_value: Float  # [B] f32, the model's value
    draw: Float  # [B] f32, the model's probability of a draw
    lower: Float  # [B] f32, proven bounds of the root's value
    upper: Float  # [B] f32


def new_tree(batch: int, nodes: int, edges: int) -> Tree:
    """B empty trees with room for ``nodes`` nodes and ``edges`` edges each."""
    visits, pending, parent, edge = (np.zeros((batch, nodes), np.int32) for _ in range(4))
    total, raw_value, draw = (np.zeros((batch, nodes), np.float32) for _ in range(3))
    reward, discount = (np.zeros((batch, nodes), np.float32) for _ in range(2))
    size, first = np.zeros(batch, np.int32), np.zeros((batch, nodes + 1), np.int32)
    above = parent, edge, reward, discount, first
    return Tree(size, visits, pending, total, raw_value, draw, *above, _new_edges(batch, edges))


def _new_edges(batch: int, edges: int) -> Edges:
    action, child = (np.empty((batch, edges), np.int32) for _ in range(2))
    prior, lower, upper = (np.empty((batch, edges), np.float32) for _ in range(3))
    return Edges(action, child, prior, lower, upper)


def with_room(tree: Tree, edges: int) -> Tree:
    """The same trees with room for ``edges`` edges each, and some more."""
    batch, held = tree.edges.action.shape
    larger = _new_edges(batch, max(edges, held + held // 2))
    for new, old in zip(larger, tree.edges, strict=True):
        new[:, :held] = old
    return tree._replace(edges=larger)


def edges_of(tree: Tree, b: int, node: int) -> Edges:
    """The legal actions of a node, as views [K] of the tree."""
    here = slice(tree.first[b, node], tree.first[b, node + 1])
    return arrays.take(tree.edges, (b, here))


@bare_kernel
def bounds(tree: Tree, b: int, node: int) -> tuple[Number, Number]:
    """Proven lower and upper bound of a node's value."""
    low, high = _NOWHERE, _NOWHERE
    for e in range(tree.first[b, node], tree.first[b, node + 1]):
        low = max(low, tree.edges.lower[b, e])
        high = max(high, tree.edges.upper[b, e])
    return low, high


@bare_kernel
def edge_visits(tree: Tree, b: int, e: int) -> int:
    """How many simulations went through an edge, with those under way (Liu et al. 2020,
    "Watch the unobserved: a simple approach to parallelizing Monte Carlo tree search").
    """
    child = tree.edges.child[b, e]
    return 0 if child == NONE else tree.visits[b, child] + tree.pending[b, child]


@bare_kernel
def qvalue(tree: Tree, b: int, e: int) -> Number:
    """Mean return of an edge kept within its proven bounds; NaN where nothing is known."""
    low: Number = tree.edges.lower[b, e]
    high: Number = tree.edges.upper[b, e]
    if low == high:
        return low
    child = tree.edges.child[b, e]
    if child == NONE or tree.visits[b, child] == 0:
        return np.float32(np.nan)
    mean = tree.total[b, child] / tree.visits[b, child]
    value: Number = tree.reward[b, child] + tree.discount[b, child] * mean
    return min(max(value, low), high)


@bare_kernel
def dominated(tree: Tree, b: int, e: int, low: Number, high: Number) -> bool:
    """True for an edge that is proven no better than another one.

    ``low`` and ``high`` are the bounds of the node.  A sure loss is dominated as long as another
    action may be better.
    """
    upper, lower = tree.edges.upper[b, e], tree.edges.lower[b, e]
    return bool(upper <= low and (lower < low or (low == WORST and high > low)))


def tie_seeds(noise: NDArray[np.float64]) -> NDArray[np.uint64]:
    """[B] u64, what ``lot`` needs of each tree: the bits of the noise [B, A] of its search.

    That was drawn anyway, so breaking ties takes nothing more from the generator.
    """
    seeds: NDArray[np.uint64] = np.bitwise_xor.reduce(noise.view(np.uint64), axis=1)
    return seeds


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
        low, high = bounds(tree, b, node)
        value = min(max(value, low), high)
        tree.visits[b, node] += 1
        tree.total[b, node] += value
        parent = tree.parent[b, node]
        if parent == NONE:
            return
        reward, discount = tree.reward[b, node], tree.discount[b, node]
        edge = tree.edge[b, node]
        if discount < 0.0:
            low, high = high, low
        # a reward on the way would carry the range of an open value past what a game can return
        tree.edges.lower[b, edge] = min(max(reward + discount * low, WORST), BEST)
        tree.edges.upper[b, edge] = min(max(reward + discount * high, WORST), BEST)
        value = reward + discount * value
        node = parent


@bare_kernel
def keep_place(tree: Tree, b: int, parent: int, edge: int) -> int:
    """The node that will be the position behind ``edge``, or the root if ``parent`` is NONE."""
    node = tree.size[b]
    tree.size[b] += 1
    tree.visits[b, node] = 0
    tree.pending[b, node] = 0
    tree.total[b, node] = 0.0
    tree.parent[b, node] = parent
    tree.edge[b, node] = edge
    if parent == NONE:
        tree.first[b, node] = 0
    else:
        tree.edges.child[b, edge] = node
    return int(node)


@bare_kernel
def set_under_way(tree: Tree, b: int, node: int) -> None:
    """Counts a descent that has come to ``node``, whose evaluation is under way."""
    while node != NONE:
        tree.pending[b, node] += 1
        node = tree.parent[b, node]


@bare_kernel
def attach(tree: Tree, reached: Frontier, paid: Transition, judged: Judged) -> int:
    """Writes L positions into the places kept for them and backs up their values.

    Returns 0; where a tree has too little room for their edges nothing is done, and the room that
    all of them need is returned.
    """
    needed = 0
    for i in range(reached.lane.shape[0]):
        b, node = reached.lane[i], reached.node[i]
        count = judged.legal.first[i + 1] - judged.legal.first[i]
        tree.first[b, node + 1] = tree.first[b, node] + count
        needed = max(needed, tree.first[b, node + 1])
    if needed > tree.edges.action.shape[1]:
        return needed
    for i in range(reached.lane.shape[0]):
        b, node = reached.lane[i], reached.node[i]
        tree.reward[b, node], tree.discount[b, node] = paid.reward[i], paid.discount[i]
        tree.draw[b, node] = judged.draw[i]
        _write_edges(tree, b, node, judged, i)
        low, high = bounds(tree, b, node)
        tree.raw_value[b, node] = min(max(judged.value[i], low), high)
        back_up(tree, b, node, judged.value[i])
    return 0


@bare_kernel
def _write_edges(tree: Tree, b: int, node: int, judged: Judged, i: int) -> None:
    begin, end = judged.legal.first[i], judged.legal.first[i + 1]
    start = tree.first[b, node] - begin
    top = _NOWHERE
    for k in range(begin, end):
        top = max(top, judged.logits[k])
    mass = np.float32(0.0)
    for k in range(begin, end):
        e = start + k
        tree.edges.action[b, e] = judged.legal.action[k]
        tree.edges.child[b, e] = NONE
        tree.edges.prior[b, e] = np.exp(judged.logits[k] - top)
        mass += tree.edges.prior[b, e]
        unknown = np.isnan(judged.ends[k])
        tree.edges.lower[b, e] = WORST if unknown else judged.ends[k]
        tree.edges.upper[b, e] = BEST if unknown else judged.ends[k]
    for e in range(tree.first[b, node], tree.first[b, node + 1]):
        tree.edges.prior[b, e] /= mass


@bare_kernel
def summarise(tree: Tree, out: RootSummary) -> None:
    """Fills ``out`` with what the roots know of their legal actions."""
    for b in range(tree.size.shape[0]):
        low, high = bounds(tree, b, ROOT)
        out.lower[b], out.upper[b] = low, high
        mean = tree.total[b, ROOT] / tree.visits[b, ROOT]
        out.value[b] = min(max(mean, low), high)
        out.raw_value[b] = tree.raw_value[b, ROOT]
        out.draw[b] = tree.draw[b, ROOT]
        for e in range(tree.first[b, ROOT], tree.first[b, ROOT + 1]):
            a = tree.edges.action[b, e]
            out.visits[b, a] = edge_visits(tree, b, e)
            out.qvalues[b, a] = qvalue(tree, b, e)
            out.prior[b, a] = tree.edges.prior[b, e]
            out.dominated[b, a] = dominated(tree, b, e, low, high)
            out.solved[b, a] = tree.edges.lower[b, e] == tree.edges.upper[b, e]


def summary(tree: Tree, actions: int) -> RootSummary:
    """What the roots know about each of so many actions."""
    wide = len(tree.size), actions
    narrow = (np.empty(len(tree.size), np.float32) for _ in range(5))
    visits, qvalues = np.zeros(wide, np.int32), np.full(wide, np.nan, np.float32)
    dominated, solved = np.ones(wide, np.bool_), np.zeros(wide, np.bool_)
    prior = np.zeros(wide, np.float32)
    out = RootSummary(visits, qvalues, prior, dominated, solved, *narrow)
    summarise(tree, out)
    return out


@kernel
def reroot(tree: Tree, lane: NDArray[np.int64], action: Int, room: int, source: Int) -> None:
    """Makes the child under ``action`` [L] the root of the trees ``lane`` [L].

    Trees without such a child are emptied.  ``source`` [L, N] receives, for each node of the new
    trees, the index it had before; at most ``room`` nodes are carried over (a parent always comes
    before its children).
    """
    new_index = np.empty(tree.visits.shape[1], np.int32)
    for i in range(lane.shape[0]):
        b = lane[i]
        start = NONE
        for e in range(tree.first[b, ROOT], tree.first[b, ROOT + 1]):
            if tree.edges.action[b, e] == action[i]:
                start = tree.edges.child[b, e]
        old_size = tree.size[b]
        tree.size[b] = 0
        if start == NONE:
            continue
        kept = 0
        for node in range(old_size):
            parent = tree.parent[b, node]
            inside = node == start or (parent != NONE and node > start and new_index[parent] >= 0)
            if inside and kept < room:
                new_index[node] = kept
                source[i, kept] = node
                kept += 1
            else:
                new_index[node] = NONE
        for new in range(kept):  # new <= old, so moving in this order overwrites nothing needed
            _move_node(tree, b, source[i, new], new, new_index)
        tree.parent[b, ROOT] = NONE
        tree.edge[b, ROOT] = NONE
        tree.size[b] = kept


@bare_kernel
def _move_node(tree: Tree, b: int, old: int, new: int, new_index: Int) -> None:
    tree.visits[b, new] = tree.visits[b, old]
    tree.total[b, new] = tree.total[b, old]
    tree.raw_value[b, new] = tree.raw_value[b, old]
    tree.draw[b, new] = tree.draw[b, old]
    parent = tree.parent[b, old]
    tree.parent[b, new] = NONE if parent == NONE else new_index[parent]
    tree.edge[b, new] = tree.edge[b, old]
    tree.reward[b, new] = tree.reward[b, old]
    tree.discount[b, new] = tree.discount[b, old]
    edges, to = tree.edges, tree.first[b, new]
    for e in range(tree.first[b, old], tree.first[b, old + 1]):
        child = edges.child[b, e]
        if child != NONE:
            tree.edge[b, child] = to  # it stands where it did, and is moved later
            child = new_index[child]
        edges.action[b, to], edges.child[b, to] = edges.action[b, e], child
        edges.prior[b, to] = edges.prior[b, e]
        edges.lower[b, to], edges.upper[b, to] = edges.lower[b, e], edges.upper[b, e]
        to += 1
    tree.first[b, new + 1] = to
