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
    ("direction", "moves"),
    [
        ("horizontal at the left edge", "1122334"),
        ("horizontal at the right edge", "7766554"),
        ("vertical", "4545454"),
        ("rising", "12234334744"),
        ("falling", "76654554144"),
    ],
)
def test_four_in_a_line_wins(direction, moves):
    game = Connect4()
    assert outcome(game, moves[:-1]) == (0, -1)
    assert outcome(game, moves) == (1, 0)


@pytest.mark.parametrize(
    ("options", "moves", "paid"),
    [
        # X holds rows 4 to 6 of column 1 and row 1 of column 2: adjacent bits but for the gap
        ({}, "21717113131", (0, -1)),
        ({"width": 4, "height": 3}, "111222444333", (0, 0)),
        ({}, "12324262", (1, 0)),
    ],
    ids=["no line wraps to the next column", "a full board is a draw", "the second player's run"],
)
def test_what_the_last_move_pays(options, moves, paid):
    assert outcome(Connect4(**options), moves) == paid


@pytest.mark.parametrize(
    ("options", "moves"),
    [
        ({"width": 5, "height": 4, "run": 3}, "11223"),
        ({"width": 4, "height": 6, "run": 5}, "121212121"),
        ({"width": 3, "height": 3, "run": 2}, "112"),
    ],
)
def test_other_boards_and_lengths_of_run(options, moves):
    game = Connect4(**options)
    assert outcome(game, moves[:-1]) == (0, -1)
    assert outcome(game, moves) == (1, 0)
    assert game.num_actions == options["width"]
    assert game.max_moves == options["width"] * options["height"]


@pytest.mark.parametrize("options", [{"width": 0}, {"run": 1}, {"width": 8, "height": 8}])
def test_impossible_boards_are_refused(options):
    with pytest.raises(ValueError, match="connect4 needs width, height >= 1"):
        Connect4(**options)
