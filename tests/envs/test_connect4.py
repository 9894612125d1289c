"""Connect Four: counts, lines in all directions, other boards; the rest is in its playthroughs."""

import numpy as np
import pytest
from reference import perft

from envs.connect4 import Connect4


def outcome(game, moves):
    """What the last of ``moves`` (columns from 1) paid, and the discount behind it."""
    state = game.init(np.random.default_rng(0), 1)
    for column in moves:
        state, paid = game.step(state, np.array([game.parse_action(column)], np.int32))
    return float(paid.reward[0]), float(paid.discount[0])


def test_lines_of_play_by_length():
    """Known counts: 7 plies 823,536; 8 plies 5,673,234 (games won at ply 7 go no further)."""
    assert perft(Connect4(), 8) == [
        7, 49, 343, 2_401, 16_807, 117_649, 823_536, 5_673_234,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("board", "moves", "paid"),
    [
        ((), "1122334", (1, 0)),  # horizontal, at the left edge
        ((), "7766554", (1, 0)),  # and at the right one
        ((), "4545454", (1, 0)),  # vertical
        ((), "12234334744", (1, 0)),  # rising
        ((), "76654554144", (1, 0)),  # falling
        ((), "12324262", (1, 0)),  # the second player's run
        # X holds rows 4 to 6 of column 1 and row 1 of column 2: adjacent bits but for the gap
        ((), "21717113131", (0, -1)),
        ((4, 3), "111222444333", (0, 0)),  # a full board is a draw
        ((5, 4, 3), "11223", (1, 0)),
        ((4, 6, 5), "121212121", (1, 0)),
        ((3, 3, 2), "112", (1, 0)),
    ],
)
def test_what_the_last_move_pays(board, moves, paid):
    game = Connect4(*board)
    assert outcome(game, moves[:-1]) == (0, -1)
    assert outcome(game, moves) == paid
    width, height, *_ = board or (7, 6)
    assert (game.num_actions, game.max_moves) == (width, width * height)


@pytest.mark.parametrize("options", [{"width": 0}, {"run": 1}, {"width": 8, "height": 8}])
def test_impossible_boards_are_refused(options):
    with pytest.raises(ValueError, match="connect4 needs width, height >= 1"):
        Connect4(**options)
