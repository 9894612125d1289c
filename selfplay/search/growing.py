"""A search of one position that can be looked at between its simulations, and grown on."""

from __future__ import annotations

from typing import Any

import numpy as np

from selfplay.search import forest as forests
from selfplay.search.base import MAX_SIMULATIONS, SearchSection
from selfplay.search.model import Model
from selfplay.search.root import by_action
from selfplay.search.tree import NONE, ROOT, Records, edges_of
from selfplay.types import Decision, Float, State

FIRST_ROUND = 32  # simulations; each round has twice as many as the one before
_NODES = 1024  # room at first; it doubles
_MOST_EDGES = 10_000_000  # 320 MB of them: games of thousands of actions end a search by time early


class GrowingSearch:
    """The tree of one position, grown in pieces.

    With a ``budget`` it ends with what ``search.run`` decides with so many simulations and the same
    ``rng``, however it was cut into pieces.  Without one it grows until its memory is used up.  A
    search that plans for its number of simulations (Gumbel's sequential halving) then goes in
    rounds, each twice as long as the one before and planned anew over the tree that stands: so at
    least half of what was searched is the present or the last plan's.
    """

    def __init__(
        self,
        search: SearchSection,
        model: Model,
        position: State,
        rng: np.random.Generator,
        budget: int | None,
        most: int = MAX_SIMULATIONS,
    ) -> None:
        self._search, self._model, self._rng = search, model, rng
        self._most = most if budget is None else budget
        self._room = self._most + 1
        self.forest = forests.plant(model, position, min(self._room, _NODES))
        self._start = self.forest.summary()
        self.simulations = 0
        self._plan(self._most if budget is not None or not search.plans else FIRST_ROUND)

    def _plan(self, budget: int) -> None:
        """Begins a round."""
        self._budget = np.array([min(budget, self._most - self.simulations)], np.int32)
        self._begun, self._calm = np.zeros(1, np.int32), np.zeros(1, np.bool_)
        before = self.forest.summary()
        self._rule: Any = self._search.rule(before, self._rng, self._budget, self._calm)

    @property
    def proven(self) -> bool:
        """Whether the exact value is known."""
        root = self.forest.tree.nodes[0, ROOT]
        return bool(root["lower"] == root["upper"])

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do: all simulations are run, or memory is full, or proven."""
        full = self.forest.tree.edges.shape[1] > _MOST_EDGES
        return self.proven or full or self.simulations >= self._most

    @property
    def prior(self) -> Float:
        """[A] f32, the model's policy."""
        prior: Float = by_action(self._start, self._start.prior)[0]
        return prior

    @property
    def raw_value(self) -> float:
        """The model's value, within what is proven at first sight."""
        return float(self._start.raw_value[0])

    def grow(self, simulations: int) -> None:
        """Runs ``simulations`` more, or as many as are left."""
        left = min(simulations, self._most - self.simulations)
        while left > 0 and not self.ended:
            if self._begun[0] >= self._budget[0]:
                self._plan(2 * int(self._budget[0]))
            old = int(self._begun[0])
            goal = np.minimum(self._begun + left, self._budget).astype(np.int32)
            size, held = int(self.forest.tree.size[0]), self.forest.tree.nodes.shape[1]
            if size + left >= held:
                forests.make_room(self.forest, min(self._room, max(2 * held, size + left + 1)))
            forests.grow(self.forest, self._model, self._rule, goal, 1, self._begun)
            left -= int(self._begun[0]) - old
            self.simulations += int(self._begun[0]) - old

    def decision(self) -> Decision:
        """What is decided so far, without batch: [A] and scalars; in the end with the ``rng``."""
        after = self.forest.summary()
        if self._begun[0] >= self._budget[0] or self.proven:
            choice = self._search.decide(self._rule, after, self._rng, self._calm)
        else:
            aside = np.random.default_rng(0)  # to look changes nothing
            early = self._rule, after, aside, self._calm, self._begun
            choice = self._search.decide_early(*early)
        return Decision(
            choice.action[0],
            by_action(after, choice.policy)[0],
            choice.value[0],
            by_action(after, after.visits - self._start.visits)[0],
            by_action(after, after.qvalues, np.nan)[0],
        )

    def line(self, action: int, most: int = 12) -> tuple[int, ...]:
        """The principal variation that begins with ``action``, of ``most`` moves or fewer.

        The replies visited most, of a proven position one that keeps what is proven.
        """
        tree, line, node = self.forest.tree, [action], ROOT
        while len(line) < most:
            edges = edges_of(tree, 0, node)
            (place,) = np.flatnonzero(edges["action"] == line[-1])
            node = int(edges["child"][place])
            if node == NONE or tree.nodes["discount"][0, node] == 0:
                break
            here, edges = tree.nodes[0, node], edges_of(tree, 0, node)
            reply = _reply(here, edges)
            if reply is None:
                break
            line.append(reply)
        return tuple(line)


def _reply(here: Any, edges: Records) -> int | None:
    """The action expected at a node; None where none was looked at."""
    if here["lower"] == here["upper"]:
        edges = edges[(edges["lower"] == here["lower"]) & (edges["upper"] == here["lower"])]
    elif edges["visits"].max() == 0:
        return None
    if not len(edges):
        return None
    order = np.lexsort((np.nan_to_num(edges["qvalue"], nan=-2.0), edges["visits"]))
    return int(edges["action"][order[-1]])
