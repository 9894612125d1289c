"""PUCT: visits worked by hand, forced playouts and their pruning, noise and temperature."""

import numpy as np
import pytest
from reference import HashedEvaluator, searched, summary_of, uniform

from envs.connect4 import Connect4
from envs.toys import Move, Toy
from selfplay.search import Puct
from selfplay.search.base import Choice
from selfplay.search.puct import PuctRule
from selfplay.types import Evaluation, Game, State

PLAIN = Puct(
    simulations=9,
    exploration=1.0,
    exploration_base=1e9,
    unvisited_penalty=0.0,
    noise_share=0.0,
    look_ahead=False,
)


def _two_roads() -> Toy:
    """One player: two roads without forks, too long to see their ends."""
    length = 12
    rows = [[Move(0.0, 1, 1, 0.0), Move(0.0, 1, 2, 0.0)]]
    rows += [[Move(0.0, 1, k + 2, 0.0)] for k in range(1, 2 * length)]
    rows += [[Move(0.0, 0, 0, 0.0)], [Move(0.0, 0, 0, 0.0)]]
    return Toy("two-roads", rows, num_players=1, max_moves=length + 2)


def _signposts(game: Game, state: State) -> Evaluation:
    """Prior 0.7 and 0.3 at the fork; the first road is worth 0.5, the other nothing."""
    logits = np.tile(np.log([0.7, 0.3]), (len(state.position), 1)).astype(np.float32)
    value = np.where(state.position % 2 == 1, 0.5, 0.0).astype(np.float32)
    return Evaluation(logits, value, np.zeros_like(value))


def _visits(section: Puct, explore: bool) -> list[list[int]]:
    """Visits of both roads after 1, 2, ... simulations."""
    game, most = _two_roads(), section.simulations
    rng, state = np.random.default_rng(0), game.init(np.random.default_rng(0), most)
    budget = np.arange(1, most + 1, dtype=np.int32)
    _, found = searched(section, game, _signposts, state, rng, np.full(most, explore), budget)
    visits: list[list[int]] = found.decision.visits.tolist()
    return visits


def test_visits_worked_by_hand() -> None:
    """After N visits of the fork: 0.5 + sqrt(N) 0.7 / (1 + n) against q + sqrt(N) 0.3 / (1 + n).

    N = 4 is the first time for the second road: 0.375 + 2 * 0.3 > 0.5 + 2 * 0.7 / 4.
    """
    expected = [[1, 0], [2, 0], [3, 0], [3, 1], [4, 1], [5, 1], [6, 1], [7, 1], [8, 1]]
    assert _visits(PLAIN, explore=False) == expected


def test_forced_visits_worked_by_hand() -> None:
    """A road once visited is forced while n < sqrt(2 * prior * N): the second at N = 5 and 7."""
    expected = [[1, 0], [2, 0], [3, 0], [3, 1], [3, 2], [4, 2], [4, 3], [5, 3], [6, 3]]
    assert _visits(PLAIN, explore=True) == expected
    assert _visits(PLAIN.model_copy(update={"forced": 0.0}), explore=True)[8] == [8, 1]


def test_unvisited_actions_are_thought_to_be_worse() -> None:
    """0.375 - 0.2 + 0.6 loses at N = 4; 0.4 - 0.2 + sqrt(5) 0.3 wins against 0.5 + sqrt(5) 0.14."""
    section = PLAIN.model_copy(update={"unvisited_penalty": 0.2})
    assert _visits(section, explore=False)[:5] == [[1, 0], [2, 0], [3, 0], [4, 0], [4, 1]]


def _decided(
    section: Puct,
    visits: list[int],
    qvalues: list[float],
    prior: list[float],
    explore: bool,
    lanes: int = 1,
    dominated: list[bool] | None = None,
) -> Choice:
    """The choice at equal roots about which this much is known."""
    know = summary_of(visits, qvalues, prior, dominated, lanes=lanes)
    options = section.exploration, section.exploration_base, section.unvisited_penalty
    forced = np.full(lanes, section.forced * explore, np.float32)
    ties = np.random.default_rng(0).integers(2**63, size=lanes, dtype=np.uint64)
    rule = PuctRule(know.prior, *options, forced, ties)
    return section.decide(rule, know, np.random.default_rng(0), np.full(lanes, explore))


