"""The search loop: against the slow reference, with tree reuse, budgets and full trees."""

from typing import Any

import numpy as np
import pytest
from reference import (
    Choice,
    HashedEvaluator,
    SlowGumbel,
    SlowPuct,
    assert_same_arrays,
    dense,
    random_positions,
    row,
    searched,
    wide,
)

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from envs.toys import Chain, Coins, Nim, Standoff
from selfplay import arrays
from selfplay.search import Forest, Gumbel, Puct, SearchResult
from selfplay.search import forest as forests
from selfplay.search import tree as trees
from selfplay.search.tree import NONE, edges_of
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
CALM = np.zeros(LANES, np.bool_)  # nothing is explored


class Twins:
    """One compiled search of B lanes and B slow searches of the same positions."""

    def __init__(self, section: Gumbel | Puct, game: Game, state: State, seed: int) -> None:
        self.section, self.game, self.seed = section, game, seed
        self.evaluator = HashedEvaluator(seed)
        self.model = section.model(game, self.evaluator)
        self.forest = section.plant(self.model, state, reuse=True)
        kind = SlowGumbel if isinstance(section, Gumbel) else SlowPuct
        self.slow: list[Any] = [
            kind(section, game, self.evaluator) for _ in range(arrays.length(state))
        ]
        for b, each in enumerate(self.slow):
            each.plant(row(state, b))

    def search(self, budget: np.ndarray, explore: np.ndarray) -> tuple[SearchResult, list[Choice]]:
        """Both go on by ``budget`` [B] with the same noise where they ``explore`` [B]."""
        self.seed += 1000
        rng = np.random.default_rng(self.seed)
        before = self.forest.summary()
        rule = self.section.rule(before, rng, budget.astype(np.int32), explore)
        ties = rule.ties.tolist()
        if isinstance(self.section, Gumbel):
            shape = len(budget), self.game.num_actions
            noise = np.random.default_rng(self.seed).gumbel(size=shape) * explore[:, None]
            options = list(zip(noise, strict=True))
        else:
            rows = zip(before.actions.tolist(), rule.root_prior.tolist(), strict=True)
            priors = [dict(zip(*row, strict=True)) for row in rows]
            options = list(zip(priors, np.where(explore, self.section.forced, 0.0), strict=True))
        choices = [
            each.search(count, *option, tie)
            for each, count, option, tie in zip(
                self.slow, budget.tolist(), options, ties, strict=True
            )
        ]
        rng = np.random.default_rng(self.seed)
        found = self.section.search(self.forest, self.model, rng, explore, budget.astype(np.int32))
        return found, choices

    def assert_equal(self, found: SearchResult, choices: list[Choice], explore: np.ndarray) -> int:
        """All lanes agree but for those with a hair's breadth in them; how many were compared."""
        actions, decision, compared = self.game.num_actions, found.decision, 0
        know, prior = self.forest.summary(), wide(found.legal, found.prior, actions)
        for b, (each, choice) in enumerate(zip(self.slow, choices, strict=True)):
            if each.narrowest < TINY:
                continue
            compared += 1
            for mine, theirs, fill, off in (
                (decision.visits, choice.visits, 0, 0),
                (decision.qvalues, choice.qvalues, np.nan, 2e-6),
                (decision.policy, choice.policy, 0.0, 1e-4),
                (prior, each.root.prior, 0.0, 1e-6),
            ):
                np.testing.assert_allclose(mine[b], dense(theirs, actions, fill), atol=off)
            assert decision.value[b] == pytest.approx(choice.value, abs=1e-5)
            assert (know.lower[b], know.upper[b]) == each.bounds(each.root)
            assert found.raw_value[b] == pytest.approx(each.root.opinion, abs=1e-6)
            assert found.draw[b] == np.float32(each.root.draw)
            assert self.forest.tree.size[b] == len(each.order)
            if isinstance(each, SlowGumbel) or not explore[b]:
                assert decision.action[b] == choice.action
        return compared


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", SECTIONS)
def test_grows_the_trees_of_the_slow_reference(name: str, world: str) -> None:
    section, (game, plies) = SECTIONS[name], WORLDS[world]
    compared = asked = 0
    for seed in range(2):
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
    for _ in range(3):
        budget = rng.integers(1, section.simulations + 1, LANES)
        explore = rng.random(LANES) < 0.5
        found, choices = twins.search(budget, explore)
        compared += twins.assert_equal(found, choices, explore)
        asked += LANES
        action = found.decision.action
        state, paid = game.step(state, action)
        over = paid.discount == 0
        arrays.put(state, over, arrays.take(game.init(rng, LANES), over))
        forests.advance(twins.forest, twins.model, state, np.where(over, NONE, action))
        for b, each in enumerate(twins.slow):
            if over[b]:
                each.plant(row(state, b))
            else:
                each.advance(int(action[b]), row(state, b), room)
    assert compared >= 0.6 * asked


