"""What every search is made of: the section of the config and the way a search runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay.search import forest as forests
from selfplay.search.forest import Forest
from selfplay.search.model import GameModel, Model
from selfplay.search.tree import RootSummary
from selfplay.section import Section
from selfplay.types import Bool, Decision, Evaluator, Float, Game, Int, State

_FEW = 1024  # actions, for all of which noise is drawn
MAX_SIMULATIONS = 100_000  # leaves a move; a position's tree has room for all of them


class SearchResult(NamedTuple):
    """A search's decision, and what else is worth knowing of it."""

    decision: Decision
    prior: Float  # [B, A] f32, the model's policy at the root
    raw_value: Float  # [B] f32, the model's value of the root
    draw: Float  # [B] f32, the model's probability of a draw at the root
    solved: Bool  # [B], the exact value of the root is proven
    depth: float  # mean depth of the leaves


def action_noise(
    sample: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    parameter: NDArray[np.float64],
    legal: Bool,
) -> NDArray[np.float64]:
    """[B, A] f64, ``sample`` of the parameter [B, 1] of each row, drawn action after action.

    In games with very many actions only for those ``legal`` [B, A], and 0 elsewhere: with 5,000
    actions the drawing would take longer than the search.
    """
    if legal.shape[1] <= _FEW:
        return sample(np.broadcast_to(parameter, legal.shape))
    noise, flat = np.zeros(legal.size), np.flatnonzero(legal)
    noise[flat] = sample(parameter[flat // legal.shape[1], 0])
    return noise.reshape(legal.shape)


class SearchSection(Section):
    """Base of the sections ``[search]``; a search adds ``rule`` and ``decide``."""

    simulations: int = Field(32, ge=1, le=MAX_SIMULATIONS)
    """leaves a move"""
    look_ahead: bool = True
    """see moves that end the game without visiting them"""

    def with_simulations(self, simulations: int) -> Self:
        """The same search with ``simulations`` leaves a move; ValueError where it cannot be."""
        if not 1 <= simulations <= MAX_SIMULATIONS:
            most = f"{MAX_SIMULATIONS:,} simulations a move"
            raise ValueError(f"a search takes 1 to {most}; you asked for {simulations:,}")
        return self.model_copy(update={"simulations": simulations})

    def rule(self, forest: Forest, rng: np.random.Generator, budget: Int, explore: Bool) -> Any:
        """What the ``budget`` [B] of simulations go by, with noise where ``explore`` [B]."""
        raise NotImplementedError

    def decide(
        self, rule: Any, summary: RootSummary, rng: np.random.Generator, explore: Bool
    ) -> Decision:
        """The policy and the move of each root; where to ``explore`` [B] chance may choose it."""
        raise NotImplementedError

    def model(self, game: Game, evaluator: Evaluator) -> GameModel:
        """What this search sees of a game through an evaluator."""
        return GameModel(game, evaluator, self.look_ahead)

    def plant(
        self,
        model: Model,
        positions: State,
        reuse: bool = False,
        memory: Forest | None = None,
    ) -> Forest:
        """Fresh trees, with room for one search and for the subtrees kept before if ``reuse``.

        ``memory`` is a forest that is no longer needed, see forest.plant.
        """
        return forests.plant(model, positions, (2 if reuse else 1) * self.simulations + 1, memory)

    def search(
        self,
        forest: Forest,
        model: Model,
        rng: np.random.Generator,
        explore: Bool,
        budget: Int | None = None,
        wave: int = 1,
    ) -> SearchResult:
        """[B], what is decided at the roots of trees once they have grown.

        Args:
          forest: B trees; they grow.
          model: where actions lead, and what is thought of that.
          rng: of the noise and of moves chosen by chance.
          explore: [B] bool, where to add the noise of self-play; elsewhere the strongest move is
            chosen.
          budget: [B] i32, simulations; ``simulations`` everywhere by default.
          wave: leaves of a tree that are judged at a time, see forest.grow.
        """
        if budget is None:
            budget = np.full(len(forest.tree.size), self.simulations, np.int32)
        rule = self.rule(forest, rng, budget, explore)
        depth = forests.grow(forest, model, rule, budget, wave)
        summary = forest.summary()
        decision, solved = self.decide(rule, summary, rng, explore), summary.lower == summary.upper
        return SearchResult(decision, summary.prior, summary.raw_value, summary.draw, solved, depth)

    def run(
        self, model: Model, positions: State, rng: np.random.Generator, explore: bool = False
    ) -> Decision:
        """[B], what ``search`` decides from fresh trees at ``positions``, arrays [B, ...].

        ``explore``: whether to add the noise of self-play.
        """
        forest = self.plant(model, positions)
        return self.search(forest, model, rng, np.full(len(forest.tree.size), explore)).decision
