"""Tic-tac-toe: every game counted, so every line and every draw; the rest is in its playthrough."""

import numpy as np
import pytest

from envs.tictactoe import TicTacToe
from selfplay.arrays import take

GAME = TicTacToe()


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


@pytest.mark.parametrize("word", ["0", "10", "a1", ""])
def test_words_that_name_no_cell(word):
    with pytest.raises(ValueError, match=f"'{word}' is not a cell: expected a number from 1 to 9"):
        GAME.parse_action(word)
