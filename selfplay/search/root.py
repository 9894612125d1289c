"""What roots know, as lists of their legal actions, and the noise that is drawn for these.

Of 5,000 actions 30 may be legal: arrays of all of them would take longer than the search.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from selfplay.jit import bare_kernel
from selfplay.search.tree import NONE, ROOT, Tree, dominated
from selfplay.types import Bool, Float, Int

_FEW = 1024  # actions, for all of which noise is drawn

_Number = TypeVar("_Number", np.int32, np.float32)


class RootSummary(NamedTuple):
    """What B roots know of their legal actions; K is the largest number of these."""

    num_actions: int  # A
    actions: Int  # [B, K] i32, the legal ones in ascending order; NONE behind the last
    visits: Int  # [B, K] i32
    qvalues: Float  # [B, K] f32, NaN where unknown
    prior: Float  # [B, K] f32
    dominated: Bool  # [B, K], no action, or proven no better than another one
    solved: Bool  # [B, K], the exact value is proven
    value: Float  # [B] f32, mean value of the root within its bounds
    raw_value: Float  # [B] f32, the model's value
    draw: Float  # [B] f32, the model's probability of a draw
    lower: Float  # [B] f32, proven bounds of the root's value
    upper: Float  # [B] f32


def summary(tree: Tree, num_actions: int) -> RootSummary:
    """What the roots of ``tree`` know, in a game of so many actions."""
    batch, width = len(tree.size), int(tree.nodes["end"][:, ROOT].max(initial=1))
    actions, visits = np.empty((2, batch, width), np.int32)
    qvalues, prior = np.empty((2, batch, width), np.float32)
    inferior, solved = np.empty((2, batch, width), np.bool_)
    lists = actions, visits, qvalues, prior, inferior, solved
    out = RootSummary(num_actions, *lists, *np.empty((5, batch), np.float32))
    _summarise(tree, out)
    return out


@bare_kernel
def _summarise(tree: Tree, out: RootSummary) -> None:
    for b in range(tree.size.shape[0]):
        root = tree.nodes[b, ROOT]
        low, high = root.lower, root.upper
        out.lower[b], out.upper[b] = low, high
        out.value[b] = min(max(root.total / root.visits, low), high)
        out.raw_value[b], out.draw[b] = root.raw_value, root.draw
        width = root.end - root.first
        for k in range(width):
            edge = tree.edges[b, root.first + k]
            out.actions[b, k], out.visits[b, k] = edge.action, edge.visits
            out.qvalues[b, k], out.prior[b, k] = edge.qvalue, edge.prior
            out.dominated[b, k] = dominated(edge, low, high)
            out.solved[b, k] = edge.lower == edge.upper
        for k in range(width, out.actions.shape[1]):
            out.actions[b, k], out.visits[b, k] = NONE, 0
            out.qvalues[b, k], out.prior[b, k] = np.nan, 0.0
            out.dominated[b, k], out.solved[b, k] = True, False


def by_action(roots: RootSummary, lists: NDArray[_Number], fill: float = 0) -> NDArray[_Number]:
    """[B, A], ``lists`` [B, K] of the legal actions; ``fill`` where an action is not legal."""
    shape = len(lists), roots.num_actions
    wide = np.full(shape, fill, lists.dtype) if fill else np.zeros(shape, lists.dtype)
    _spread(roots.actions, lists, wide)
    return wide


@bare_kernel
def _spread(actions: Int, lists: NDArray[_Number], wide: NDArray[_Number]) -> None:
    for b in range(actions.shape[0]):
        for k in range(actions.shape[1]):
            if actions[b, k] == NONE:
                break
            wide[b, actions[b, k]] = lists[b, k]


def action_noise(
    sample: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    parameter: NDArray[np.float64],
    roots: RootSummary,
) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
    """``sample`` of the parameter [B, 1] of each root, and the bits of all that was drawn for it.

    [B, K] f64, drawn action after action, 0 where the prior is 0.  The bits, [B] u64, are what
    tree.lot needs: so breaking ties takes nothing more from the generator.  In games with very many
    actions only the legal ones are drawn for, which would else take longer than the search.
    """
    likely = roots.prior > 0
    if roots.num_actions <= _FEW:
        drawn = sample(np.broadcast_to(parameter, (len(likely), roots.num_actions)))
        listed = np.take_along_axis(drawn, np.maximum(roots.actions, 0), 1)
        noise = np.where(likely, listed, 0.0)
    else:
        noise = np.zeros(likely.shape)
        noise[likely] = sample(np.broadcast_to(parameter, likely.shape)[likely])
        drawn = noise
    bits: NDArray[np.uint64] = np.bitwise_xor.reduce(drawn.view(np.uint64), axis=1)
    return noise, bits
