"""The seam under the search: what a model says of positions, and where their actions lead.

A search knows no rules and no net; it asks a Model, as mctx asks a ``recurrent_fn``.  GameModel is
the rules of a game with an evaluator; a learned model of the world is another class like it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.jit import kernel
from selfplay.types import (
    Bool,
    Evaluation,
    Evaluator,
    Float,
    Game,
    Int,
    State,
    Transition,
)

_FEW = 64  # actions, each of which is looked at
BEST, WORST = np.float32(1.0), np.float32(-1.0)  # returns lie between these


class Legal(NamedTuple):
    """The K legal actions of L positions, one position after the other; each has at least one."""

    first: NDArray[np.int64]  # [L + 1], those of position i stand at first[i] : first[i + 1]
    row: NDArray[np.int64]  # [K], the position
    action: Int  # [K] i32, increasing within a position


class Judged(NamedTuple):
    """What a model says of L positions at first sight, for the player to move."""

    legal: Legal  # [K]
    ends: Float  # [K] f32, what an action pays that is known to end the game at once, else NaN
    logits: Float  # [K] f32, unnormalised log-probabilities
    value: Float  # [L] f32 in [-1, 1], expected return
    draw: Float  # [L] f32, probability of a draw; NaN where the position was decided without asking


class Model(Protocol):
    """Rules and opinions; every return lies in [-1, 1]."""

    num_actions: int

    def root(self, positions: State) -> tuple[State, Judged]:
        """What trees begin from at ``positions``, arrays [L, ...] as whoever plays has them.

        Returns arrays [L, ...] of the model's own kind (the positions themselves, or what a net
        makes of them), and their Judged [L].
        """

    def expand(
        self, states: State, lane: NDArray[np.int64], at: Int, action: Int, to: Int
    ) -> tuple[Transition, Judged]:
        """What L actions lead to.

        Args:
          states: arrays [B, N, ...], contiguous; the positions [lane, at] are stepped from, what
            comes after is written to [lane, to].  No such place stands twice.
          lane: [L] i64, the tree.
          at: [L] i32, the node.
          action: [L] i32, a legal action of it.
          to: [L] i32, the node for what it leads to.

        Returns the Transition [L] and the Judged [L] of the positions reached.  Where the discount
        is 0 one action is enough, which ends with 0.
        """


def legal_actions(mask: Bool) -> Legal:
    """The actions that are True in ``mask`` [L, A]."""
    if mask.shape[1] > _FEW:
        flat = np.flatnonzero(mask)  # faster than looking at each
        first, row = np.empty(len(mask) + 1, np.int64), np.empty(len(flat), np.int64)
        legal = Legal(first, row, np.empty(len(flat), np.int32))
        _split(flat, mask.shape[1], legal)
        return legal
    legal = Legal(
        np.empty(len(mask) + 1, np.int64),
        np.empty(mask.size, np.int64),
        np.empty(mask.size, np.int32),
    )
    count = _list(mask, legal)
    return Legal(legal.first, legal.row[:count], legal.action[:count])


class GameModel:
    """The rules of a game, and what an evaluator thinks of its positions.

    With ``see_ends`` every action of a new position is tried, so that those which end the game are
    known at once, and the evaluator is asked only where they do not decide the position.
    """

    def __init__(self, game: Game, evaluator: Evaluator, see_ends: bool) -> None:
        self.game, self.num_actions = game, game.num_actions
        self._evaluator, self._see_ends = evaluator, see_ends
        within, ends = (_true_to_step(game, name) for name in ("step_within", "ends"))
        self._within: Callable[..., tuple[State, Transition]] | None = within
        self._ends_of: Callable[..., Float] | None = ends

    def root(self, positions: State) -> tuple[State, Judged]:
        """The positions themselves; the evaluator is asked about all of them."""
        legal = legal_actions(self.game.legal(positions))
        every = np.arange(arrays.length(positions))
        return positions, self._judged(positions, legal, self._ends(positions, legal), every)

    def expand(
        self, states: State, lane: NDArray[np.int64], at: Int, action: Int, to: Int
    ) -> tuple[Transition, Judged]:
        """As Model.expand, by the rules."""
        after, paid = self.step_within(states, lane, at, action, to)
        mask = self.game.legal(after)
        over = paid.discount == 0.0
        if over.any():  # all is legal there; the search needs no more than one action
            mask = mask & ~over[:, None]
            mask[over, 0] = True
        legal = legal_actions(mask)
        ends = self._ends(after, legal)
        ends[over[legal.row]] = 0.0
        undecided = np.empty(len(over), np.int64)
        count = _undecided(legal.first, ends, undecided)
        return paid, self._judged(after, legal, ends, undecided[:count])

    def step(self, state: State, action: Int) -> tuple[State, Transition]:
        """As Game.step; all that the model does to positions goes through here or below."""
        return self.game.step(state, action)

    def step_within(
        self, states: State, lane: NDArray[np.int64], at: Int, action: Int, to: Int
    ) -> tuple[State, Transition]:
        """As StepsWithin.step_within, whether or not the game has that."""
        if self._within is not None:
            return self._within(states, lane, at, action, to)
        after, paid = self.step(arrays.take_at(states, lane, at), action)
        arrays.put(states, (lane, to), after)
        return after, paid

    def _ends(self, state: State, legal: Legal) -> Float:
        """[K] f32, what the actions pay that end the game; NaN where they don't, or if unseen."""
        if not self._see_ends:
            return np.full(len(legal.action), np.nan, np.float32)
        if self._ends_of is not None:
            return self._ends_of(state, legal.row, legal.action)
        _, paid = self.step(arrays.take(state, legal.row), legal.action)
        return np.where(paid.discount == 0.0, paid.reward, np.float32(np.nan))

    def _judged(self, state: State, legal: Legal, ends: Float, asked: NDArray[np.int64]) -> Judged:
        """With the evaluator's opinion of the positions ``asked``."""
        count = arrays.length(state)
        logits, value = np.zeros(len(legal.action), np.float32), np.zeros(count, np.float32)
        judged = Judged(legal, ends, logits, value, np.full(count, np.nan, np.float32))
        if len(asked):
            some = state if len(asked) == count else arrays.take(state, asked)
            _fill(judged, asked, self._evaluator(self.game, some))
        return judged


