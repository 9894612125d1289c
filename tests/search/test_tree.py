"""The tree kernels: values planted by hand, bounds against brute force, positions solved."""

from typing import NamedTuple

import numpy as np
import pytest
from reference import (
    HashedEvaluator,
    exact_qvalues,
    exact_value,
    random_positions,
    row,
    searched,
    uniform,
    wide,
)

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from envs.toys import Bandit, Chain, Coins, Nim, Standoff, Toy, Win, WinnerLoser
from selfplay import arrays
from selfplay.search import Gumbel, Puct
from selfplay.search import tree as trees
from selfplay.search.model import Judged, legal_actions
from selfplay.search.root import by_action, summary
from selfplay.search.tree import NONE, ROOT, Frontier, Tree, edges_of
from selfplay.truth.base import optimal_moves
from selfplay.truth.positions import default_positions, read_positions
from selfplay.types import Game, Transition

NAN = float("nan")
EXACT: dict[bytes, float] = {}  # values of tic-tac-toe by brute force, for all tests
AT_ONCE = 50  # positions, which keeps the trees below 300 MB


class Leaf(NamedTuple):
    """A position of a game with two actions, and how it is reached."""

    parent: int
    action: int
    reward: float
    discount: float
    value: float
    ends: tuple[float, float] = (NAN, NAN)
    legal: tuple[bool, bool] = (True, True)


def _planted(*leaves: Leaf) -> Tree:
    """The only tree there is."""
    tree = trees.new_tree(1, len(leaves), 2 * len(leaves))
    for leaf in leaves:
        edge = (
            tree.nodes["first"][0, leaf.parent] + leaf.action
        )  # both are legal wherever it goes on
        node = trees.keep_place(tree, 0, leaf.parent, edge)
        at = np.array([[leaf.parent], [leaf.action], [node]], np.int32)
        numbers = np.array([[leaf.reward], [leaf.discount], [leaf.value], [0.0]], np.float32)
        legal = legal_actions(np.array([leaf.legal]))
        ends, logits = np.array(leaf.ends, np.float32), np.array([np.log(3.0), 0.0], np.float32)
        judged = Judged(legal, ends[legal.action], logits[legal.action], *numbers[2:])
        trees.attach(tree, Frontier(np.zeros(1, np.int64), *at), Transition(*numbers[:2]), judged)
    return tree


def test_values_come_up_with_rewards_and_signs() -> None:
    tree = _planted(
        Leaf(NONE, NONE, 0.0, 1.0, value=0.5),
        Leaf(ROOT, 0, 0.25, 1.0, value=0.5),  # the same player moves again
        Leaf(1, 1, 0.0, -1.0, value=0.4),  # now the other one
        Leaf(2, 0, -0.5, -1.0, value=-0.25),  # and the first again
    )
    # to node 2: 0.4, then -0.5 + 0.25; to node 1 the opposite; to the root 0.25 more than that
    np.testing.assert_array_equal(tree.nodes["visits"][0], [4, 3, 2, 1])
    totals = [0.5 + 0.75 - 0.15 + 0.5, 0.5 - 0.4 + 0.25, 0.4 - 0.25, -0.25]
    np.testing.assert_allclose(tree.nodes["total"][0], totals, rtol=1e-6)
    know = summary(tree, 2)
    np.testing.assert_array_equal(know.visits, [[3, 0]])
    np.testing.assert_allclose(know.qvalues, [[0.25 + 0.35 / 3, NAN]], rtol=1e-6)
    np.testing.assert_allclose(know.prior, [[0.75, 0.25]], rtol=1e-6)
    np.testing.assert_allclose(know.value, [1.6 / 4], rtol=1e-6)
    np.testing.assert_allclose(know.raw_value, [0.5])
    assert not know.solved.any()
    assert not know.dominated.any()


