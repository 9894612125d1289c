"""The seam under the search: what GameModel says of positions, and searches without any Game."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from reference import HashedEvaluator, assert_same_arrays, random_positions

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay import arrays
from selfplay.search import GameModel, Gumbel, Puct
from selfplay.search.model import Judged, legal_actions
from selfplay.types import Float, Int, Transition

NAN = float("nan")


class Hidden(NamedTuple):
    """What a learned model keeps of a position: nothing that rules would know."""

    place: Int  # [B] i32


class Chain:
    """A model of the world in place of rules: a planted Markov chain for one player.

    From place p action a leads to ``leads[p, a]`` and pays ``pays[p, a]``; nothing ever ends.
    """

    num_actions = 3

    def __init__(self, leads: list[list[int]], pays: list[list[float]]) -> None:
        self._leads, self._pays = np.array(leads, np.int32), np.array(pays, np.float32)

    def root(self, positions: Float) -> tuple[Hidden, Judged]:
        """``positions`` [B] f32 are what is seen of the world, here ten times the place."""
        place = (positions / 10).astype(np.int32)
        return Hidden(place), self._judged(place)

    def expand(
        self, states: Hidden, lane: Any, at: Int, action: Int, to: Int
    ) -> tuple[Transition, Judged]:
        place = states.place[lane, at]
        after = states.place[lane, to] = self._leads[place, action]
        paid = Transition(self._pays[place, action], np.ones(len(place), np.float32))
        return paid, self._judged(after)

    def _judged(self, place: Int) -> Judged:
        legal = legal_actions(np.ones((len(place), self.num_actions), np.bool_))
        nothing = np.zeros(len(place), np.float32)
        even = np.zeros(len(legal.action), np.float32)
        return Judged(legal, np.full_like(even, np.nan), even, nothing, nothing)


LEADS = [[3, 1, 2], [3, 3, 3], [3, 3, 3], [3, 3, 3]]
PAYS = [[0.0, 0.25, 0.5], [0.0, 0.0, 0.75], [-0.5, -0.5, -0.5], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("section", [Gumbel(simulations=400), Puct(simulations=400)])
def test_a_learned_model_is_searched_without_a_game(section: Gumbel | Puct) -> None:
    """0.25 now and 0.75 later, rather than 0.5 now and the loss of it after."""
    model = Chain(LEADS, PAYS)
    seen = np.array([0.0, 10.0, 0.0], np.float32)
    forest = section.plant(model, seen)
    rng, calm = np.random.default_rng(0), np.zeros(3, np.bool_)
    decision = section.search(forest, model, rng, calm).decision
    np.testing.assert_array_equal(decision.action, [1, 2, 1])
    assert decision.qvalues[0, 1] == pytest.approx(1.0, abs=0.1)
    assert decision.qvalues[0, 2] == pytest.approx(0.0, abs=0.1)
    np.testing.assert_array_equal(decision.visits.sum(axis=1), [400] * 3)
    assert forest.states.place[:, 0].tolist() == [0, 1, 0]
    for node in range(1, 401):  # what stands at a node is what the chain makes of its parent
        parent, edge = forest.tree.nodes["parent"][0, node], forest.tree.nodes["edge"][0, node]
        expected = LEADS[forest.states.place[0, parent]][forest.tree.edges["action"][0, edge]]
        assert forest.states.place[0, node] == expected


def test_legal_actions_by_position() -> None:
    mask = np.zeros((3, 20), np.bool_)
    mask[0, [0, 19]] = mask[1, 7] = mask[2, [1, 2, 3]] = True
    legal = legal_actions(mask)
    assert legal.first.tolist() == [0, 2, 3, 6]
    assert legal.row.tolist() == [0, 0, 1, 2, 2, 2]
    assert legal.action.tolist() == [0, 19, 7, 1, 2, 3]


def _moved(model: GameModel, moves: list[list[int]]) -> tuple[Transition, Judged]:
    """The last of the moves of each lane, expanded."""
    game, lanes = model.game, np.arange(len(moves))
    state = game.init(np.random.default_rng(0), len(moves))
    for action in np.array(moves, np.int32).T[:-1]:
        state, _ = game.step(state, action)
    table = arrays.tree_map(lambda array: np.repeat(array[:, None], 3, axis=1), state)
    last = np.array(moves, np.int32)[:, -1]
    paid, judged = model.expand(table, lanes, 0 * last, last, 0 * last + 2)
    expected, _ = game.step(state, last)
    for held, wanted in zip(arrays.leaves(table), arrays.leaves(expected), strict=True):
        np.testing.assert_array_equal(held[:, 2], wanted)
    return paid, judged


LINES = [
    [0, 3, 1, 4, 2],  # the first player has the first row
    [0, 3, 1, 4, 8],  # the second player wins by 5; 2, 6 and 7 go on
    [0, 1, 2, 4, 7],  # the second player has 3, 5, 6 and 8, and none of them ends it
]
ENDS = [0.0, NAN, 1.0, NAN, NAN, NAN, NAN, NAN, NAN]


def test_the_ends_in_sight_are_seen_and_decide_whom_to_ask() -> None:
    evaluator = HashedEvaluator()
    paid, judged = _moved(GameModel(TicTacToe(), evaluator, see_ends=True), LINES)
    assert paid.discount.tolist() == [0.0, -1.0, -1.0]
    assert paid.reward.tolist() == [1.0, 0.0, 0.0]
    assert judged.legal.first.tolist() == [0, 1, 5, 9]  # where it is over one action is enough
    assert judged.legal.action.tolist() == [0, 2, 5, 6, 7, 3, 5, 6, 8]
    np.testing.assert_array_equal(judged.ends, ENDS)
    assert evaluator.calls == 1
    np.testing.assert_array_equal(np.isnan(judged.draw), [True, True, False])
    assert judged.value[:2].tolist() == [0.0, 0.0]


def test_without_seeing_ends_everybody_alive_is_asked() -> None:
    game, evaluator = TicTacToe(), HashedEvaluator()
    _, judged = _moved(GameModel(game, evaluator, see_ends=False), LINES)
    assert evaluator.calls == 2
    np.testing.assert_array_equal(judged.ends, [0.0] + [NAN] * 8)
    state = game.init(np.random.default_rng(0), 1)
    for cell in LINES[1]:
        state, _ = game.step(state, np.array([cell], np.int32))
    opinion = evaluator(game, state)
    assert (judged.value[1], judged.draw[1]) == (opinion.value[0], opinion.draw[0])
    np.testing.assert_array_equal(judged.logits[1:5], opinion.logits[0, [2, 5, 6, 7]])


def test_roots_are_always_asked_about() -> None:
    game, evaluator = Connect4(4, 4, 3), HashedEvaluator()
    state = random_positions(game, np.random.default_rng(0), 30, 6)
    roots, judged = GameModel(game, evaluator, see_ends=True).root(state)
    assert roots is state
    assert evaluator.calls == 30
    assert not np.isnan(judged.draw).any()
    assert (judged.ends == 1.0).any()


class Misere(Connect4):
    """Whoever completes a run has lost."""

    def step(self, state: Any, action: Int) -> tuple[Any, Transition]:
        after, paid = super().step(state, action)
        return after, Transition(-paid.reward, paid.discount)


@pytest.mark.parametrize("game", [Connect4(4, 4, 4), Misere(4, 4, 4)], ids=["own", "changed"])
def test_what_is_seen_ahead_is_what_step_pays(game: Connect4) -> None:
    """Also where a subclass has other rules than the shortcuts of its parent."""
    evaluator = HashedEvaluator()
    state = random_positions(game, np.random.default_rng(1), 400, 15)
    model = GameModel(game, evaluator, see_ends=True)
    _, judged = model.root(state)
    _, paid = game.step(arrays.take(state, judged.legal.row), judged.legal.action)
    expected = np.where(paid.discount == 0, paid.reward, np.float32(NAN))
    assert len(np.unique(expected)) == 3  # decided, drawn, and open
    np.testing.assert_array_equal(judged.ends, expected)
    table = arrays.tree_map(lambda a: np.repeat(a[:, None], 2, axis=1), state)
    lane, zero, one = np.arange(400), np.zeros(400, np.int32), np.ones(400, np.int32)
    action = judged.legal.action[judged.legal.first[:-1]]
    after, stepped = model.step_within(table, lane, zero, action, one)
    assert_same_arrays((after, stepped), game.step(state, action))
    assert_same_arrays(arrays.take_at(table, lane, one), after)
