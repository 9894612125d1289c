"""Tic-tac-toe: every game counted, every line won; the rest is in its playthrough."""

import numpy as np
import pytest

from envs.tictactoe import TicTacToe
from selfplay.arrays import take

GAME = TicTacToe()


def after(*cells):
    """The position after these moves (cells 1 .. 9), and what the last one paid."""
    state, paid = GAME.init(np.random.default_rng(0), 1), None
    for cell in cells:
        state, paid = GAME.step(state, np.array([cell - 1], np.int32))
    return state, paid


def test_all_255168_games_and_how_they_end():
    state = GAME.init(np.random.default_rng(0), 1)
    wins = {"X": 0, "O": 0}
    draws = 0
    for ply in range(9):
        legal = GAME.legal(state)
        rows, actions = np.nonzero(legal)
        state, paid = GAME.step(take(state, rows), actions.astype(np.int32))
        wins["XO"[ply % 2]] += int((paid.reward == 1).sum())
        draws += int(((paid.reward == 0) & (paid.discount == 0)).sum())
        state = take(state, paid.discount != 0)
    assert len(state.over) == 0
    assert (wins, draws) == ({"X": 131_184, "O": 77_904}, 46_080)
    assert wins["X"] + wins["O"] + draws == 255_168


@pytest.mark.parametrize(
    "line",
    [(1, 2, 3), (4, 5, 6), (7, 8, 9), (1, 4, 7), (2, 5, 8), (3, 6, 9), (1, 5, 9), (3, 5, 7)],
)
def test_each_line_wins(line):
    a, b = [cell for cell in (1, 5, 9, 4, 2) if cell not in line][:2]
    _, before = after(line[0], a, line[1], b)
    assert (before.reward[0], before.discount[0]) == (0, -1)
    state, paid = after(line[0], a, line[1], b, line[2])
    assert (paid.reward[0], paid.discount[0]) == (1, 0)
    assert state.over.tolist() == [True]


def test_full_board_is_a_draw():
    _, paid = after(1, 2, 3, 5, 4, 6, 8, 7, 9)
    assert (paid.reward[0], paid.discount[0]) == (0, 0)


@pytest.mark.parametrize("word", ["0", "10", "a1", ""])
def test_words_that_name_no_cell(word):
    with pytest.raises(ValueError, match=f"'{word}' is not a cell: expected a number from 1 to 9"):
        GAME.parse_action(word)
