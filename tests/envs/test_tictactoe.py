"""Tic-tac-toe: every game counted, every line won, every symmetry."""

import numpy as np
import pytest

from envs.tictactoe import TicTacToe
from selfplay.arrays import repeat, take

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


@pytest.mark.parametrize("action", [0, -1, 9])
def test_illegal_cell_names_itself(action):
    state, _ = after(1)
    with pytest.raises(ValueError, match=f"cell {action + 1} cannot be played in\nX 2 3"):
        GAME.step(state, np.array([action], np.int32))


def test_after_the_end_everything_is_legal_and_nothing_happens():
    state, _ = after(1, 4, 2, 5, 3)
    assert GAME.legal(state).all()
    again, paid = GAME.step(state, np.array([0], np.int32))
    assert again == state
    assert (paid.reward[0], paid.discount[0]) == (0, 0)


def test_planes_show_the_player_to_move_first():
    state, _ = after(1, 5, 9)  # O is to move
    assert GAME.observe(state).planes[0].tolist() == [
        [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
        [[1, 0, 0], [0, 0, 0], [0, 0, 1]],
    ]


def test_text_numbers_the_empty_cells():
    state, _ = after(1, 5)
    assert GAME.text(state, 0) == "X 2 3\n4 O 6\n7 8 9"


def test_eight_different_symmetries_that_move_stones_as_they_move_actions():
    assert len({tuple(row) for row in GAME.action_map.tolist()}) == 8
    state, _ = after(2)
    for k in range(8):
        mapped, _ = after(int(GAME.action_map[k, 1]) + 1)
        expected = GAME.observe(mapped).planes
        assert GAME.transform(GAME.observe(state), k).planes.tolist() == expected.tolist()


def test_batch_of_equal_positions_stays_equal():
    state, _ = after(1, 5)
    batch, paid = GAME.step(repeat(state, 3), np.array([1, 1, 1], np.int32))
    assert len(set(zip(*(field.tolist() for field in batch), strict=True))) == 1
    assert paid.discount.tolist() == [-1, -1, -1]


@pytest.mark.parametrize("word", ["0", "10", "a1", ""])
def test_words_that_name_no_cell(word):
    with pytest.raises(ValueError, match=f"'{word}' is not a cell: expected a number from 1 to 9"):
        GAME.parse_action(word)