def _true_to_step(game: Game, name: str) -> Any:
    """The optional method; None if there is none, or a subclass has other rules in its ``step``."""
    classes = type(game).__mro__
    first = next((each for each in classes if {name, "step"} & vars(each).keys()), object)
    return getattr(game, name) if name in vars(first) else None


@kernel
def _split(flat: NDArray[np.int64], actions: int, legal: Legal) -> None:
    """Fills ``legal`` from places [K] in a flattened array [L, A]."""
    row = k = 0
    legal.first[0] = 0
    for row in range(legal.first.shape[0] - 1):
        start = row * actions
        while k < flat.shape[0] and flat[k] < start + actions:
            legal.row[k], legal.action[k] = row, flat[k] - start
            k += 1
        legal.first[row + 1] = k


@kernel
def _list(mask: Bool, legal: Legal) -> int:
    """Fills ``legal`` from ``mask`` [L, A], with room for all; how many there are."""
    k = 0
    for i in range(mask.shape[0]):
        legal.first[i] = k
        for a in range(mask.shape[1]):
            legal.row[k], legal.action[k] = i, a  # kept if it is legal: no branch to guess
            k += mask[i, a]
    legal.first[mask.shape[0]] = k
    return k


@kernel
def _undecided(first: NDArray[np.int64], ends: Float, out: NDArray[np.int64]) -> int:
    """Lists in ``out`` the positions whose value the ends in sight do not settle; how many."""
    count = 0
    for i in range(first.shape[0] - 1):
        low = high = np.float32(-np.inf)
        for k in range(first[i], first[i + 1]):
            known = not np.isnan(ends[k])
            low = max(low, ends[k] if known else WORST)
            high = max(high, ends[k] if known else BEST)
        if low < high:
            out[count] = i
            count += 1
    return count


@kernel
def _fill(judged: Judged, asked: NDArray[np.int64], opinion: Evaluation) -> None:
    """Writes the opinions of the positions ``asked`` into ``judged``."""
    for j in range(asked.shape[0]):
        i = asked[j]
        judged.value[i], judged.draw[i] = opinion.value[j], opinion.draw[j]
        for k in range(judged.legal.first[i], judged.legal.first[i + 1]):
            judged.logits[k] = opinion.logits[j, judged.legal.action[k]]
