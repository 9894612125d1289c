"""Moves become positions: outcomes, turns, and moves that the rules do not allow."""

from __future__ import annotations

import numpy as np
import pytest

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from envs.toys import Nim
from selfplay.arrays import take
from selfplay.lines.games import Games, IllegalMoveError, Refused, pick, replay, side_by_side
from selfplay.lines.lockstep import lockstep
from selfplay.lines.openings import NO_MOVE, any_move
from selfplay.types import Game, Int


def lines(*games: list[int]) -> Int:
    return side_by_side(games)


def random_line(game: Game, rng: np.random.Generator) -> list[int]:
    """A random game to its end."""
    plies = lockstep(game, game.init(rng, 1), lambda turn: any_move(game, turn.state, rng))
    return [int(ply.action[0]) for ply in plies]


def test_a_game_that_the_first_player_wins_and_a_draw() -> None:
    # 4 in the corner row: X 1, O 4, X 2, O 5, X 3; and a full board without a line
    games = replay(TicTacToe(), lines([0, 3, 1, 4, 2], [0, 1, 2, 4, 3, 5, 7, 6, 8]))
    assert games.action.tolist() == [0, 3, 1, 4, 2, 0, 1, 2, 4, 3, 5, 7, 6, 8]
    assert games.game.tolist() == [0] * 5 + [1] * 9
    assert games.outcome.tolist() == [1, -1, 1, -1, 1] + [0] * 9
    assert games.ply is not None
    assert games.ply.tolist() == [*range(5), *range(9)]
    assert games.second is not None
    assert games.second.tolist() == [False, True] * 2 + [False] + [False, True] * 4 + [False]
    assert games.state.mover[:5].tolist() == [0, 0, 1, 8, 3]
    assert games.state.other[:5].tolist() == [0, 1, 8, 3, 24]
    assert games.policy is None
    assert games.scores is None
    two: Games = pick(games, [3, 1])
    assert two.action.tolist() == [4, 3]
    assert two.policy is None


@pytest.mark.parametrize("game", [Connect4(), TicTacToe(), Nim()], ids=lambda game: game.name)
def test_many_games_at_once_are_as_each_alone(game: Game) -> None:
    rng = np.random.default_rng(0)
    played = [random_line(game, rng) for _ in range(40)]
    together = replay(game, lines(*played))
    for i, line in enumerate(played):
        alone = replay(game, lines(line))
        one = pick(together, together.game == i)
        for a, b in zip(one.state, alone.state, strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(one.action, line)
        np.testing.assert_array_equal(one.outcome, alone.outcome)
        # independently: step by step from the start, the last mover's reward backed up
        state = game.init(rng, 1)
        rewards, discounts = [], []
        for row, action in enumerate(line):
            for a, b in zip(take(one.state, [row]), state, strict=True):
                np.testing.assert_array_equal(a, b)
            state, paid = game.step(state, np.array([action], np.int32))
            rewards.append(float(paid.reward[0]))
            discounts.append(float(paid.discount[0]))
        value = 0.0
        for row in range(len(line) - 1, -1, -1):
            value = rewards[row] + discounts[row] * value
            assert one.outcome[row] == value


def test_a_game_that_stops_early_has_no_outcome_and_one_without_moves_no_position() -> None:
    games = replay(Connect4(), lines([3, 3, 3], [], [0, 1, 0, 1, 0, 1, 0]))
    assert games.game.tolist() == [0] * 3 + [2] * 7
    assert np.isnan(games.outcome[:3]).all()
    assert games.outcome[3:].tolist() == [1, -1, 1, -1, 1, -1, 1]
    games = replay(Connect4(), np.full((2, 3), NO_MOVE, np.int32))
    assert len(games.action) == len(games.state.mover) == 0


@pytest.mark.parametrize(
    ("moves", "game", "ply", "sentence"),
    [
        ([[3, 3, 3, 3, 3, 3, 3]], 0, 6, r"move 7 of game 1 \(4\) is illegal"),
        ([[0, 1], [3, 7]], 1, 1, r"move 2 of game 2 is action 7; connect4 has 0 to 6"),
        ([[0, 1], [-2, 1]], 1, 0, r"move 1 of game 2 is action -2"),
        ([[0, 1, 0, 1, 0, 1, 0, 2]], 0, 7, r"move 8 of game 1 comes after the end of the game"),
    ],
)
def test_illegal_moves_are_named(
    moves: list[list[int]], game: int, ply: int, sentence: str
) -> None:
    with pytest.raises(IllegalMoveError, match=sentence) as caught:
        replay(Connect4(), np.array(moves, np.int32))
    assert (caught.value.game, caught.value.ply) == (game, ply)
    with pytest.raises(ValueError, match="NO_MOVE stands behind its end only"):
        replay(Connect4(), np.array([[3, NO_MOVE, 3]], np.int32))


def test_what_is_refused_is_noted_and_spoils_no_other_game() -> None:
    good = [0, 1, 0, 1, 0, 1, 0]
    refused: Refused = {}
    games = replay(Connect4(), lines(good, [9], [*good, 1], [2, *good[1:]], [3] * 7), refused)
    assert {number: error.sentence for number, error in refused.items()} == {
        1: "move 1 is action 9; connect4 has 0 to 6",
        4: "move 7 (4) is illegal",
        2: "move 8 comes after the end of the game",
    }
    alone = replay(Connect4(), lines(good, [2, *good[1:]]))
    for number, row in enumerate((0, 3)):
        expected, found = pick(alone, alone.game == number), pick(games, games.game == row)
        np.testing.assert_array_equal(found.state.mover, expected.state.mover)
        np.testing.assert_array_equal(found.outcome, expected.outcome)
