"""Mistake rates of planted players, by closed form; intervals by coverage."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay.lines.openings import random_positions
from selfplay.measure.mistakes import evaluate_positions, truth_json
from selfplay.players.players import RandomPlayer, SolverPlayer
from selfplay.stats import Z95, clustered, mean_of, result_probabilities, wilson
from selfplay.truth.positions import Positions, default_positions, read_positions
from selfplay.truth.solver import solver_for
from selfplay.types import Decision, Evaluation, Game, State


class Planted(NamedTuple):
    """A player that always plays ``action`` and believes ``policy`` and ``value``."""

    action: int
    policy: tuple[float, ...]
    value: float
    name: str = "planted"

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        batch = len(game.legal(state))
        action, value = np.full(batch, self.action, np.int32), np.full(batch, self.value, "f4")
        policy = np.tile(np.array(self.policy, np.float32), (batch, 1))
        return Decision(action, policy, value, np.zeros(policy.shape, "i4"), policy * np.nan)


class WorstPlayer:
    """Plays the move with the lowest exact score."""

    name = "worst"

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        scores = solver_for(game).scores(state)
        action = np.nanargmin(scores, axis=1).astype(np.int32)
        policy = np.eye(scores.shape[1], dtype=np.float32)[action]
        value = -np.sign(np.nanmax(scores, axis=1)).astype(np.float32)
        return Decision(action, policy, value, np.zeros(policy.shape, np.int32), scores)


def planted_positions(game: Game) -> Positions:
    """Two sets, of three positions and of one, with invented scores for three columns."""
    scores = np.array([[2, 1, -1], [0, -1, 0], [-3, -1, -2], [0, 1, 0]], np.float32)
    state = game.init(np.random.default_rng(0), 4)
    return Positions(("a", "b"), np.array([0, 0, 0, 1], np.int32), state, scores)


def tic_tac_toe_positions(count: int) -> Positions:
    game = TicTacToe()
    plies = np.random.default_rng(1).integers(0, 8, 2 * count)
    state = random_positions(game, plies, np.random.default_rng(2)).state
    index = np.zeros(len(state.over), np.int32)
    return Positions(("all",), index, state, solver_for(game).scores(state))


def test_figures_of_a_planted_player() -> None:
    game = Connect4(3, 3)
    player = Planted(action=1, policy=(0.5, 0.3, 0.2), value=0.5)
    for batch in (1, 3, 100):
        truth = evaluate_positions(game, planted_positions(game), player, batch)
        a, b = truth.sets
        assert (a.name, a.n, b.name, b.n) == ("a", 3, "b", 1)
        assert a.mistake_rate.value == pytest.approx(1 / 3)  # column 2 loses the drawn position
        assert b.mistake_rate.value == 0
        assert truth.mistake_rate.value == pytest.approx(1 / 6)
        assert a.optimal_mass == pytest.approx((0.8 + 0.7 + 1.0) / 3)
        assert b.optimal_mass == pytest.approx(0.3)
        assert truth.optimal_mass == pytest.approx((2.5 / 3 + 0.3) / 2)


def test_value_cross_entropy_with_a_draw_probability() -> None:
    game = Connect4(3, 3)
    player = Planted(action=1, policy=(1, 0, 0), value=0.5)

    def evaluator(game: Game, state: State) -> Evaluation:
        batch = len(game.legal(state))
        zeros = np.zeros((batch, 3), np.float32)
        return Evaluation(zeros, zeros[:, 0], np.full(batch, 0.25, np.float32))

    truth = evaluate_positions(game, planted_positions(game), player, evaluator=evaluator)
    win, draw, loss = 0.625, 0.25, 0.125  # win + draw + loss = 1, win - loss = 0.5
    assert truth.sets[0].value_cross_entropy == pytest.approx(-np.log(win * draw * loss) / 3)
    assert truth.sets[1].value_cross_entropy == pytest.approx(-np.log(win))


def test_result_probabilities_without_a_draw_probability() -> None:
    value = np.array([0.0, 1.0, -1.0, 0.6, -0.6])
    chance = result_probabilities(value)
    np.testing.assert_allclose(chance[:3], [[1 / 3] * 3, [1, 0, 0], [0, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(chance.sum(axis=1), 1)
    np.testing.assert_allclose(chance[:, 0] - chance[:, 2], value, atol=1e-7)
    np.testing.assert_allclose(chance[:, 1] ** 2, chance[:, 0] * chance[:, 2], atol=1e-12)


def test_a_draw_probability_leaves_room_for_the_value() -> None:
    single = np.array([0.25], np.float32)
    assert result_probabilities(single, single).dtype == np.float32  # as targets are kept
    chance = result_probabilities(np.array([0.9, -1.0]), np.array([0.5, 0.5]))
    np.testing.assert_allclose(chance, [[0.9, 0.1, 0.0], [0, 0, 1]], atol=1e-12)


def test_the_solver_makes_no_mistakes_and_the_worst_player_all() -> None:
    game, positions = TicTacToe(), tic_tac_toe_positions(200)
    best = evaluate_positions(game, positions, SolverPlayer(game))
    assert best.mistake_rate.value == 0
    assert best.optimal_mass == pytest.approx(1)
    assert 0 < best.mistake_rate.high < 0.03
    sign = np.sign(positions.scores)
    avoidable = np.mean(np.nanmin(sign, axis=1) < np.nanmax(sign, axis=1))
    worst = evaluate_positions(game, positions, WorstPlayer())
    assert worst.mistake_rate.value == pytest.approx(avoidable)
    assert worst.optimal_mass == pytest.approx(1 - avoidable)


def test_a_random_mover_errs_as_often_as_there_are_bad_moves() -> None:
    game = Connect4()
    path = default_positions(game)
    assert path is not None
    positions = read_positions(game, path)
    truth = evaluate_positions(game, positions, RandomPlayer())
    assert truth.optimal_mass == pytest.approx(0.6343, abs=1e-4)  # of the file that ships
    spread = np.sqrt(0.25 / len(positions.set_index))
    assert abs(truth.mistake_rate.value - (1 - truth.optimal_mass)) < 3 * spread
    assert truth.value_cross_entropy == pytest.approx(np.log(3))  # it knows nothing


def test_shares_that_come_to_more_than_one_are_one() -> None:
    """As f32 does: what is certain surprises by 0, not by less, and not by -0."""
    positions = planted_positions(TicTacToe())
    policy = np.float32(0.5), np.float32(0.5) + np.float32(1e-6), 0.0
    truth = evaluate_positions(TicTacToe(), positions, Planted(0, tuple(map(float, policy)), 0.5))
    (of_a, _) = truth.sets
    assert truth.mass.max() == 1
    assert of_a.optimal_mass <= 1
    draws = positions._replace(scores=np.zeros_like(positions.scores))
    known = evaluate_positions(TicTacToe(), draws, Planted(0, tuple(map(float, policy)), 0.5))
    assert (known.optimal_mass, str(known.policy_cross_entropy)) == (1.0, "0.0")


def test_the_json_of_an_evaluation() -> None:
    game = Connect4(3, 3)
    truth = evaluate_positions(game, planted_positions(game), Planted(1, (0.5, 0.3, 0.2), 0.0))
    found = truth_json(game, 64, truth)
    assert found["game"] == "connect4-3x3-4"
    assert found["simulations"] == 64
    assert found["mistake_rate"] == pytest.approx(1 / 6)
    assert found["value_cross_entropy"] == pytest.approx(np.log(3))
    sets = found["sets"]
    assert isinstance(sets, dict)
    assert (sets["a"]["n"], sets["a"]["mistake_rate"]) == (3, pytest.approx(1 / 3))
    assert sets["a"]["mistake_rate_low"] < 1 / 3 < sets["a"]["mistake_rate_high"]


def test_wilson_intervals_of_the_literature() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29
    for successes, trials, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        interval = wilson(successes, trials)
        assert interval.value == successes / trials
        assert interval[1:] == pytest.approx((low, high), abs=6e-5)


def test_the_interval_of_a_mean_covers_the_truth() -> None:
    rng = np.random.default_rng(0)
    rates, n, trials = np.array([0.0, 0.02, 0.1, 0.4]), 60, 2000
    covered = 0
    for counts in rng.binomial(n, rates, (trials, len(rates))):
        _, low, high = mean_of([wilson(count, n) for count in counts.tolist()])
        covered += low <= rates.mean() <= high
    assert covered / trials > 0.95 - 3 * np.sqrt(0.95 * 0.05 / trials)
    assert covered / trials < 0.99


def test_positions_of_a_game_do_not_count_as_independent() -> None:
    """Games of 1 to 9 positions, in some of which one errs seldom, in others mostly."""
    rng, trials, covered, naive = np.random.default_rng(0), 2000, 0, 0
    for _ in range(trials):
        sizes = rng.integers(1, 10, 50)
        game = np.repeat(np.arange(50), sizes)
        hits = rng.random(len(game)) < rng.choice([0.05, 0.55], 50)[game]
        _, low, high = clustered(hits, game)
        covered += low <= 0.3 <= high
        _, low, high = wilson(float(hits.sum()), len(hits))
        naive += low <= 0.3 <= high
    assert 0.93 < covered / trials < 0.97
    assert naive / trials < 0.83


def test_independent_positions_count_as_such() -> None:
    hits = np.arange(60) % 4 == 0
    assert clustered(hits) == wilson(15, 60)
    for nothing in (hits & False, hits | True):
        assert clustered(nothing, np.arange(60) // 3) == wilson(float(nothing.sum()), 60)
    alone, even = clustered(hits, np.arange(60)), clustered(hits, np.arange(60) // 4)
    assert alone.low == pytest.approx(wilson(15, 60).low, abs=3e-3)  # Student's 60 are many
    assert even.value == 0.25
    assert even.low < alone.low < 0.25 < alone.high < even.high  # 15 games are few
    # every four positions alike: as many trials as there are games, in Student's terms
    alike = np.repeat(np.arange(15) % 3 == 0, 4)
    few = 15 * (14 / 15) * (Z95 / 2.144787) ** 2  # t(14), of any table
    assert clustered(alike, np.arange(60) // 4)[1:] == pytest.approx(wilson(few / 3, few)[1:])