def _searched(section: Gumbel | Puct, reuse: bool = True) -> tuple[Forest, SearchResult]:
    """Six positions of a small Connect Four with their trees full."""
    game = Connect4(5, 4, 4)
    state = random_positions(game, np.random.default_rng(0), LANES, 4)
    model = section.model(game, HashedEvaluator())
    forest = section.plant(model, state, reuse)
    return forest, section.search(forest, model, np.random.default_rng(0), CALM)


def test_restarted_lanes_are_as_if_planted_and_leave_the_others_alone() -> None:
    game, section = Connect4(5, 4, 4), Puct(simulations=40)
    forest, found = _searched(section)
    kept_sizes = found.decision.visits[np.arange(LANES), found.decision.action]
    keep = np.array([True, False, True, False, False, True])
    start = game.init(np.random.default_rng(0), LANES)
    evaluator = HashedEvaluator()
    model = section.model(game, evaluator)
    forests.advance(forest, model, start, np.where(keep, found.decision.action, NONE))
    assert evaluator.calls == 3
    fresh = section.plant(model, start, reuse=True)
    np.testing.assert_array_equal(forest.tree.size, np.where(keep, kept_sizes, 1))
    mine, new = forest.summary(), fresh.summary()
    for name in mine._fields[1:]:  # all but the number of actions
        np.testing.assert_array_equal(getattr(mine, name)[~keep], getattr(new, name)[~keep])


@pytest.mark.parametrize("room", [1, 2, 7])
def test_a_subtree_larger_than_the_room_keeps_its_oldest_nodes(room: int) -> None:
    section = Gumbel(simulations=60, considered=1)  # all simulations under one action
    forest, found = _searched(section)
    action = found.decision.action
    source = np.zeros(forest.tree.nodes.shape, np.int32)
    before = arrays.tree_map(np.copy, forest.tree)
    trees.reroot(forest.tree, np.arange(LANES), action, room, source)
    tree = forest.tree
    np.testing.assert_array_equal(tree.size, np.full(LANES, room))
    for b in range(LANES):
        root = edges_of(before, b, trees.ROOT)
        assert source[b, 0] == root["child"][root["action"] == action[b]]
        assert (np.diff(source[b, :room]) > 0).all()
        children = 0
        for node in range(room):
            ours, theirs = edges_of(tree, b, node), edges_of(before, b, source[b, node])
            np.testing.assert_array_equal(ours["lower"], theirs["lower"])
            np.testing.assert_array_equal(ours["action"], theirs["action"])
            assert tree.nodes["visits"][b, node] == before.nodes["visits"][b, source[b, node]]
            for k in np.flatnonzero(ours["child"] >= 0):
                assert node < ours["child"][k] < room
                assert tree.nodes["parent"][b, ours["child"][k]] == node
                assert tree.nodes["edge"][b, ours["child"][k]] == tree.nodes["first"][b, node] + k
                children += 1
        assert children == room - 1  # every node but the root hangs somewhere


