"""Connect Four: counts, lines in all directions, other boards; the rest is in its playthroughs."""

import numpy as np
import pytest
from reference import perft

from envs import make, short
from envs.connect4 import Connect4
from selfplay.lines.keys import canonical_keys


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


def completing(planes, run):
    """[2, H, W], empty cells in which a stone of either would complete a run: cell by cell."""
    height, width = planes.shape[1:]
    found = np.zeros_like(planes)
    for who, row, column in np.argwhere(np.broadcast_to(~planes.any(0), planes.shape)):
        stones = planes[who].astype(bool)
        stones[row, column] = True
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
            for before in range(run):
                line = [(row + i * down, column + i * right) for i in range(-before, run - before)]
                inside = all(0 <= r < height and 0 <= c < width for r, c in line)
                if inside and all(stones[cell] for cell in line):
                    found[who, row, column] = 1
    return found


@pytest.mark.parametrize("board", [(7, 6, 4), (5, 4, 3), (3, 8, 5), (9, 6, 2), (3, 15, 5)])
def test_threats_are_cells_that_would_complete_a_run(board):
    game, plain = Connect4(*board, threats=True), Connect4(*board)
    rng = np.random.default_rng(1)
    state, seen = game.init(rng, 6), 0
    for _ in range(min(30, game.max_moves)):
        planes = game.observe(state).planes
        assert (planes[:, :2] == plain.observe(state).planes).all()
        for each in planes[~state.over]:
            assert (each[2:] == completing(each[:2], game.run)).all()
            seen += each[2:].sum()
        assert game.text(state, 0) == plain.text(state, 0)
        assert (canonical_keys(game, state) == canonical_keys(plain, state)).all()
        for both in zip(game.board(state, 0), plain.board(state, 0), strict=True):
            np.testing.assert_array_equal(*both)
        legal = game.legal(state)
        action = [rng.choice(np.flatnonzero(row)) for row in legal]
        state, _ = game.step(state, np.array(action, np.int32))
    assert seen > 0


def test_what_nets_see_is_no_part_of_the_name():
    assert short("connect4?threats=true") == "connect4"
    assert short("connect4?width=4&threats=true&height=4") == "connect4-4x4"
    assert short("connect4?width=9") == "connect4?width=9"
    assert make("connect4?threats=true").name == "connect4"
