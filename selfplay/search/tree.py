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

from selfplay.jit import kernel, scrambled
from selfplay.search.model import BEST, WORST, Judged
from selfplay.types import Bool, Float, Int, Transition

ROOT = 0
NONE = -1  # no parent, no child, no action

_NOWHERE = np.float32(-np.inf)  # the bounds of an illegal action

Number = float | np.float32  # inside kernels


class Tree(NamedTuple):
    """Statistics of B trees; all values are for the player to move at the node."""

    size: Int  # [B] i32, nodes in use
    visits: Int  # [B, N] i32, simulations that came through, the node's own evaluation included;
    #              0 of a node whose evaluation is under way
    pending: Int  # [B, N] i32, walks of the present wave that came through
    total: Float  # [B, N] f32, sum of the values that came through
    raw_value: Float  # [B, N] f32, the model's value
    draw: Float  # [B, N] f32, the model's probability of a draw; NaN where it was not asked
    parent: Int  # [B, N] i32
    action: Int  # [B, N] i32, the parent's action that leads here
    reward: Float  # [B, N] f32, what that action paid to the parent's player
    discount: Float  # [B, N] f32, multiplies this node's value in the parent's
    span: Int  # [B, N] i32, no action from here on is legal
    child: Int  # [B, N, A] i32, NONE where not visited
    prior: Float  # [B, N, A] f32, the model's policy over legal actions
    lower: Float  # [B, N, A] f32, proven: the action returns at least this; -inf if illegal
    upper: Float  # [B, N, A] f32, proven: the action returns at most this; -inf if illegal


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


def new_tree(batch: int, nodes: int, actions: int) -> Tree:
    """B empty trees with room for ``nodes`` nodes each."""
    ints = [np.zeros((batch, nodes), np.int32) for _ in range(5)]
    floats = [np.zeros((batch, nodes), np.float32) for _ in range(5)]
    wide = [np.zeros((batch, nodes, actions), np.float32) for _ in range(3)]
    return Tree(
        size=np.zeros(batch, np.int32),
        visits=ints[0],
        total=floats[0],
        raw_value=floats[1],
        draw=floats[4],
        parent=ints[1],
        action=ints[2],
        pending=ints[3],
        reward=floats[2],
        discount=floats[3],
        span=ints[4],
        child=np.full((batch, nodes, actions), NONE, np.int32),
        prior=wide[0],
        lower=wide[1],
        upper=wide[2],
    )


@kernel
def bounds(tree: Tree, b: int, node: int) -> tuple[Number, Number]:
    """Proven lower and upper bound of a node's value."""
    low, high = _NOWHERE, _NOWHERE
    for a in range(tree.span[b, node]):
        low = max(low, tree.lower[b, node, a])
        high = max(high, tree.upper[b, node, a])
    return low, high


@kernel
def edge_visits(tree: Tree, b: int, node: int, a: int) -> int:
    """How many simulations went through action ``a``, with those under way (Liu et al. 2020,
    "Watch the unobserved: a simple approach to parallelizing Monte Carlo tree search").
    """
    child = tree.child[b, node, a]
    return 0 if child == NONE else tree.visits[b, child] + tree.pending[b, child]


@kernel
def qvalue(tree: Tree, b: int, node: int, a: int) -> Number:
    """Mean return of action ``a`` kept within its proven bounds; NaN where nothing is known."""
    low: Number = tree.lower[b, node, a]
    high: Number = tree.upper[b, node, a]
    if low == high:
        return low
    child = tree.child[b, node, a]
    if child == NONE or tree.visits[b, child] == 0:
        return np.float32(np.nan)
    mean = tree.total[b, child] / tree.visits[b, child]
    value: Number = tree.reward[b, child] + tree.discount[b, child] * mean
    return min(max(value, low), high)


@kernel
def dominated(tree: Tree, b: int, node: int, a: int, low: Number, high: Number) -> bool:
    """True for an action that is proven no better than another one.

    ``low`` and ``high`` are the bounds of the node.  Illegal actions are dominated, and so is a
    sure loss as long as another action may be better.
    """
    upper, lower = tree.upper[b, node, a], tree.lower[b, node, a]
    return bool(upper <= low and (lower < low or (low == WORST and high > low)))


def tie_seeds(noise: NDArray[np.float64]) -> NDArray[np.uint64]:
    """[B] u64, what ``lot`` needs of each tree: the bits of the noise [B, A] of its search.

    That was drawn anyway, so breaking ties takes nothing more from the generator.
    """
    seeds: NDArray[np.uint64] = np.bitwise_xor.reduce(noise.view(np.uint64), axis=1)
    return seeds


@kernel
def lot(seed: np.uint64, node: int, a: int) -> np.uint64:
    """The lot of an action at a node: among equal scores the largest is taken.

    So equal actions are equally likely, and which it is repeats with the seed.
    """
    place = np.uint64(node) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(a)
    return scrambled(seed ^ scrambled(place))


@kernel
def goes_before(
    score: Number, best_score: Number, seed: np.uint64, node: int, a: int, best: int
) -> bool:
    """Whether action ``a`` is to be taken rather than ``best``, which may be NONE."""
    if best == NONE or score > best_score:
        return True
    return bool(score == best_score and lot(seed, node, a) > lot(seed, node, best))


@kernel
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
        action = tree.action[b, node]
        if discount < 0.0:
            low, high = high, low
        # a reward on the way would carry the range of an open value past what a game can return
        tree.lower[b, parent, action] = min(max(reward + discount * low, WORST), BEST)
        tree.upper[b, parent, action] = min(max(reward + discount * high, WORST), BEST)
        value = reward + discount * value
        node = parent


