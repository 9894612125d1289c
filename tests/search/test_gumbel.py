"""Gumbel AlphaZero: visit tables worked by hand, closed forms, and the noise as a distribution."""

from collections import Counter

import numpy as np
import pytest
from reference import HashedEvaluator, searched, summary_of

from envs.connect4 import Connect4
from envs.toys import Bandit
from selfplay.search import Gumbel
from selfplay.search.gumbel import KNOWN, GumbelRule, complete, considered_visits, improve
from selfplay.search.tree import Records
from selfplay.types import Evaluation, Game, State

NAN = float("nan")


def test_considered_visits() -> None:
    for actions, simulations, expected in [
        (0, 3, "012"),
        (1, 5, "01234"),
        (2, 5, "00112"),
        (3, 8, "00011223"),
        (4, 0, ""),
        (4, 3, "000"),
        (4, 16, "0000111122334455"),
        (8, 24, "000000001111222233445566"),
        (16, 8, "00000000"),
    ]:
        assert considered_visits(actions, simulations) == tuple(map(int, expected))


def test_considered_visits_of_the_papers_figure() -> None:
    """200 simulations on 16 actions: 3 visits each, then 6 for 8, 12 for 4, 25 and 3 for 2."""
    table = considered_visits(16, 200)
    assert len(table) == 200
    asked = Counter(table)
    assert [asked[k] for k in (0, 2, 3, 8, 9, 20, 21, 45, 48)] == [16, 16, 8, 8, 4, 4, 2, 2, 2]
    assert max(table) == 48


def test_a_search_visits_as_the_table_says() -> None:
    game, section = Connect4(), Gumbel(simulations=32, considered=4, look_ahead=False)
    state, model = game.init(np.random.default_rng(0), 20), section.model(game, HashedEvaluator())
    decision = section.run(model, state, np.random.default_rng(1), explore=True)
    for visits in decision.visits:
        assert sorted(visits) == [0, 0, 0, 4, 4, 12, 12]


def _improved(
    prior: list[float], visits: list[int], qvalues: list[float], dominated: list[bool], raw: float
) -> Records:
    node = np.zeros(len(prior), KNOWN)
    node["prior"], node["visits"] = prior, visits
    node["qvalue"], node["dominated"] = qvalues, dominated
    improve(node, len(prior), complete(node, len(prior), raw, 1.0, 1.0))
    return node


def test_improved_policy_by_closed_form() -> None:
    node = _improved([0.5, 0.25, 0.25], [3, 1, 0], [0.5, -0.5, NAN], [False] * 3, raw=0.2)
    # the visited two: 1/6 on average, weighed by the prior; with the raw value (0.2 + 4 / 6) / 5
    np.testing.assert_allclose(node["completed"], [0.5, -0.5, 13 / 75], rtol=1e-6)
    # sigma = (1 + 3) (q + 1) / 2, so a step of q by 1 is worth e^2
    weight = np.array([0.5 * np.e, 0.25 / np.e, 0.25 * np.e ** (26 / 75)])
    np.testing.assert_allclose(node["policy"], weight / weight.sum(), rtol=1e-5)

    # without knowledge it is the prior
    node = _improved([0.7, 0.2, 0.1], [0, 0, 0], [NAN] * 3, [False] * 3, raw=-0.4)
    np.testing.assert_allclose(node["completed"], [-0.4] * 3)
    np.testing.assert_allclose(node["policy"], [0.7, 0.2, 0.1], rtol=1e-6)


def test_improved_policy_leaves_out_dominated_actions() -> None:
    """Also where the prior has forgotten the others."""
    node = _improved([0.5, 0.25, 0.25], [1, 0, 0], [-1.0, NAN, NAN], [True, False, False], 0.3)
    np.testing.assert_allclose(node["policy"], [0.0, 0.5, 0.5])
    node = _improved([1.0, 0.0], [5, 0], [NAN, NAN], [True, False], raw=0.0)
    np.testing.assert_array_equal(node["policy"], [0.0, 1.0])