def test_bounds_come_up_with_rewards_and_signs() -> None:
    tree = _planted(
        Leaf(NONE, NONE, 0.0, 1.0, value=0.0),
        Leaf(ROOT, 0, 0.25, 1.0, value=0.9),
        Leaf(1, 0, 0.0, -1.0, value=0.9, ends=(0.5, NAN)),  # the other has 0.5 for sure
        Leaf(1, 1, 0.0, -1.0, value=0.9, ends=(0.25, 0.125)),  # the other gets exactly 0.25
    )
    for node, lower, upper in (
        (2, [0.5, -1.0], [0.5, 1.0]),
        (1, [-1.0, -0.25], [-0.5, -0.25]),
        (ROOT, [0.0, -1.0], [0.0, 1.0]),
    ):
        np.testing.assert_array_equal(edges_of(tree, 0, node)["lower"], lower)
        np.testing.assert_array_equal(edges_of(tree, 0, node)["upper"], upper)
        assert tree.nodes["lower"][0, node] == max(lower)
        assert tree.nodes["upper"][0, node] == max(upper)
    know = summary(tree, 2)
    np.testing.assert_array_equal(know.solved, [[True, False]])
    np.testing.assert_array_equal(know.qvalues, [[0.0, NAN]])


def test_bounds_stay_within_what_a_game_can_return() -> None:
    tree = _planted(
        Leaf(NONE, NONE, 0.0, 1.0, value=0.0),
        Leaf(ROOT, 0, 0.75, 1.0, value=0.9),
        Leaf(ROOT, 1, -0.75, -1.0, value=0.9),
    )
    np.testing.assert_allclose(edges_of(tree, 0, ROOT)["lower"], [-0.25, -1.0])
    np.testing.assert_allclose(edges_of(tree, 0, ROOT)["upper"], [1.0, 0.25])
    know = summary(tree, 2)
    np.testing.assert_allclose(know.qvalues, [[1.0, -1.0]])


def test_the_end_of_the_game_is_worth_its_reward() -> None:
    tree = _planted(
        Leaf(NONE, NONE, 0.0, 1.0, value=0.0),
        Leaf(ROOT, 1, -0.5, 0.0, value=0.7, ends=(0.0, 0.0)),  # the value counts for nothing here
    )
    know = summary(tree, 2)
    np.testing.assert_array_equal(know.qvalues, [[NAN, -0.5]])
    np.testing.assert_array_equal(know.solved, [[False, True]])
    np.testing.assert_allclose(know.value, [-0.25])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((-1.0, 1.0), (-1.0, 1.0), (False, False)),
        ((1.0, 1.0), (-1.0, 1.0), (False, True)),  # a proven win ends the discussion
        ((1.0, 1.0), (1.0, 1.0), (False, False)),
        ((-1.0, -1.0), (-1.0, 1.0), (True, False)),  # a sure loss while there is hope
        ((-1.0, -1.0), (-1.0, -1.0), (False, False)),  # no hope: any move will do
        ((-1.0, -1.0), (-1.0, 0.0), (True, False)),
        ((0.0, 0.0), (-1.0, 1.0), (False, False)),
        ((0.0, 0.0), (-1.0, 0.0), (False, True)),  # a sure draw against at most a draw
        ((0.0, 0.0), (0.0, 1.0), (False, False)),
        ((0.0, 1.0), (-1.0, -1.0), (False, True)),
    ],
)
def test_dominated(
    first: tuple[float, float], second: tuple[float, float], expected: tuple[bool, bool]
) -> None:
    tree = _planted(Leaf(NONE, NONE, 0.0, 1.0, value=0.0))
    edges = edges_of(tree, 0, ROOT)
    edges["lower"][:], edges["upper"][:] = zip(first, second, strict=True)
    trees.find_bounds(tree, 0, ROOT)
    np.testing.assert_array_equal(summary(tree, 2).dominated, [expected])
    edges["lower"][:], edges["upper"][:] = zip(second, first, strict=True)
    trees.find_bounds(tree, 0, ROOT)
    np.testing.assert_array_equal(summary(tree, 2).dominated, [expected[::-1]])


