"""The search loop: against the slow reference, with tree reuse, budgets and full trees."""

from typing import Any

import numpy as np
import pytest
from reference import (
    Choice,
    HashedEvaluator,
    SlowGumbel,
    SlowPuct,
    dense,
    random_positions,
    row,
)

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from envs.toys import Chain, Coins, Nim, Standoff
from selfplay import arrays
from selfplay.search import Found, Gumbel, Puct
from selfplay.search import forest as forests
from selfplay.search import tree as trees
from selfplay.types import Game, State

WORLDS: dict[str, tuple[Game, int]] = {  # the game, and how many random moves lead to a position
    "tictactoe": (TicTacToe(), 5),
    "connect4-4x4-3": (Connect4(4, 4, 3), 5),
    "connect4-5x4-4": (Connect4(5, 4, 4), 12),
    "nim": (Nim(12, 3), 4),
    "nim-again": (Nim(13, 2, again=True), 4),
    "chain": (Chain(6), 2),
    "coins-alone": (Coins(8, 1), 3),
    "coins-in-turn": (Coins(8, 2), 3),
    "standoff": (Standoff(6), 2),
}
SECTIONS: dict[str, Gumbel | Puct] = {
    "gumbel": Gumbel(simulations=40),
    "gumbel-few": Gumbel(simulations=24, considered=3, visit_scale=20, value_scale=0.3),
    "gumbel-blind": Gumbel(simulations=40, look_ahead=False),
    "puct": Puct(simulations=40),
    "puct-wide": Puct(simulations=30, exploration=2.5, exploration_base=50, forced=4),
    "puct-blind": Puct(simulations=40, look_ahead=False, unvisited_penalty=0.0),
}
TINY = 2e-5  # where a choice fell by less, single precision may rightly choose otherwise
LANES = 6


class Twins:
    """One compiled search of B lanes and B slow searches of the same positions."""

    def __init__(self, section: Gumbel | Puct, game: Game, state: State, seed: int) -> None:
        self.section, self.game, self.seed = section, game, seed
        self.evaluator = HashedEvaluator(seed)
        self.forest = section.plant(game, state, self.evaluator, reuse=True)
        kind = SlowGumbel if isinstance(section, Gumbel) else SlowPuct
        self.slow: list[Any] = [
            kind(section, game, self.evaluator) for _ in range(arrays.length(state))
        ]
        for b, each in enumerate(self.slow):
            each.plant(row(state, b))

    def search(self, budget: np.ndarray, explore: np.ndarray) -> tuple[Found, list[Choice]]:
        """Both go on by ``budget`` [B] with the same noise where they ``explore`` [B]."""
        self.seed += 1000
        if isinstance(self.section, Gumbel):
            shape = len(budget), self.game.num_actions
            noise = np.random.default_rng(self.seed).gumbel(size=shape) * explore[:, None]
            choices = [each.search(int(budget[b]), noise[b]) for b, each in enumerate(self.slow)]
        else:
            rng = np.random.default_rng(self.seed)
            rule = self.section.rule(self.forest, rng, budget, explore)
            choices = [
                each.search(
                    int(budget[b]),
                    dict(enumerate(rule.root_prior[b].tolist())),
                    self.section.forced if explore[b] else 0.0,
                )
                for b, each in enumerate(self.slow)
            ]
        rng = np.random.default_rng(self.seed)
        found = self.section.search(
            self.forest, self.game, self.evaluator, rng, explore, budget.astype(np.int32)
        )
        return found, choices

    def assert_equal(self, found: Found, choices: list[Choice], explore: np.ndarray) -> int:
        """All lanes agree but for those with a hair's breadth in them; how many were compared."""
        actions, decision, compared = self.game.num_actions, found.decision, 0
        know = trees.summary(self.forest.tree)
        for b, (each, choice) in enumerate(zip(self.slow, choices, strict=True)):
            if each.narrowest < TINY:
                continue
            compared += 1
            np.testing.assert_array_equal(decision.visits[b], dense(choice.visits, actions, 0))
            expected = dense(choice.qvalues, actions, np.nan)
            np.testing.assert_allclose(decision.qvalues[b], expected, atol=2e-6)
            np.testing.assert_allclose(
                decision.policy[b], dense(choice.policy, actions, 0.0), atol=1e-4
            )
            assert decision.value[b] == pytest.approx(choice.value, abs=1e-5)
            assert (know.lower[b], know.upper[b]) == each.bounds(each.root)
            assert found.raw_value[b] == pytest.approx(each.root.opinion, abs=1e-6)
            np.testing.assert_allclose(
                found.prior[b], dense(each.root.prior, actions, 0.0), atol=1e-6
            )
            assert self.forest.tree.size[b] == len(each.order)
            if isinstance(each, SlowGumbel) or not explore[b]:
                assert decision.action[b] == choice.action
        return compared


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", SECTIONS)
def test_grows_the_trees_of_the_slow_reference(name: str, world: str) -> None:
    section, (game, plies) = SECTIONS[name], WORLDS[world]
    compared = asked = 0
    for seed in range(3):
        rng = np.random.default_rng([seed, 1])
        state = random_positions(game, rng, LANES, plies)
        twins = Twins(section, game, state, seed)
        budget = rng.integers(0, section.simulations + 1, LANES)
        budget[0] = section.simulations
        explore = rng.random(LANES) < 0.5
        compared += twins.assert_equal(*twins.search(budget, explore), explore)
        asked += LANES
    assert compared >= 0.8 * asked


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", SECTIONS)
def test_goes_on_in_the_kept_subtree_as_the_slow_reference(name: str, world: str) -> None:
    section, (game, plies) = SECTIONS[name], WORLDS[world]
    rng = np.random.default_rng(7)
    state = random_positions(game, rng, LANES, min(plies, 3))
    twins = Twins(section, game, state, seed=3)
    room = section.simulations + 1
    compared = asked = 0
    for _ in range(4):
        budget = rng.integers(1, section.simulations + 1, LANES)
        explore = rng.random(LANES) < 0.5
        found, choices = twins.search(budget, explore)
        compared += twins.assert_equal(found, choices, explore)
        asked += LANES
        action = found.decision.action
        state, paid = game.step(state, action)
        over = paid.discount == 0
        arrays.put(state, over, arrays.take(game.init(rng, LANES), over))
        forests.advance(
            twins.forest, game, state, twins.evaluator, action, ~over, section.look_ahead
        )
        for b, each in enumerate(twins.slow):
            if over[b]:
                each.plant(row(state, b))
            else:
                each.advance(int(action[b]), row(state, b), room)
    assert compared >= 0.6 * asked
