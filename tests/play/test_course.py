"""The course of a game: marks against planted values and against solvers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from envs.connect4 import Connect4
from envs.othello import Othello
from envs.tictactoe import TicTacToe
from envs.toys import Chain, Nim
from selfplay.play.course import (
    Course,
    Estimate,
    Judged,
    Think,
    Truth,
    accuracy,
    by_ply,
    error_of,
    judged_json,
    mark_of,
    side_of,
    standard_error,
    thinking,
    worst,
)
from selfplay.play.variations import Position, Variations
from selfplay.players.levels import LevelPlayer
from selfplay.players.limits import Limit
from selfplay.players.players import RandomPlayer, RolloutPlayer, SearchPlayer, SolverPlayer
from selfplay.players.thinking import Insight, Thinker, TimedPlayer
from selfplay.search import Puct
from selfplay.truth.solver import solver_for
from selfplay.types import NO_ACTION, Evaluator, Game, State


def line_of(game: Game, actions: Sequence[int]) -> list[Position]:
    tree = Variations(game)
    return tree.positions(tree.line(tree.branch(0, actions)))


def shrugging(game: Game) -> Think:
    """Knows nothing: the first move, a draw."""

    def think(position: Position) -> Estimate:
        action = int(game.legal(position.state)[0].argmax())
        return Estimate(action, 0.0, math.inf, (action,))

    return think


def knowing(game: Nim) -> Course:
    """A course by the planted values of Nim."""

    def think(position: Position) -> Estimate:
        qvalues = game.qvalues(position.state)[0]
        action = int(np.nanargmax(qvalues))
        return Estimate(action, float(qvalues[action]), 0.0, (action,))

    return Course(game, think)


def test_win_probability_is_the_first_players() -> None:
    game = Nim(10, take=3)  # a multiple of 4 is lost for who is to move
    line = line_of(game, [0, 0, 2, 1, 1])  # 9, 8, 5, 3, 1 left: won by taking the last
    judged = by_ply(knowing(game).judge(line))
    assert [each.win for each in judged] == [0.0, 0.0, 0.0, 1.0, 0.0]
    assert [each.mover for each in judged] == [0, 1, 0, 1, 0]
    # 10 and 9 give wins away or take them, at 8 and every loser's move nothing is to lose
    assert [each.lost for each in judged] == [2.0, 0.0, 0.0, 2.0, 2.0]
    assert [each.mark for each in judged] == ["blunder", "", "", "blunder", "blunder"]
    assert [each.better for each in judged] == [1, NO_ACTION, NO_ACTION, 0, 2]
    assert judged[0].line == (1, 0, 2, 0, 2)  # the loser takes one, the winner makes up to four
    # 9 left was taken to 8: punished; 3 left was not: one was left over; none replies to the last
    assert [each.punished for each in judged] == [True, None, None, False, None]


def test_the_end_of_a_game_is_what_was_paid() -> None:
    game = Nim(4, take=3)
    judged = by_ply(knowing(game).judge(line_of(game, [1, 1])))
    assert [each.win for each in judged] == [0.0, 0.0]
    judged = by_ply(knowing(Nim(3, take=3)).judge(line_of(Nim(3, take=3), [2])))
    assert [(each.win, each.lost, each.mark) for each in judged] == [(1.0, 0.0, "")]


def test_who_moves_again_is_not_punished_by_himself() -> None:
    game = Nim(11, take=2, again=True)  # 9 left earn another move and are lost, 10 win
    line = line_of(game, [1, 0])
    assert [each.mover for each in line] == [0, 0, 1]
    judged = by_ply(knowing(game).judge(line))
    assert [each.lost for each in judged] == [2.0, 0.0]
    assert judged[0].mark == "blunder"
    assert judged[0].punished is None


def test_a_marked_move_comes_again_once_its_reply_is_judged() -> None:
    game = Nim(10, take=3)
    told = [(each.ply, each.punished) for each in knowing(game).judge(line_of(game, [0, 0, 2]))]
    assert told == [(0, None), (0, True), (1, None), (2, None)]


def test_noise_is_no_mistake_and_truth_beats_the_guess() -> None:
    """X in the centre, O on an edge loses: who knows nothing sees nothing, the solver does."""
    game = TicTacToe()
    line = line_of(game, [4, 1, 0, 8, 3, 5, 6])
    assert not any(each.mark for each in by_ply(Course(game, shrugging(game)).judge(line)))
    judged = by_ply(Course(game, shrugging(game), solver_for(game)).judge(line))
    assert [each.truth for each in judged] == [
        Truth(0, 0), Truth(0, -1), Truth(1, 1), Truth(-1, -1), Truth(1, 1), Truth(-1, -1),
        Truth(1, 1),
    ]  # fmt: skip
    assert [each.mark for each in judged] == ["", "blunder", *[""] * 5]
    assert judged[1].lost == 1.0
    assert judged[1].punished is True
    assert judged[1].better in (0, 2, 6, 8)  # the corners draw
    assert judged[1].line[0] == judged[1].better


def test_truth_clears_a_move_that_the_guess_blames() -> None:
    """An agent that is sure of a wrong value: the solver says that nothing was lost."""
    game = TicTacToe()

    def sure(position: Position) -> Estimate:
        free = game.legal(position.state)[0]
        action = 8 if free[8] else int(free.argmax())
        return Estimate(action, 1.0 if position.mover == 0 else 0.9, 0.0, (action,))

    line = line_of(game, [1, 4])
    blamed = by_ply(Course(game, sure).judge(line))[0]
    assert (blamed.lost, blamed.better, blamed.mark) == (pytest.approx(1.9), 8, "blunder")
    assert by_ply(Course(game, sure, solver_for(game)).judge(line))[0].lost == 0.0
    mirrored = by_ply(Course(game, sure).judge(line_of(game, [0, 4])))[0]
    assert mirrored.lost == 0.0  # a corner is as good as another


def test_a_blunder_of_connect_four_against_its_solver() -> None:
    """3 gives the won game away, 5 then allows three in a row with both ends open."""
    pytest.importorskip("bitbully")
    game = Connect4()
    line = line_of(game, [3, 3, 2, 1, 4, 4, 5])
    judged = by_ply(Course(game, shrugging(game), solver_for(game)).judge(line))
    assert [each.truth for each in judged] == [
        Truth(1, 1), Truth(-1, -1), Truth(1, -1), Truth(1, 1), Truth(-1, -1), Truth(1, -1),
        Truth(1, 1),
    ]  # fmt: skip
    assert [(each.ply, each.better, each.punished) for each in judged if each.mark] == [
        (2, 3, True),
        (5, 5, True),
    ]
    assert [each.win for each in judged] == [0.5] * 6 + [1.0]
    assert [each.ply for each in worst(judged)] == [2, 5]


def test_truth_only_where_the_solver_reaches() -> None:
    game = Othello(6)
    tree, dice = Variations(game), np.random.default_rng(0)
    while not tree.now.over:
        tree.play(int(dice.choice(np.flatnonzero(game.legal(tree.now.state)[0]))))
    line = tree.positions(tree.main_line())
    judged = by_ply(Course(game, shrugging(game), solver_for(game)).judge(line))
    assert [each.truth is None for each in judged] == [each.ply < 32 - 14 for each in judged]
    last, paid = judged[-1], line[-1].paid
    assert last.truth is not None
    assert last.truth.after == paid[last.mover]


def test_one_player_games_have_returns() -> None:
    game = Chain(3)

    def think(position: Position) -> Estimate:
        return Estimate(0, 1.0 - position.paid[0], 0.0, (0,))

    judged = by_ply(Course(game, think).judge(line_of(game, [0, 0, 0])))
    assert [each.win for each in judged] == [1.0, 1.0, 1.0]
    assert side_of(judged, 1).moves == 0


def test_thresholds_are_lichess_own() -> None:
    assert [mark_of(lost) for lost in (0.0, 0.0999, 0.1, 0.1999, 0.2, 0.2999, 0.3, 2.0)] == [
        "", "", "inaccuracy", "inaccuracy", "mistake", "mistake", "blunder", "blunder",
    ]  # fmt: skip
    assert accuracy(0.0) == pytest.approx(100.0, abs=0.01)
    assert accuracy(0.2) == pytest.approx(63.6, abs=0.1)  # 10 points of Win%, from their page
    assert accuracy(2.0) == 0.0


def judged(ply: int, lost: float) -> Judged:
    return Judged(ply, ply % 2, 0, 0.5, lost, mark_of(lost), 0, ())


def test_sums_and_the_worst() -> None:
    moves = [judged(ply, lost) for ply, lost in enumerate((0.0, 0.15, 0.25, 0.3, 0.5, 0.0, 0.5))]
    first = side_of(moves, 0)
    assert first[:2] == (4, pytest.approx(0.3125))
    assert first[3:] == (0, 1, 2)
    assert side_of(moves, 1)[3:] == (1, 0, 1)
    assert math.isnan(side_of([], 0).loss)
    assert [each.ply for each in worst(moves)] == [4, 6, 3]
    assert [each.ply for each in worst(moves, 9)] == [4, 6, 3, 2, 1]


def test_a_judged_move_as_json() -> None:
    move = Judged(4, 0, 3, 0.25, 0.5, "blunder", 2, (2, 5), Truth(1, 0), True)
    assert judged_json(Connect4(), move) == {
        "ply": 4, "mover": 0, "action": "4", "win": 0.25, "lost": 0.5, "mark": "blunder",
        "better": "3", "line": ["3", "6"], "truth": {"before": 1, "after": 0}, "punished": True,
        "may_retry": True,
    }  # fmt: skip
    good = judged_json(Connect4(), Judged(0, 0, 3, 0.5, 0.0, "", NO_ACTION, ()))
    assert (good["better"], good["line"], good["truth"]) == (None, [], None)


def test_what_a_thinker_tells_last_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 visits at value 0: 0.1005 is their standard error, none where the value is proven."""
    game, row = TicTacToe(), np.zeros(9, np.float32)
    first = Insight(3, 0.9, None, None, row, np.zeros(9, np.int32), row, (3,), 8, 0.1, False, False)
    told = first._replace(action=4, value=0.0, visits=np.full(9, 100), line=(4, 0), last=True)
    limits = []

    def think(self: Thinker, state: State, limit: Limit) -> list[Insight]:
        limits.append(limit)
        return [first, told]

    monkeypatch.setattr(Thinker, "think", think)
    start = Variations(game).now
    judge = thinking(game, RandomPlayer(), np.random.default_rng(0), Limit(seconds=2.0))
    assert judge(start) == Estimate(4, 0.0, pytest.approx(0.1005, abs=1e-4), (4, 0))
    assert limits == [Limit(None, 2.0)]
    told = told._replace(proven=True)
    assert judge(start).error == 0.0


def test_the_error_of_a_net_guided_value_is_no_less_after_more_visits(hashed: Evaluator) -> None:
    """0.06 at value 0, 0.036 at 0.8; what rollouts find has the error of their mean."""
    guided = SearchPlayer("guided", Puct(), hashed)
    weak, timed = LevelPlayer(guided, 3), TimedPlayer("timed", guided, 1.0)
    for player in (guided, weak, timed):
        for visits in (1, 10_000):
            told = [error_of(player, value, visits) for value in (0.0, 0.8, -0.8, 1.0)]
            assert told == pytest.approx([0.06, 0.036, 0.036, 0.0])
        assert error_of(player, 0.3, 0) == math.inf
        assert error_of(player, 0.3, 10, proven=True) == 0.0
    rollouts = LevelPlayer(RolloutPlayer(100), 3)
    assert error_of(rollouts, 0.0, 100) == pytest.approx(standard_error(0.0, 100))
    assert error_of(SolverPlayer(TicTacToe()), 0.0, 0) == 0.0