def test_roots_list_their_legal_actions() -> None:
    """What stands behind the last of a short list is no action and counts for nothing."""
    tree = arrays.concatenate(
        [
            _planted(Leaf(NONE, NONE, 0.0, 1.0, value=0.5, legal=legal))
            for legal in ((False, True), (True, True))
        ]
    )
    know = summary(tree, 2)
    np.testing.assert_array_equal(know.actions, [[1, NONE], [0, 1]])
    np.testing.assert_allclose(know.prior, [[1.0, 0.0], [0.75, 0.25]], rtol=1e-6)
    np.testing.assert_array_equal(know.dominated, [[False, True], [False, False]])
    np.testing.assert_array_equal(know.solved, np.zeros((2, 2)))
    assert np.isnan(know.qvalues).all()
    np.testing.assert_array_equal(know.visits, np.zeros((2, 2)))
    np.testing.assert_allclose(by_action(know, know.prior), [[0.0, 1.0], [0.75, 0.25]], rtol=1e-6)
    filled = by_action(know, np.full((2, 2), 7, np.int32), fill=3)
    np.testing.assert_array_equal(filled, [[3, 7], [7, 7]])


@pytest.mark.parametrize("explore", [False, True])
@pytest.mark.parametrize("section", [Gumbel(simulations=300), Puct(simulations=300)])
def test_bounds_hold_the_exact_value_of_every_node(section: Gumbel | Puct, explore: bool) -> None:
    game, evaluator, rng = TicTacToe(), HashedEvaluator(1), np.random.default_rng(0)
    state = random_positions(game, rng, 8, 3)
    budget = np.array([5, 20, 40, 80, 120, 200, 300, 300], np.int32)
    forest, _ = searched(section, game, evaluator, state, rng, np.full(8, explore), budget)
    tree, narrowed = forest.tree, 0
    for b in range(8):
        for node in range(tree.size[b]):
            position = arrays.take(forest.states, (slice(b, b + 1), node))
            values, edges = exact_qvalues(game, position, EXACT), edges_of(tree, b, node)
            for action, lower, upper in zip(
                edges["action"], edges["lower"], edges["upper"], strict=True
            ):
                assert lower <= values.get(int(action), 0.0) <= upper  # 0 where it is over
                narrowed += lower > -1 or upper < 1
    assert narrowed > 500


@pytest.mark.parametrize(
    ("section", "all_proven"),
    [
        (Gumbel(simulations=4000), True),
        (Puct(simulations=1000), False),  # goes back to proven moves, so the rest may stay open
    ],
    ids=["gumbel", "puct"],
)
def test_solves_tictactoe_without_any_opinion(section: Gumbel | Puct, all_proven: bool) -> None:
    game, rng = TicTacToe(), np.random.default_rng(0)
    state = random_positions(game, rng, 16, 5)
    arrays.put(state, 0, arrays.take(game.init(rng, 1), 0))  # the empty board is among them
    _, found = searched(section, game, uniform, state, rng)
    exact = np.array([exact_value(game, row(state, i), EXACT) for i in range(16)])
    assert set(exact) == {-1.0, 0.0, 1.0}
    assert found.solved.all() or not all_proven
    assert found.solved.sum() >= 8
    np.testing.assert_array_equal(found.decision.value[found.solved], exact[found.solved])
    np.testing.assert_allclose(found.decision.value, exact, atol=0.25)
    for i in range(16):
        qvalues = exact_qvalues(game, row(state, i), EXACT)
        assert qvalues[int(found.decision.action[i])] == exact[i]


@pytest.mark.parametrize("explore", [False, True])
@pytest.mark.parametrize("simulations", [1, 4, 30])
@pytest.mark.parametrize("kind", [Gumbel, Puct])
def test_plays_proven_wins_and_avoids_proven_losses(
    kind: type[Gumbel] | type[Puct], simulations: int, explore: bool
) -> None:
    game, rng = TicTacToe(), np.random.default_rng(simulations)
    state = random_positions(game, rng, 300, 7)
    section, noisy = kind(simulations=simulations), np.full(300, explore)
    forest, found = searched(section, game, HashedEvaluator(2), state, rng, noisy)
    know, chosen = forest.summary(), found.decision.action
    solved = wide(know.actions, know.solved, game.num_actions)
    wins, losses = (solved & (found.decision.qvalues == value) for value in (1, -1))
    won, lost = wins.any(axis=1), know.upper == -1
    assert won.sum() > 50
    assert wins[np.arange(300), chosen][won].all()
    assert not losses[np.arange(300), chosen][~lost].any()
    off = found.decision.policy * ~wins
    np.testing.assert_array_equal(off[won].sum(axis=1), np.zeros(won.sum()))
    for b in np.flatnonzero(won):
        assert exact_qvalues(game, row(state, int(b)), EXACT)[int(chosen[b])] == 1.0


