"""Perfect players against known results, planted values and counted positions."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from reference import reach

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from envs.toys import Bandit, Chain, Coins, Nim, Standoff, Toy, Win, WinnerLoser
from selfplay.lines import every_line as lookahead
from selfplay.lines.every_line import enumerate_lines
from selfplay.truth.base import optimal_moves
from selfplay.truth.solver import ExhaustiveSolver, solver_for
from selfplay.types import Game

NAN = np.nan
TOYS = [Win(), Bandit(), Chain(), Coins(5), Coins(5, players=2), WinnerLoser(), Standoff()]
NIMS = [Nim(11), Nim(13, take=2, again=True)]


def signs(game: Game, line: str) -> list[int]:
    """The result of every cell that is free after ``line``."""
    scores = solver_for(game).scores(reach(game, line))[0]
    return [int(np.sign(score)) for score in scores if score == score]


def test_connect_four_scores_are_the_known_ones() -> None:
    pytest.importorskip("bitbully", reason="needs the extra 'solver'")
    game = Connect4()
    solver = solver_for(game)
    scores = solver.scores(game.init(np.random.default_rng(0), 2))
    assert scores.tolist() == [[-2, -1, 0, 1, 0, -1, -2]] * 2
    scores = solver.scores(reach(game, "44444345", "44434544", "43444445"))
    expected = [[-4, -3, 1, NAN, 1, -3, -4], [3, 4, 4, NAN, 4, 4, 3], [0, 0, 0, NAN, 0, 0, 0]]
    np.testing.assert_array_equal(scores, expected)
    # O wins in column 2 with his 4th stone; the other game is over
    scores = solver.scores(reach(game, "1212127", "1212121"))
    assert scores[0, 1] == 22 - 4
    assert scores[1].tolist() == [0] * 7


def test_a_missing_bitbully_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitbully", None)
    with pytest.raises(ValueError, match=r"pip install 'selfplay\[solver\]'"):
        solver_for(Connect4())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", [0] * 9),
        ("1", [-1, -1, -1, 0, -1, -1, -1, -1]),  # a corner is answered in the centre only
        ("5", [0, -1, 0, -1, -1, 0, -1, 0]),  # the centre is answered in a corner only
        ("19", [-1, 1, -1, 0, 0, 1, 0]),  # opposite corners: the free ones fork, 2 and 4 lose
    ],
)
def test_tic_tac_toe(line: str, expected: list[int]) -> None:
    assert signs(TicTacToe(), line) == expected


def test_a_sooner_win_and_a_later_loss_score_higher() -> None:
    game = TicTacToe()
    solver = solver_for(game)
    wins = solver.scores(reach(game, "1253"))[0]  # X has 1 and 5: 9 wins at once, 4 forks
    assert wins[8] == pytest.approx(1 + 1e-3 * (1 - 1 / 10))
    assert wins[3] == pytest.approx(1 + 1e-3 * (1 - 3 / 10))
    losses = solver.scores(reach(game, "125"))[0]  # O only delays by taking 9
    assert losses[8] == pytest.approx(-1 - 1e-3 * (1 - 4 / 10))
    assert losses[2] == pytest.approx(-1 - 1e-3 * (1 - 2 / 10))
    assert np.nanargmax(losses) == 8


def test_all_of_tic_tac_toe_is_4520_open_positions() -> None:
    game = TicTacToe()
    levels, _ = enumerate_lines(game, game.init(np.random.default_rng(0), 1))
    assert sum(len(level.key) for level in levels) == 5478 - 958  # all, less the finished ones


def test_small_connect_four_boards() -> None:
    games = Connect4(4, 4), Connect4(4, 4, run=3)
    draw, win = (solver_for(game).scores(reach(game, "")) for game in games)
    assert np.nanmax(draw) == 0
    assert (win > 0).all()


@pytest.mark.parametrize("game", TOYS + NIMS, ids=lambda game: game.name)
def test_returns_are_the_planted_ones(game: Toy) -> None:
    rng = np.random.default_rng(0)
    state = game.init(rng, 64)
    for _ in range(game.max_moves):
        _, outcomes = enumerate_lines(game, state)
        np.testing.assert_allclose(outcomes[0].returns, game.qvalues(state), atol=1e-6)
        signs_found = np.sign(np.round(ExhaustiveSolver(game).scores(state), 6))
        np.testing.assert_array_equal(signs_found, np.sign(np.round(game.qvalues(state), 6)))
        legal = game.legal(state)
        action = (legal * rng.random(legal.shape)).argmax(axis=1).astype(np.int32)
        state, _ = game.step(state, action)


def test_a_horizon_hides_what_lies_beyond() -> None:
    game = Chain(4)  # going on (action 1) pays 1 with the fourth move
    state = game.init(np.random.default_rng(0), 1)
    for depth, expected in ((3, 0.0), (4, 1.0)):
        _, outcomes = enumerate_lines(game, state, depth)
        assert outcomes[0].returns.tolist() == [[expected, 0.0]]


def test_a_game_too_large_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookahead, "MAX_EDGES", 1000)
    with pytest.raises(ValueError, match="no solver for tictactoe: it has more than 1,000 moves"):
        solver_for(TicTacToe())


def test_optimal_moves_keep_the_result() -> None:
    scores = np.array([[3, 1, 0, NAN, -2], [-5, -1, NAN, NAN, -2], [0, -1, 0, NAN, NAN]])
    expected = [[1, 1, 0, 0, 0], [1, 1, 0, 0, 1], [1, 0, 1, 0, 0]]
    assert optimal_moves(scores.astype(np.float32)).astype(int).tolist() == expected