@kernel
def keep_place(tree: Tree, b: int, parent: int, action: int) -> int:
    """The node that will be the position after ``action``, or the root if ``parent`` is NONE."""
    node = tree.size[b]
    tree.size[b] += 1
    tree.visits[b, node] = 0
    tree.pending[b, node] = 0
    tree.total[b, node] = 0.0
    tree.parent[b, node] = parent
    tree.action[b, node] = action
    if parent != NONE:
        tree.child[b, parent, action] = node
    return int(node)


@kernel
def set_under_way(tree: Tree, b: int, node: int) -> None:
    """Counts a walk that has come to ``node``, whose evaluation is under way."""
    while node != NONE:
        tree.pending[b, node] += 1
        node = tree.parent[b, node]


@kernel
def attach(tree: Tree, reached: Frontier, paid: Transition, judged: Judged) -> None:
    """Writes L positions into the places kept for them and backs up their values."""
    for i in range(reached.lane.shape[0]):
        b, node = reached.lane[i], reached.node[i]
        tree.reward[b, node], tree.discount[b, node] = paid.reward[i], paid.discount[i]
        tree.draw[b, node] = judged.draw[i]
        for a in range(tree.child.shape[2]):
            tree.child[b, node, a] = NONE
            tree.prior[b, node, a] = 0.0
            tree.lower[b, node, a] = _NOWHERE
            tree.upper[b, node, a] = _NOWHERE
        here = range(judged.legal.first[i], judged.legal.first[i + 1])
        top = _NOWHERE
        for k in here:
            top = max(top, judged.logits[k])
        mass = np.float32(0.0)
        for k in here:
            a = judged.legal.action[k]
            tree.span[b, node] = a + 1
            tree.prior[b, node, a] = np.exp(judged.logits[k] - top)
            mass += tree.prior[b, node, a]
            if np.isnan(judged.ends[k]):
                tree.lower[b, node, a] = WORST
                tree.upper[b, node, a] = BEST
            else:
                tree.lower[b, node, a] = tree.upper[b, node, a] = judged.ends[k]
        for k in here:
            tree.prior[b, node, judged.legal.action[k]] /= mass
        low, high = bounds(tree, b, node)
        tree.raw_value[b, node] = min(max(judged.value[i], low), high)
        back_up(tree, b, node, judged.value[i])


@kernel
def summarise(tree: Tree, out: RootSummary) -> None:
    """Fills ``out`` with what the roots know."""
    for b in range(tree.size.shape[0]):
        low, high = bounds(tree, b, ROOT)
        out.lower[b], out.upper[b] = low, high
        mean = tree.total[b, ROOT] / tree.visits[b, ROOT]
        out.value[b] = min(max(mean, low), high)
        out.raw_value[b] = tree.raw_value[b, ROOT]
        out.draw[b] = tree.draw[b, ROOT]
        for a in range(out.visits.shape[1]):
            out.visits[b, a] = edge_visits(tree, b, ROOT, a)
            legal = tree.upper[b, ROOT, a] > _NOWHERE
            out.qvalues[b, a] = qvalue(tree, b, ROOT, a) if legal else np.nan
            out.prior[b, a] = tree.prior[b, ROOT, a]
            out.dominated[b, a] = dominated(tree, b, ROOT, a, low, high)
            out.solved[b, a] = tree.lower[b, ROOT, a] == tree.upper[b, ROOT, a]


def summary(tree: Tree, actions: int) -> RootSummary:
    """What the roots know about each of so many actions."""
    batch = len(tree.size)
    wide: Any = lambda dtype: np.zeros((batch, actions), dtype)  # noqa: E731
    narrow = [np.zeros(batch, np.float32) for _ in range(5)]
    out = RootSummary(
        wide(np.int32), wide(np.float32), wide(np.float32), wide(np.bool_), wide(np.bool_), *narrow
    )
    summarise(tree, out)
    return out


@kernel
def reroot(
    tree: Tree, lane: NDArray[np.int64], action: Int, keep: Bool, room: int, source: Int
) -> None:
    """Makes the child under ``action`` [L] the root of the trees ``lane`` [L] where ``keep`` [L].

    The others of them are emptied.  ``source`` [L, N] receives, for each node of the new trees, the
    index it had before; at most ``room`` nodes are carried over (a parent always comes before its
    children).
    """
    new_index = np.empty(tree.visits.shape[1], np.int32)
    for i in range(lane.shape[0]):
        b = lane[i]
        start = tree.child[b, ROOT, action[i]] if keep[i] else NONE
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
        tree.action[b, ROOT] = NONE
        tree.size[b] = kept


@kernel
def _move_node(tree: Tree, b: int, old: int, new: int, new_index: Int) -> None:
    tree.visits[b, new] = tree.visits[b, old]
    tree.total[b, new] = tree.total[b, old]
    tree.raw_value[b, new] = tree.raw_value[b, old]
    tree.draw[b, new] = tree.draw[b, old]
    parent = tree.parent[b, old]
    tree.parent[b, new] = NONE if parent == NONE else new_index[parent]
    tree.action[b, new] = tree.action[b, old]
    tree.reward[b, new] = tree.reward[b, old]
    tree.discount[b, new] = tree.discount[b, old]
    tree.span[b, new] = tree.span[b, old]
    for a in range(tree.child.shape[2]):
        child = tree.child[b, old, a]
        tree.child[b, new, a] = NONE if child == NONE else new_index[child]
        tree.prior[b, new, a] = tree.prior[b, old, a]
        tree.lower[b, new, a] = tree.lower[b, old, a]
        tree.upper[b, new, a] = tree.upper[b, old, a]
