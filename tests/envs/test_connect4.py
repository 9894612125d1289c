"""Connect Four: counts, lines in all directions, other boards, symmetry."""

import numpy as np
import pytest

from envs import make
from envs.connect4 import Connect4
from selfplay.arrays import take


def play(game, moves):
    """The position after ``moves`` (columns from 1), and what the last one paid."""
    state, paid = game.init(np.random.default_rng(0), 1), None
    for column in moves:
        state, paid = game.step(state, np.array([game.parse_action(column)], np.int32))
    return state, paid


def outcome(game, moves):
    _, paid = play(game, moves)
    return float(paid.reward[0]), float(paid.discount[0])


def test_lines_of_play_by_length():
    """Known counts: 7 plies 823,536; 8 plies 5,673,234 (games won at ply 7 go no further)."""
    game = Connect4()
    state = game.init(np.random.default_rng(0), 1)
    counts = []
    for _ in range(7):
        rows, columns = np.nonzero(game.legal(state))
        state, paid = game.step(take(state, rows), columns.astype(np.int32))
        counts.append(len(rows))
        state = take(state, paid.discount != 0)
    counts.append(int(game.legal(state).sum()))
    assert counts == [7, 49, 343, 2_401, 16_807, 117_649, 823_536, 5_673_234]


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


def test_lines_do_not_wrap_from_the_top_of_a_column_to_the_next():
    """X holds rows 4 to 6 of column 1 and row 1 of column 2: adjacent bits but for the gap."""
    assert outcome(Connect4(), "21717113131") == (0, -1)


def test_full_board_without_a_run_is_a_draw():
    game = Connect4(width=4, height=3)
    assert outcome(game, "111222444333") == (0, 0)


def test_the_second_player_is_paid_for_his_own_run():
    assert outcome(Connect4(), "12324262") == (1, 0)


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


def test_names_tell_the_boards_apart():
    assert Connect4().name == "connect4"
    assert make("connect4?width=6&height=5").name == "connect4-6x5-4"


@pytest.mark.parametrize("options", [{"width": 0}, {"run": 1}, {"width": 8, "height": 8}])
def test_impossible_boards_are_refused(options):
    with pytest.raises(ValueError, match="connect4 needs width, height >= 1"):
        Connect4(**options)


def test_a_full_column_is_illegal_and_named():
    game = Connect4()
    state, _ = play(game, "111111")
    assert game.legal(state).tolist() == [[False, True, True, True, True, True, True]]
    with pytest.raises(ValueError, match=r"column 1 cannot be played in\nO \. \. \. \. \. \."):
        game.step(state, np.array([0], np.int32))


@pytest.mark.parametrize("action", [-1, 7])
def test_columns_off_the_board_are_illegal(action):
    game = Connect4()
    state, _ = play(game, "4")
    with pytest.raises(ValueError, match=f"column {action + 1} cannot be played"):
        game.step(state, np.array([action], np.int32))


def test_after_the_end_nothing_happens():
    game = Connect4()
    state, _ = play(game, "4545454")
    assert game.legal(state).all()
    again, paid = game.step(state, np.array([0], np.int32))
    assert again == state
    assert (paid.reward[0], paid.discount[0]) == (0, 0)


def test_planes_and_text_of_a_position():
    game = Connect4(width=4, height=3)
    state, _ = play(game, "122")  # O is to move
    assert game.observe(state).planes[0].tolist() == [
        [[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]],
        [[0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]],
    ]
    assert game.text(state, 0) == ". . . .\n. X . .\nX O . .\n1 2 3 4"


def test_mirrored_moves_give_the_mirrored_position():
    game = Connect4()
    state, _ = play(game, "1223")
    mirrored, _ = play(game, "7665")
    assert game.action_map.tolist() == [[0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0]]
    transformed = game.transform(game.observe(state), 1).planes
    assert transformed.tolist() == game.observe(mirrored).planes.tolist()


def test_misspelt_games_and_options_are_told():
    with pytest.raises(ValueError, match="there is no game 'conect4'; did you mean 'connect4'"):
        make("conect4")
    with pytest.raises(ValueError, match="its options are: width, height, run"):
        make("connect4?widht=6")
