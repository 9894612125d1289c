"""The search loop: B trees grow side by side, one leaf each a wave.

Kernels choose where to go; a few lines of Python step the states, ask the evaluator about the new
ones and hand the answers back.  What differs between searches is a *rule*: a NamedTuple whose
type picks ``select_root`` and ``select`` when the walk is compiled (see gumbel.py, puct.py).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.jit import kernel
from selfplay.search import tree as trees
from selfplay.search.tree import NONE, ROOT, Leaf, Tree
from selfplay.types import Bool, Evaluator, Float, Game, Int, State, StepsWithin, Transition

_ALL_DONE = -1

Rule = Any  # a NamedTuple of arrays [B, ...] and numbers


def select_root(rule: Rule, tree: Tree, b: int, simulation: int) -> int:
    """The action to follow from the root; what it does depends on the type of the rule."""
    raise NotImplementedError("only compiled code calls this, see register()")


def select(rule: Rule, tree: Tree, b: int, node: int) -> int:
    """The action to follow from an inner node; what it does depends on the type of the rule."""
    raise NotImplementedError("only compiled code calls this, see register()")


def register(rule_class: type, root: Callable[..., int], inner: Callable[..., int]) -> None:
    """Makes walks under a rule of ``rule_class`` choose by the kernels ``root`` and ``inner``.

    The choice falls when the walk is compiled for that type, so it costs nothing later.
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


class Forest(NamedTuple):
    """B trees with the states of their nodes."""

    tree: Tree
    states: State  # arrays [B, N, ...]
    draw: Float  # [B, N] f32, the evaluator's probability of a draw; 0 where it was not asked


def plant(
    game: Game,
    state: State,
    evaluator: Evaluator,
    nodes: int,
    look_ahead: bool,
    reuse: Forest | None = None,
) -> Forest:
    """B trees with room for ``nodes`` nodes each, the roots in place and evaluated.

    They stand in the memory of ``reuse``, a forest of the same game that is no longer needed, where
    it holds as many trees of that size: memory that was never written to is slow at first.
    """
    batch = arrays.length(state)
    if reuse is not None and has_room(reuse, batch, nodes):
        forest: Forest = arrays.take(reuse, slice(0, batch))
    else:
        forest = Forest(
            trees.new_tree(batch, nodes, game.num_actions),
            arrays.tree_map(lambda a: np.empty((batch, nodes, *a.shape[1:]), a.dtype), state),
            np.zeros((batch, nodes), np.float32),
        )
    replant(forest, game, state, evaluator, np.ones(batch, np.bool_), look_ahead)
    return forest


def has_room(forest: Forest, batch: int, nodes: int) -> bool:
    """Whether the forest holds so many trees of just that size."""
    return len(forest.draw) >= batch and forest.draw.shape[1] == nodes


def replant(
    forest: Forest, game: Game, state: State, evaluator: Evaluator, where: Bool, look_ahead: bool
) -> None:
    """Starts the trees at ``where`` anew from ``state`` [B]."""
    lane = np.flatnonzero(where)
    if not len(lane):
        return
    roots = arrays.take(state, lane)
    arrays.put(forest.states, (lane, ROOT), roots)
    nobody = np.full(len(lane), NONE, np.int32)
    live = np.ones(len(lane), np.float32)
    zeros = np.zeros(len(lane), np.float32)
    leaf, draw = _evaluate(game, roots, evaluator, live, look_ahead, every=True)
    begin(forest.tree, lane)
    trees.attach(
        forest.tree,
        leaf._replace(
            lane=lane,
            node=np.full(len(lane), ROOT, np.int32),
            parent=nobody,
            action=nobody,
            reward=zeros,
            discount=live,
        ),
    )
    forest.draw[lane, ROOT] = draw


