"""The search loop: B trees grow side by side, one leaf each a wave.

Kernels choose where to go; a few lines of Python ask the model what is there (model.py) and hand
the answers back.  What differs between searches is a *rule*: a NamedTuple whose
type picks ``select_root`` and ``select`` when the search is compiled (see gumbel.py, puct.py).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import overload
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.arrays import in_lines
from selfplay.jit import bare_kernel
from selfplay.search import tree as trees
from selfplay.search.model import Judged, Model, legal_actions
from selfplay.search.root import RootSummary, summary
from selfplay.search.tree import NONE, ROOT, Frontier, Tree
from selfplay.types import Int, State, Transition

_ALL_DONE = -1
_AHEAD = 3  # trees for which memory is asked before their turn comes
_NOWHERE = (  # what a search begins from: nothing is reached yet
    Frontier(np.empty(0, np.int64), *np.empty((3, 0), np.int32)),
    Transition(*np.empty((2, 0), np.float32)),
    Judged(legal_actions(np.empty((0, 1), np.bool_)), *np.empty((4, 0), np.float32)),
)
_SPARE_EDGES = 16  # of a node, besides as many as the roots have: then pools seldom grow

Rule = Any  # a NamedTuple of arrays [B, ...] and numbers


def select_root(rule: Rule, tree: Tree, b: int, simulation: int) -> int:
    """The edge to follow from the root; what it does depends on the type of the rule."""
    raise NotImplementedError("only compiled code calls this, see register()")


def select(rule: Rule, tree: Tree, b: int, node: int) -> int:
    """The edge to follow from an inner node; what it does depends on the type of the rule."""
    raise NotImplementedError("only compiled code calls this, see register()")


def register(rule_class: type, root: Callable[..., int], inner: Callable[..., int]) -> None:
    """Makes searches under a rule of ``rule_class`` choose by the kernels ``root`` and ``inner``.

    The choice falls when the search is compiled for that type, so it costs nothing later.
    """

    # numba compares the argument names and annotations of the two functions: none are allowed
    @overload(select_root)
    def _root(rule, tree, b, simulation):  # type: ignore[no-untyped-def]
        if getattr(rule, "instance_class", None) is rule_class:
            return lambda rule, tree, b, simulation: root(rule, tree, b, simulation)
        return None

    @overload(select)
    def _inner(rule, tree, b, node):  # type: ignore[no-untyped-def]
        if getattr(rule, "instance_class", None) is rule_class:
            return lambda rule, tree, b, node: inner(rule, tree, b, node)
        return None


@dataclasses.dataclass(eq=False)
class Forest:
    """B trees with what stands at their nodes."""

    tree: Tree
    states: State  # arrays [B, N, ...] of the model's kind
    actions: int  # A

    def summary(self) -> RootSummary:
        """What the roots know of their legal actions."""
        return summary(self.tree, self.actions)

    def has_room(self, batch: int, nodes: int) -> bool:
        """Whether there are so many trees of just that size."""
        return len(self.tree.size) >= batch and self.tree.nodes.shape[1] == nodes


def plant(model: Model, positions: State, nodes: int, memory: Forest | None = None) -> Forest:
    """B trees, the roots in place, judged and visited once.

    Args:
      model: what judges the positions.
      positions: arrays [B, ...].
      nodes: N, the nodes that each tree has room for.
      memory: a forest of the same game that is no longer needed.  The new one stands in its place
        if it holds as many trees of that size: memory never written to is slow at first.
    """
    batch = arrays.length(positions)
    roots, judged = model.root(positions)
    actions = model.num_actions
    if memory is None or not memory.has_room(batch, nodes):
        branching = len(judged.legal.action) / max(1, batch)
        edges = nodes * min(actions, int(_SPARE_EDGES + branching))
        states = arrays.tree_map(lambda a: np.empty((batch, nodes, *a.shape[1:]), a.dtype), roots)
        forest = Forest(trees.new_tree(batch, nodes, edges), states, actions)
    elif len(memory.tree.size) == batch:
        forest = memory
    else:
        tree, states = arrays.take((memory.tree, memory.states), slice(0, batch))
        forest = Forest(tree, states, actions)
    _put_roots(forest, np.arange(batch), roots, judged)
    return forest


def _put_roots(forest: Forest, lane: NDArray[np.int64], roots: State, judged: Judged) -> None:
    arrays.put(forest.states, (lane, ROOT), roots)
    nobody, root = (np.full(len(lane), index, np.int32) for index in (NONE, ROOT))
    unpaid = Transition(np.zeros(len(lane), np.float32), np.ones(len(lane), np.float32))
    begin(forest.tree, lane)
    _attach(forest, Frontier(lane, nobody, nobody, root), unpaid, judged)


def _attach(forest: Forest, reached: Frontier, paid: Transition, judged: Judged) -> None:
    """As trees.attach, in pools of edges that grow where they are full."""
    if needed := trees.attach(forest.tree, reached, paid, judged):
        forest.tree = trees.with_room(forest.tree, needed)
        trees.attach(forest.tree, reached, paid, judged)


def advance(
    forest: Forest,
    model: Model,
    positions: State,
    action: Int,
    lane: NDArray[np.int64] | None = None,
) -> None:
    """Moves roots on; subtrees are kept with their statistics, as far as half a tree holds them.

    Args:
      forest: B trees; L of them are changed.
      model: what judges the roots that are not judged yet.
      positions: arrays [L, ...], the new roots, as whoever plays has them.
      action: [L] i32, what was played at the old roots; NONE where the tree starts anew.
      lane: [L] i64, the trees; all of them by default.
    """
    lane = np.arange(len(action)) if lane is None else lane
    nodes = forest.tree.nodes.shape[1]
    source = np.zeros((len(lane), nodes), np.int32)
    trees.reroot(forest.tree, lane, action, (nodes + 1) // 2, source)
    size = forest.tree.size[lane]
    row, node = np.nonzero(np.arange(size.max(initial=0)) < size[:, None])
    at = lane[row]
    arrays.put(forest.states, (at, node), arrays.take_at(forest.states, at, source[row, node]))
    anew = np.flatnonzero((size == 0) | np.isnan(forest.tree.nodes["draw"][lane, ROOT]))
    if len(anew):
        _put_roots(forest, lane[anew], *model.root(arrays.take(positions, anew)))


def make_room(forest: Forest, nodes: int) -> None:
    """Gives trees room for ``nodes`` nodes each, if they have less; what stands in them stays."""
    batch, held = forest.tree.nodes.shape
    if held >= nodes:
        return
    larger = in_lines((batch, nodes), trees.NODE)
    larger[:, :held] = forest.tree.nodes

    def widened(array: NDArray[Any]) -> NDArray[Any]:
        wider = np.empty((batch, nodes, *array.shape[2:]), array.dtype)
        wider[:, :held] = array
        return wider

    forest.tree = forest.tree._replace(nodes=larger)
    forest.states = arrays.tree_map(widened, forest.states)


def grow(
    forest: Forest,
    model: Model,
    rule: Rule,
    budget: Int,
    wave: int = 1,
    begun: Int | None = None,
) -> float:
    """Runs simulations in each tree until its budget is used up; the mean depth of the leaves.

    A tree stops early when its root is solved or it has no room for another node; a simulation that
    ends in a solved position costs no judgement.

    Args:
      forest: B trees; they grow.
      model: where actions lead, and what is thought of that.
      rule: a NamedTuple of arrays [B, ...] and numbers, of a type that was handed to register().
      budget: [B] i32, simulations.
      wave: leaves of a tree that are judged at a time: with more than one more a second, each
        chosen with less known.
      begun: [B] i32, the simulations of the budget that were run before; counted on in place.  So
        a search can be run in pieces under one rule, and does what it would do in one.
    """
    begun = np.zeros(len(budget), np.int32) if begun is None else begun
    most = len(budget) * wave
    frontiers = [
        Frontier(np.empty(most, np.int64), *(np.empty(most, np.int32) for _ in range(3)))
        for _ in range(2)  # one is read while the next is written
    ]
    depth = np.zeros(2, np.int64)
    reached, paid, judged = _NOWHERE
    try:
        while True:
            more = rule, budget, begun, wave, frontiers[0], depth
            count = go_on(forest.tree, reached, paid, judged, *more)
            if count < _ALL_DONE:
                forest.tree = trees.with_room(forest.tree, -count)
                count = go_on(forest.tree, reached, paid, judged, *more)
            if count == _ALL_DONE:
                return float(depth[0] / max(1, depth[1]))
            reached = arrays.take(frontiers[0], slice(count))
            frontiers.reverse()
            if count:
                paid, judged = model.expand(forest.states, *reached)
    except BaseException:
        take_back(forest.tree)
        raise


@bare_kernel
def begin(tree: Tree, lane: NDArray[np.int64]) -> None:
    """Empties trees but for the place of the root."""
    for b in lane:
        tree.size[b] = tree.held[b] = 0
        trees.keep_place(tree, b, NONE, NONE)


@bare_kernel
def take_back(tree: Tree) -> None:
    """Gives the places back that were kept in a wave, so that the trees can be searched again."""
    for b in range(tree.size.shape[0]):
        trees.none_under_way(tree, b)
        while tree.size[b] > 0 and tree.nodes[b, tree.size[b] - 1].visits == 0:
            tree.size[b] -= 1
            last = tree.nodes[b, tree.size[b]]
            if last.parent != NONE:
                tree.edges[b, last.edge].child = NONE


@bare_kernel
def go_on(
    tree: Tree,
    reached: Frontier,
    paid: Transition,
    judged: Judged,
    rule: Rule,
    budget: Int,
    begun: Int,
    wave: int,
    frontier: Frontier,
    depth: NDArray[np.int64],
) -> int:
    """Attaches what was ``reached`` [L], then descends: tree by tree, while it is near at hand.

    Up to ``wave`` descents in each tree that still searches, counted in ``begun`` [B].
    Fills ``frontier`` and returns how many edges are in it, _ALL_DONE when no tree
    searches any more; where there is too little room for what was reached, nothing is done, and the
    room that all of it needs is returned, negated.  ``depth`` counts [sum of depths, descents].
    """
    needed = trees.room_needed(tree, reached, judged)
    if needed > tree.edges.shape[1]:
        return -needed
    count, any_left, i, found = 0, False, 0, reached.lane.shape[0]
    for b in range(tree.size.shape[0]):
        if i + _AHEAD < found:
            trees.fetch_ahead(tree, reached, i + _AHEAD)
        while i < found and reached.lane[i] == b:
            trees.attach_one(tree, reached, paid, judged, i)
            i += 1
        if wave > 1:
            trees.none_under_way(tree, b)
        for _ in range(wave):
            root = tree.nodes[b, ROOT]
            if begun[b] >= budget[b] or tree.size[b] == tree.nodes.shape[1]:
                break
            if root.lower == root.upper:
                break
            any_left = True
            count = _descend(tree, rule, b, begun, wave, frontier, count, depth)
    return count if any_left else _ALL_DONE


@bare_kernel
def _descend(
    tree: Tree,
    rule: Rule,
    b: int,
    begun: Int,
    wave: int,
    frontier: Frontier,
    count: int,
    depth: NDArray[np.int64],
) -> int:
    """Goes down a tree once; how many edges then are in ``frontier``.

    A descent that ends in a solved position backs its value up here; one that comes to a position
    whose evaluation is under way makes room for others and does not count.
    """
    node, e, steps = ROOT, select_root(rule, tree, b, begun[b]), 0
    while True:
        steps += 1
        child = tree.edges[b, e].child
        if child == NONE:
            frontier.lane[count], frontier.parent[count] = b, node
            child = trees.keep_place(tree, b, node, e)
            frontier.action[count], frontier.node[count] = tree.edges[b, e].action, child
            count += 1
            if wave > 1:
                trees.set_under_way(tree, b, child)
            break
        here = tree.nodes[b, child]
        if here.visits == 0:
            trees.set_under_way(tree, b, child)
            return count
        if here.lower == here.upper:
            trees.back_up(tree, b, child, here.lower)
            break
        node = child
        e = select(rule, tree, b, node)
    begun[b] += 1
    depth[0] += steps
    depth[1] += 1
    return count