def test_pruning_worked_by_hand() -> None:
    """66 visits in all, sqrt = 8.124; the favourite's bound is 0.2 + 8.124 * 0.6 / 51 = 0.2956.

    Second: 0.2437 (9 left), 0.2708 (8 left), then 0.3047 is too much.  Third: both visits that may
    have been forced (sqrt(2 * 0.05 * 66) = 2.57) go.  Fourth: 0.406 would be too much.
    """
    prior, visits = [0.6, 0.3, 0.05, 0.05], [50, 10, 4, 1]
    for fourth, explore, kept in (
        (0.0, True, [50, 8, 2, 1]),
        (-0.5, True, [50, 8, 2, 0]),
        (-0.5, False, visits),
    ):
        policy = _decided(PLAIN, visits, [0.2, 0.0, -0.5, fourth], prior, explore).policy[0]
        np.testing.assert_allclose(policy, np.array(kept) / sum(kept), rtol=1e-6)


def test_what_pruning_leaves_with_one_visit_is_dropped() -> None:
    decision = _decided(PLAIN, [5, 3], [0.5, 0.0], [0.7, 0.3], explore=True)
    np.testing.assert_array_equal(decision.policy, [[1.0, 0.0]])


def test_dominated_actions_have_no_share() -> None:
    decision = _decided(
        PLAIN, [9, 3, 4], [-1.0, 0.1, 0.2], [0.4, 0.3, 0.3], True, 500, [True, False, False]
    )
    assert (decision.policy[:, 0] == 0).all()
    assert set(decision.action.tolist()) == {1, 2}


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [(1.0, [0.6, 0.3, 0.1]), (0.5, [36 / 46, 9 / 46, 1 / 46]), (0.0, [1.0, 0.0, 0.0])],
)
def test_temperature(temperature: float, expected: list[float]) -> None:
    draws = 20_000
    section = PLAIN.model_copy(update={"temperature": temperature})
    chosen = _decided(section, [6, 3, 1], [0.0] * 3, [0.4, 0.3, 0.3], True, draws).action
    share, wanted = np.bincount(chosen, minlength=3) / draws, np.array(expected)
    assert (np.abs(share - wanted) <= 3 * np.sqrt(wanted * (1 - wanted) / draws)).all()


def test_without_exploring_the_most_visited_is_played_and_ties_go_to_the_better() -> None:
    prior = [0.4, 0.3, 0.3]
    assert (_decided(PLAIN, [3, 6, 1], [0.9, 0.0, 0.9], prior, False, 50).action == 1).all()
    assert _decided(PLAIN, [6, 6, 1], [0.1, 0.2, 0.9], prior, False).action[0] == 1


def test_dirichlet_noise_is_mixed_into_the_prior_of_legal_actions() -> None:
    draws = 20_000
    game = Connect4(5, 2, 4)
    state = game.init(np.random.default_rng(0), draws)
    for _ in range(2):  # the last column is full
        state, _ = game.step(state, np.full(draws, 4, np.int32))
    evaluator = HashedEvaluator(1)
    section = Puct(simulations=1, noise_share=0.25, noise_total=10.0)
    forest = section.plant(section.model(game, evaluator), state)
    nothing = np.zeros(draws, np.int32)
    explore = np.arange(draws) % 2 == 0
    before = forest.summary()
    rule = section.rule(before, np.random.default_rng(0), nothing, explore)
    np.testing.assert_array_equal(before.actions, np.tile(range(4), (draws, 1)))
    np.testing.assert_array_equal(rule.root_prior[~explore], before.prior[~explore])
    noise = (rule.root_prior[explore] - 0.75 * before.prior[explore].astype(np.float64)) / 0.25
    np.testing.assert_allclose(noise.sum(axis=1), 1.0, atol=1e-5)
    # Dirichlet(2.5, 2.5, 2.5, 2.5): mean 1 / 4, variance (1 / 4) (3 / 4) / 11
    variance = 3 / 16 / 11
    spread = np.sqrt(variance / explore.sum())
    assert (np.abs(noise.mean(axis=0) - 0.25) < 3 * spread).all()
    np.testing.assert_allclose(noise.var(axis=0), variance, rtol=0.05)
    np.testing.assert_array_equal(rule.forced, np.where(explore, 2.0, 0.0))


def test_without_opinions_the_visits_go_round() -> None:
    game = Connect4(5, 4, 4)
    state = game.init(np.random.default_rng(0), 1)
    section = Puct(simulations=60)
    level = section.run(section.model(game, uniform), state, np.random.default_rng(0)).visits[0]
    assert level.sum() == 60
    assert level.max() - level.min() <= 2