def advance(
    forest: Forest,
    game: Game,
    state: State,
    evaluator: Evaluator,
    action: Int,
    keep: Bool,
    look_ahead: bool,
) -> None:
    """Moves the roots along ``action`` [B] where ``keep``; starts the others anew from ``state``.

    Subtrees are kept with their statistics; a root that was never evaluated is evaluated now.
    """
    nodes = forest.tree.visits.shape[1]
    source = np.zeros((len(action), nodes), np.int32)
    trees.reroot(forest.tree, action, keep, (nodes + 1) // 2, source)
    lanes = np.arange(len(action))[:, None]
    for array in (*arrays.leaves(forest.states), forest.draw):
        array[:] = array[lanes, source]
    fresh = forest.tree.size == 0
    if look_ahead:  # what was decided at first sight holds nothing but that: no prior, no draw
        decided = forest.tree.lower[:, ROOT].max(axis=1) == forest.tree.upper[:, ROOT].max(axis=1)
        fresh |= (forest.tree.size == 1) & decided
    replant(forest, game, state, evaluator, fresh, look_ahead)


class Wave(NamedTuple):
    """Edges to expand next, at most L; in the order they were reached."""

    lane: NDArray[np.int64]  # [L], the tree
    parent: Int  # [L] i32
    action: Int  # [L] i32
    node: Int  # [L] i32, the place kept for what the edge leads to


def grow(
    forest: Forest,
    game: Game,
    evaluator: Evaluator,
    rule: Rule,
    budget: Int,
    look_ahead: bool,
    leaves: int = 1,
) -> float:
    """Runs ``budget`` [B] simulations in each tree; the mean depth of the leaves.

    A tree stops early when its root is solved or it has no room for another node; a simulation
    that ends in a solved position costs no evaluation.  With ``leaves`` more than one a tree puts
    so many positions before the evaluator at a time: more a second, each chosen with less known.
    """
    most = len(budget) * leaves
    wave = Wave(np.empty(most, np.int64), *(np.empty(most, np.int32) for _ in range(3)))
    begun = np.zeros(len(budget), np.int32)
    depth = np.zeros(2, np.int64)
    step = _stepping(game, forest.states)
    while (found := walk(forest.tree, rule, budget, begun, leaves, wave, depth)) != _ALL_DONE:
        if not found:
            continue
        lane, at, move, new = (
            wave.lane[:found],
            wave.parent[:found],
            wave.action[:found],
            wave.node[:found],
        )
        try:
            state, paid = step(lane, at, move, new)
            leaf, draw = _evaluate(game, state, evaluator, paid.discount, look_ahead)
        except BaseException:
            _take_back(forest.tree, lane, at, move)
            raise
        forest.draw[lane, new] = draw
        trees.attach(
            forest.tree,
            leaf._replace(
                lane=lane,
                node=new,
                parent=at,
                action=move,
                reward=paid.reward,
                discount=paid.discount,
            ),
        )
        if leaves > 1:
            forest.tree.pending[:, : forest.tree.size.max()] = 0
    return float(depth[0] / max(1, depth[1]))


def _stepping(game: Game, states: State) -> Callable[..., tuple[State, Transition]]:
    """What steps from the nodes ``at`` of lanes by ``action`` and puts that at the nodes ``to``."""
    if isinstance(game, StepsWithin):
        return functools.partial(game.step_within, states)

    def step(lane: NDArray[np.int64], at: Int, action: Int, to: Int) -> tuple[State, Transition]:
        after, paid = game.step(arrays.take_at(states, lane, at), action)
        arrays.put(states, (lane, to), after)
        return after, paid

    return step


def _take_back(tree: Tree, lane: NDArray[np.int64], parent: Int, action: Int) -> None:
    """Gives the places back that were kept in a wave, so that the trees can be searched again."""
    tree.child[lane, parent, action] = NONE
    np.subtract.at(tree.size, lane, 1)
    tree.pending[:] = 0


@kernel
def begin(tree: Tree, lane: NDArray[np.int64]) -> None:
    """Empties trees but for the place of the root."""
    for b in lane:
        tree.size[b] = 0
        trees.keep_place(tree, b, NONE, NONE)


@kernel
def walk(
    tree: Tree,
    rule: Rule,
    budget: Int,
    begun: Int,
    leaves: int,
    wave: Wave,
    depth: NDArray[np.int64],
) -> int:
    """Up to ``leaves`` descents in each tree that still searches, counted in ``begun`` [B].

    Fills ``wave`` with the edges to expand and returns how many there are, _ALL_DONE when no tree
    searches any more.  A walk that ends in a solved position backs its value up here; one that
    comes to a position whose evaluation is under way makes room for others and does not count.
    ``depth`` counts [sum of depths, walks].
    """
    found, any_left = 0, False
    for b in range(tree.size.shape[0]):
        for _ in range(leaves):
            if begun[b] >= budget[b] or tree.size[b] == tree.visits.shape[1]:
                break
            low, high = trees.bounds(tree, b, ROOT)
            if low == high:
                break
            any_left = True
            node, a = ROOT, select_root(rule, tree, b, begun[b])
            steps = 0
            while True:
                steps += 1
                child = tree.child[b, node, a]
                if child == NONE:
                    wave.lane[found], wave.parent[found], wave.action[found] = b, node, a
                    child = trees.keep_place(tree, b, node, a)
                    wave.node[found] = child
                    found += 1
                elif tree.visits[b, child] > 0:
                    low, high = trees.bounds(tree, b, child)
                    if low < high:
                        node = child
                        a = select(rule, tree, b, node)
                        continue
                    trees.back_up(tree, b, child, low)
                else:
                    trees.set_under_way(tree, b, child)
                    break
                if leaves > 1 and tree.visits[b, child] == 0:
                    trees.set_under_way(tree, b, child)
                begun[b] += 1
                depth[0] += steps
                depth[1] += 1
                break
    return found if any_left else _ALL_DONE


def _evaluate(
    game: Game,
    state: State,
    evaluator: Evaluator,
    discount: Float,
    look_ahead: bool,
    every: bool = False,
) -> tuple[Leaf, Float]:
    """What is known of L positions: what their moves end with, and the evaluator's opinion.

    The evaluator is asked only about positions that the end of the game does not decide, unless
    ``every``.  Returns the leaves (tree, parent and action left for the caller) and the draw
    probabilities [L].
    """
    count = len(discount)
    legal = game.legal(state)
    ends = np.full(legal.shape, np.nan, np.float32)
    ask = discount != 0.0
    if look_ahead:
        row, move = np.nonzero(legal & ask[:, None])
        _, paid = game.step(arrays.take(state, row), move.astype(np.int32))
        ends[row, move] = np.where(paid.discount == 0.0, paid.reward, np.float32(np.nan))
        if not every:
            trees.open_question(discount, legal, ends, ask)
    logits = np.zeros(legal.shape, np.float32)
    value, draw = np.zeros(count, np.float32), np.zeros(count, np.float32)
    if ask.all():
        logits, value, draw = evaluator(game, state)
    elif ask.any():
        logits[ask], value[ask], draw[ask] = evaluator(game, arrays.take(state, ask))
    empty = np.empty(0, np.int32)
    leaf = Leaf(
        lane=np.empty(0, np.int64),
        node=empty,
        parent=empty,
        action=empty,
        reward=discount,
        discount=discount,
        legal=legal,
        ends=ends,
        logits=logits,
        value=value,
    )
    return leaf, draw