TOYS = [Win(), Bandit(), Chain(6), Coins(8, 1), Coins(8, 2), WinnerLoser(), Standoff(6)]
TOYS += [Nim(10, 3), Nim(12, 2, again=True)]


@pytest.mark.parametrize("look_ahead", [False, True])
@pytest.mark.parametrize("game", TOYS, ids=lambda game: f"{game.name}-{game.num_players}p")
@pytest.mark.parametrize("kind", [Gumbel, Puct])
def test_finds_the_value_planted_in_a_toy(
    kind: type[Gumbel] | type[Puct], game: Toy, look_ahead: bool
) -> None:
    section = kind(simulations=1500, look_ahead=look_ahead)
    rng = np.random.default_rng(0)
    state = random_positions(game, rng, 4, game.max_moves - 1)
    _, found = searched(section, game, HashedEvaluator(0), state, rng)
    # PUCT goes back to proven moves: with coins on the way the rest may stay open
    assert found.solved.all() or (kind is Puct and isinstance(game, Coins))
    value = game.value(state)
    np.testing.assert_allclose(found.decision.value[found.solved], value[found.solved], atol=1e-6)
    np.testing.assert_allclose(found.decision.value, value, atol=0.05)
    best = game.qvalues(state)[np.arange(4), found.decision.action]
    np.testing.assert_allclose(best, game.value(state), atol=1e-6)


def test_a_search_never_leaves_the_rules() -> None:
    """Illegal actions get no visit, no probability and are never played."""
    game: Game = TicTacToe()
    rng = np.random.default_rng(5)
    state = random_positions(game, rng, 200, 8)
    legal = game.legal(state)
    for section in (Gumbel(simulations=9), Puct(simulations=9)):
        decision = section.run(section.model(game, HashedEvaluator(4)), state, rng, explore=True)
        assert (decision.visits[~legal] == 0).all()
        assert (decision.policy[~legal] == 0).all()
        assert legal[np.arange(200), decision.action].all()
        assert np.isnan(decision.qvalues[~legal]).all()
        np.testing.assert_allclose(decision.policy.sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("search", [Gumbel(), Puct()], ids=lambda search: search.kind)
@pytest.mark.parametrize(
    ("name", "simulations", "count"),
    [
        ("end-easy", 4_000, 100),
        ("middle-easy", 16_000, 10),
        pytest.param("middle-easy", 16_000, 100, marks=pytest.mark.slow),
    ],
)
def test_a_search_without_knowledge_makes_no_mistakes(
    name: str, simulations: int, count: int, search: Gumbel | Puct
) -> None:
    """On the first positions of a set of 100 that ships; the net is one that knows nothing."""
    game = Connect4()
    path = default_positions(game)
    assert path is not None
    positions = read_positions(game, path)
    of_set = np.flatnonzero(positions.set_index == positions.set_names.index(name))
    assert len(of_set) == 100
    search = search.with_simulations(simulations)
    solved = 0
    for rows in np.split(of_set[:count], max(1, count // AT_ONCE)):
        state, scores = arrays.take(positions.state, rows), positions.scores[rows]
        _, found = searched(search, game, uniform, state, np.random.default_rng(0))
        played = optimal_moves(scores)[np.arange(len(rows)), found.decision.action]
        assert played.all(), f"mistakes in {rows[~played].tolist()}"
        truth = np.sign(np.nanmax(scores, axis=1))
        np.testing.assert_array_equal(found.decision.value[found.solved], truth[found.solved])
        solved += int(found.solved.sum())
    assert solved >= 0.9 * count  # the others are played well, yet not proven