@pytest.mark.parametrize("section", [Gumbel(simulations=12), Puct(simulations=12)])
def test_a_full_tree_stops_growing_and_stays_sound(section: Gumbel | Puct) -> None:
    game = Connect4(5, 4, 4)
    forest, _ = _searched(section, reuse=False)
    assert (forest.tree.size == 13).all()
    visits = forest.tree.nodes["visits"].copy()
    model, more = section.model(game, HashedEvaluator()), np.full(LANES, 30, np.int32)
    found = section.search(forest, model, np.random.default_rng(1), CALM, more)
    assert (found.decision.visits == 0).all()
    np.testing.assert_array_equal(forest.tree.nodes["visits"], visits)
    np.testing.assert_allclose(found.decision.policy.sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("section", [Gumbel(), Puct()])
def test_no_simulations_still_give_a_legal_move_and_the_prior(section: Gumbel | Puct) -> None:
    game = Connect4(5, 4, 4)
    state = random_positions(game, np.random.default_rng(4), 50, 12)
    evaluator = HashedEvaluator()
    explore, nothing = np.arange(50) % 2 == 0, np.zeros(50, np.int32)
    rng = np.random.default_rng(0)
    _, found = searched(section, game, evaluator, state, rng, explore, nothing)
    assert game.legal(state)[np.arange(50), found.decision.action].all()
    assert evaluator.calls == 50
    open_ = np.isnan(found.decision.qvalues).sum(axis=1) == 5  # neither a full column nor an end
    assert open_.sum() > 10
    prior = wide(found.legal, found.prior, 5)
    np.testing.assert_allclose(found.decision.policy[open_], prior[open_], rtol=1e-4)
    np.testing.assert_allclose(found.decision.value[open_], found.raw_value[open_], rtol=1e-4)


@pytest.mark.parametrize("section", [Gumbel(simulations=20), Puct(simulations=20)])
def test_a_finished_game_gets_an_answer_and_costs_nothing_more(section: Gumbel | Puct) -> None:
    game = TicTacToe()
    state = game.init(np.random.default_rng(0), 2)
    for cell in (0, 3, 1, 4, 2):  # the first row is won
        state, _ = game.step(state, np.array([cell, cell], np.int32))
    evaluator = HashedEvaluator()
    model, rng = section.model(game, evaluator), np.random.default_rng(0)
    decision = section.run(model, state, rng, explore=True)
    np.testing.assert_array_equal(decision.value, [0.0, 0.0])
    np.testing.assert_array_equal(decision.visits, np.zeros((2, 9)))
    np.testing.assert_allclose(decision.policy.sum(axis=1), 1.0, rtol=1e-5)
    assert evaluator.calls == 2  # the roots


@pytest.mark.parametrize("name", ["puct", "puct-blind", "gumbel-blind"])
def test_with_many_leaves_at_a_time_the_tree_adds_up(name: str) -> None:
    """Every simulation is counted once on its path, nothing stays under way, and few calls do."""
    game, evaluator, asked = Connect4(5, 4, 4), HashedEvaluator(3), []

    def counting(game: Game, state: State) -> Any:
        asked.append(arrays.length(state))
        return evaluator(game, state)

    rng = np.random.default_rng(5)
    state = random_positions(game, rng, LANES, 6)
    section = SECTIONS[name].with_simulations(300)
    model = section.model(game, counting)
    forest = section.plant(model, state)
    asked.clear()
    budget = np.full(LANES, 300, np.int32)
    found = section.search(forest, model, rng, CALM, budget, wave=16)
    tree = forest.tree
    assert not tree.nodes["pending"].any()
    for b in range(LANES):
        size = int(tree.size[b])
        below = np.zeros(size, np.int64)
        np.add.at(below, tree.nodes["parent"][b, 1:size], tree.nodes["visits"][b, 1:size])
        own = tree.nodes["visits"][b, :size] - below  # evaluated once, or met again when solved
        assert (own[tree.nodes["discount"][b, :size] != 0] >= 1).all()
        assert found.solved[b] or tree.nodes["visits"][b, 0] == 301
        for node in range(1, size):
            parent, edge = tree.nodes["parent"][b, node], tree.nodes["edge"][b, node]
            assert tree.edges["child"][b, edge] == node
            first, end = (tree.nodes[name][b, parent] for name in ("first", "end"))
            assert first <= edge < end
            assert tree.edges["visits"][b, edge] == tree.nodes["visits"][b, node]
            assert parent < node
            above = arrays.take(forest.states, (slice(b, b + 1), parent))
            expected, _ = game.step(above, tree.edges["action"][b, edge : edge + 1])
            held = arrays.take(forest.states, (slice(b, b + 1), node))
            assert_same_arrays(expected, held)
    assert sum(asked) <= LANES * 300
    assert len(asked) <= 300 / 2  # one by one it would be 300 calls


def test_many_leaves_at_a_time_solve_what_one_by_one_is_solved() -> None:
    game, budget = Nim(12, 3), np.full(LANES, 3000, np.int32)
    state = random_positions(game, np.random.default_rng(0), LANES, 4)
    ends = []
    for wave in (1, 8):
        rng, section = np.random.default_rng(0), SECTIONS["puct-blind"].with_simulations(3000)
        _, found = searched(section, game, HashedEvaluator(1), state, rng, None, budget, wave)
        assert found.solved.all()
        ends.append(found.decision.value)
    np.testing.assert_array_equal(ends[0], ends[1])
    assert set(np.abs(ends[0]).tolist()) == {1.0}


@pytest.mark.parametrize("wave", [1, 8])
def test_a_net_that_fails_leaves_trees_that_can_be_searched(wave: int) -> None:
    """The places kept for the wave are given back: the same search gives the same tree."""
    game, section = Connect4(5, 4, 4), SECTIONS["puct-blind"].with_simulations(100)
    state = random_positions(game, np.random.default_rng(2), LANES, 6)
    sound, calls = HashedEvaluator(4), [0]

    def failing(game: Game, state: State) -> Any:
        calls[0] += 1
        if calls[0] == 9:
            raise ValueError("planted")
        return sound(game, state)

    def grown(evaluator: Any) -> Forest:
        model = section.model(game, sound)
        forest = section.plant(model, state)
        rng, budget = np.random.default_rng(0), np.full(LANES, 60, np.int32)
        try:
            section.search(forest, section.model(game, evaluator), rng, CALM, budget, wave=wave)
        except ValueError:
            before = forest.tree.size.copy()
            assert (forest.tree.nodes["visits"][:, : before.min()] > 0).all()
            section.search(forest, model, rng, CALM, budget, wave=wave)
            assert (forest.tree.size > before).all()
        return forest

    forest = grown(failing)
    assert calls[0] == 9
    assert not forest.tree.nodes["pending"].any()
    for b in range(LANES):
        assert (forest.tree.nodes["visits"][b, : forest.tree.size[b]] > 0).all()
