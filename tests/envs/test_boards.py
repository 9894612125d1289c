"""What games say of their boards, cell by cell."""

import numpy as np
import pytest

import envs
from envs.boards import cells_in_line
from selfplay.types import Drawn


def board_after(spec, moves):
    """The game's board after ``moves``."""
    game = envs.make(spec)
    state = game.init(np.random.default_rng(0), 1)
    for name in moves.split():
        state, _ = game.step(state, np.array([game.parse_action(name)], np.int32))
    return game.board(state, 0)


def drawn(board):
    return ["".join(".XO"[cell] for cell in row) for row in board.cells]


def test_connect4():
    board = board_after("connect4?width=5&height=4", "3 3 2 5 3")
    assert drawn(board) == [".....", "..X..", "..O..", ".XX.O"]
    assert board.clicks.tolist() == [[0, 1, 2, 3, 4]] * 4
    assert board.places.tolist() == [15, 11, 2, 18, 14]  # where the next stone comes to lie
    assert (board.line, board.look) == ((), "holes")


def test_connect4_with_a_full_column_and_a_line():
    board = board_after("connect4-4x4", "1 1 1 1 2 2 3 3 4")
    assert drawn(board) == ["O...", "X...", "OOO.", "XXXX"]
    assert board.places.tolist() == [0, 5, 6, 11]
    assert board.line == (12, 13, 14, 15)


@pytest.mark.parametrize("winner", ["6", "7"])
def test_lines_are_of_who_moved_last(winner):
    """The second player wins as well as the first, in the column or in the row."""
    board = board_after("connect4", {"6": "1 6 1 6 2 6 2 6", "7": "4 1 5 1 6 2 7"}[winner])
    assert board.line == {"6": (19, 26, 33, 40), "7": (38, 39, 40, 41)}[winner]


def test_othello():
    board = board_after("othello-6x6", "c2")  # White is to move
    assert drawn(board) == ["......", "..X...", "..XX..", "..XO..", "......", "......"]
    assert board.clicks.tolist() == np.arange(36).reshape(6, 6).tolist()
    assert board.places.tolist() == list(range(36))
    assert (board.line, board.look) == ((), "discs")
    assert drawn(board_after("othello", "d3"))[2:5] == ["...X....", "...XX...", "...XO..."]


def test_tictactoe():
    board = board_after("tictactoe", "1 4 5 7 9")
    assert drawn(board) == ["X..", "OX.", "O.X"]
    assert (board.line, board.look) == ((0, 4, 8), "marks")
    assert board.places.tolist() == list(range(9))


def test_all_cells_of_two_lines_and_of_a_longer_one():
    stones = np.array([[0, 0, 0, 1, 0], [0, 0, 0, 1, 0], [1, 1, 1, 1, 0], [1, 0, 0, 0, 1]], bool)
    assert cells_in_line(stones, 3) == (3, 8, 10, 11, 12, 13)
    assert cells_in_line(stones, 4) == (10, 11, 12, 13)
    assert cells_in_line(np.fliplr(np.eye(3, dtype=bool)), 3) == (2, 4, 6)


def test_games_that_say_nothing_are_not_drawn():
    assert isinstance(envs.make("othello"), Drawn)
    assert not isinstance(envs.make("nim"), Drawn)