def _concluded(
    visits: list[int], qvalues: list[float], solved: list[bool], dominated: list[bool]
) -> int:
    """The final action of a root with an even prior."""
    know = summary_of(visits, qvalues, [1 / len(visits)] * len(visits), dominated, solved)
    scores, schedule = np.zeros((1, len(visits)), np.float32), np.zeros((1, 1), np.int32)
    scratch, ties = np.zeros(len(visits), KNOWN), np.zeros(1, np.uint64)
    rule = GumbelRule(scores, schedule, 0 * know.visits, 50.0, 1.0, scratch, ties)
    explore = np.zeros(1, np.bool_)
    return int(Gumbel().decide(rule, know, np.random.default_rng(0), explore).action[0])


def test_the_final_action_is_the_best_of_the_most_visited_and_the_solved() -> None:
    no = [False] * 3
    assert _concluded([9, 9, 2], [0.1, 0.2, 0.9], no, no) == 1
    # a draw proven late has most visits, yet the open action that looks better is played
    assert _concluded([8, 7, 1], [0.0, 0.8, 0.9], [True, False, False], no) == 1
    assert _concluded([8, 7, 1], [0.0, -0.8, 0.9], [True, False, False], no) == 0
    # a draw proven without a visit is played rather than what looks worse
    assert _concluded([8, 7, 0], [-0.5, -0.4, 0.0], [False, False, True], no) == 2
    assert _concluded([9, 8, 0], [-1.0, 0.1, NAN], [True, False, False], [True, False, False]) == 1


@pytest.mark.parametrize("simulations", [0, 1])
def test_with_noise_one_simulation_samples_from_the_prior(simulations: int) -> None:
    """The Gumbel-max trick: argmax of log-prior plus Gumbel noise is a draw from the prior."""
    draws = 20_000
    game, section = Connect4(), Gumbel(simulations=1)
    evaluator = HashedEvaluator(3)
    state = game.init(np.random.default_rng(0), draws)
    explore, budget = np.ones(draws, np.bool_), np.full(draws, simulations, np.int32)
    rng = np.random.default_rng(1)
    _, found = searched(section, game, evaluator, state, rng, explore, budget)
    prior = found.prior[0].astype(np.float64)
    share = np.bincount(found.decision.action, minlength=7) / draws
    assert (np.abs(share - prior) < 3 * np.sqrt(prior * (1 - prior) / draws)).all()


def test_noise_falls_only_where_it_is_asked_for() -> None:
    """Elsewhere the choice is the best of the prior."""
    game, section, evaluator = Connect4(), Gumbel(simulations=1), HashedEvaluator(spread=0.3)
    state = game.init(np.random.default_rng(0), 400)
    explore = np.arange(400) < 200
    _, found = searched(section, game, evaluator, state, np.random.default_rng(0), explore)
    best = found.prior[0].argmax()
    assert (found.decision.action[~explore] == best).all()
    assert (found.decision.visits[~explore, best] == 1).all()
    assert len(set(found.decision.action[explore].tolist())) == 7


@pytest.mark.parametrize(("simulations", "considered"), [(2, 2), (4, 4), (6, 3)])
def test_few_simulations_improve_the_policy(simulations: int, considered: int) -> None:
    """The paper's promise: expected payoff above the prior's, however few actions are tried."""
    payoffs = np.array([-0.75, 0.5, -0.25, 0.25, 0.0, -0.5])
    game = Bandit(payoffs.tolist())
    logits = np.array([2.0, -1.0, 1.0, 0.5, 0.0, 1.5], np.float32)

    def mistaken(game: Game, state: State) -> Evaluation:
        """Prefers what pays least, and expects nothing."""
        zeros = np.zeros(len(state.position), np.float32)
        return Evaluation(np.tile(logits, (len(zeros), 1)), zeros, zeros.copy())

    draws = 4000
    section = Gumbel(simulations=simulations, considered=considered, look_ahead=False)
    state = game.init(np.random.default_rng(0), draws)
    model, rng = section.model(game, mistaken), np.random.default_rng(0)
    decision = section.run(model, state, rng, explore=True)
    prior = np.exp(logits.astype(np.float64))
    prior /= prior.sum()
    gained = payoffs[decision.action]
    assert gained.mean() > prior @ payoffs + 3 * gained.std() / np.sqrt(draws)
    assert ((decision.policy @ payoffs).mean()) > prior @ payoffs
