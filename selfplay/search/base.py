"""What every search is made of: the section of the config and the way a search runs."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from pydantic import Field

from selfplay.search import forest as forests
from selfplay.search.forest import Forest
from selfplay.search.model import GameModel, Model
from selfplay.search.root import RootSummary, by_action
from selfplay.section import Section
from selfplay.types import Bool, Decision, Evaluator, Float, Game, Int, State

MAX_SIMULATIONS = 100_000  # leaves a move; a position's tree has room for all of them


class Choice(NamedTuple):
    """What a rule makes of B roots that know their K legal actions."""

    action: Int  # [B] i32, the move to play
    policy: Float  # [B, K] f32, probability of each legal action
    value: Float  # [B] f32, expected return for the player to move


class SearchResult(NamedTuple):
    """A search's decision, and what else is worth knowing of it."""

    decision: Decision
    legal: Int  # [B, K] i32, the legal actions in ascending order, NONE behind the last
    prior: Float  # [B, K] f32, the model's policy at the root, of these
    raw_value: Float  # [B] f32, the model's value of the root
    draw: Float  # [B] f32, the model's probability of a draw at the root
    solved: Bool  # [B], the exact value of the root is proven
    depth: float  # mean depth of the leaves


class SearchSection(Section):
    """Base of the sections ``[search]``; a search adds ``rule`` and ``decide``."""

    plans: ClassVar[bool] = False  # how simulations are spread depends on how many there will be

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

    def rule(
        self, before: RootSummary, rng: np.random.Generator, budget: Int, explore: Bool
    ) -> Any:
        """What the ``budget`` [B] of simulations go by, with noise where ``explore`` [B].

        ``before`` is what the roots know before them.
        """
        raise NotImplementedError

    def decide(
        self, rule: Any, after: RootSummary, rng: np.random.Generator, explore: Bool
    ) -> Choice:
        """The policy and the move of each root, which knows this much after the simulations.

        Where to ``explore`` [B] chance may choose the move.
        """
        raise NotImplementedError

    def decide_early(
        self, rule: Any, after: RootSummary, rng: np.random.Generator, explore: Bool, begun: Int
    ) -> Choice:
        """As ``decide`` after the first ``begun`` [B] simulations of a budget that has more."""
        return self.decide(rule, after, rng, explore)

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
        before = forest.summary()
        rule = self.rule(before, rng, budget, explore)
        depth = forests.grow(forest, model, rule, budget, wave)
        after = forest.summary()
        choice, solved = self.decide(rule, after, rng, explore), after.lower == after.upper
        policy, qvalues = by_action(after, choice.policy), by_action(after, after.qvalues, np.nan)
        visits = by_action(after, after.visits - before.visits)
        decision = Decision(choice.action, policy, choice.value, visits, qvalues)
        known = after.prior, after.raw_value, after.draw
        return SearchResult(decision, after.actions, *known, solved, depth)

    def run(
        self, model: Model, positions: State, rng: np.random.Generator, explore: bool = False
    ) -> Decision:
        """[B], what ``search`` decides from fresh trees at ``positions``, arrays [B, ...].

        ``explore``: whether to add the noise of self-play.
        """
        forest = self.plant(model, positions)
        return self.search(forest, model, rng, np.full(len(forest.tree.size), explore)).decision
