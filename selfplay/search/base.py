"""What every search is made of: the section of the config and the way a search runs."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from pydantic import Field

from selfplay.search import forest as forests
from selfplay.search import tree as trees
from selfplay.search.forest import Forest
from selfplay.search.tree import RootSummary
from selfplay.section import Section
from selfplay.types import Bool, Decision, Evaluator, Float, Game, Int, State

MAX_SIMULATIONS = 100_000  # leaves a move; a position's tree has room for all of them


class Found(NamedTuple):
    """A search's decision, and what else is worth knowing of it."""

    decision: Decision
    prior: Float  # [B, A] f32, the evaluator's policy at the root
    raw_value: Float  # [B] f32, the evaluator's value of the root
    draw: Float  # [B] f32, the evaluator's probability of a draw at the root
    solved: Bool  # [B], the exact value of the root is proven
    depth: float  # mean depth of the leaves


class SearchSection(Section):
    """Base of the sections ``[search]``; a search adds ``rule`` and ``decide``."""

    simulations: int = Field(32, ge=1, le=MAX_SIMULATIONS)
    """leaves a move"""
    look_ahead: bool = True
    """see moves that end the game without visiting them"""

    def with_simulations(self, simulations: int) -> Self:
        """The same search with ``simulations`` leaves a move.

        Raises ValueError with a sentence when these are too few or too many.
        """
        if not 1 <= simulations <= MAX_SIMULATIONS:
            raise ValueError(
                f"a search takes 1 to {MAX_SIMULATIONS:,} simulations a move; "
                f"you asked for {simulations:,}"
            )
        return self.model_copy(update={"simulations": simulations})

    def rule(self, forest: Forest, rng: np.random.Generator, budget: Int, explore: Bool) -> Any:
        """What the walk needs to know for one search; see forest.py."""
        raise NotImplementedError

    def decide(
        self, rule: Any, know: RootSummary, rng: np.random.Generator, explore: Bool
    ) -> Decision:
        """The policy and the move that follow from what the roots know."""
        raise NotImplementedError

    def plant(self, game: Game, state: State, evaluator: Evaluator, reuse: bool = False) -> Forest:
        """Fresh trees for the positions of ``state``, with room to carry subtrees if ``reuse``."""
        nodes = (2 if reuse else 1) * self.simulations + 1
        return forests.plant(game, state, evaluator, nodes, self.look_ahead)

    def search(
        self,
        forest: Forest,
        game: Game,
        evaluator: Evaluator,
        rng: np.random.Generator,
        explore: Bool,
        budget: Int | None = None,
        leaves: int = 1,
    ) -> Found:
        """Grows the trees by ``budget`` [B] simulations (all of ``simulations`` by default).

        ``leaves`` of a tree are evaluated at a time, see forest.py.
        ``explore`` [B] adds the noise of self-play; without it the strongest move is chosen.
        """
        if budget is None:
            budget = np.full(len(forest.tree.size), self.simulations, np.int32)
        prior = forest.tree.prior[:, trees.ROOT].copy()
        rule = self.rule(forest, rng, budget, explore)
        depth = forests.grow(forest, game, evaluator, rule, budget, self.look_ahead, leaves)
        know = trees.summary(forest.tree)
        decision = self.decide(rule, know, rng, explore)
        draw, solved = forest.draw[:, trees.ROOT].copy(), know.lower == know.upper
        return Found(decision, prior, know.raw_value, draw, solved, depth)

    def run(
        self,
        game: Game,
        state: State,
        evaluator: Evaluator,
        rng: np.random.Generator,
        explore: bool = False,
    ) -> Decision:
        """Decides on the positions of ``state`` from fresh trees; see ``search``."""
        forest = self.plant(game, state, evaluator)
        noisy = np.full(len(forest.tree.size), explore)
        return self.search(forest, game, evaluator, rng, noisy).decision
