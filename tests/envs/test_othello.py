"""Othello: counts of the literature, a slow reference, passes, ends, symmetries."""

from __future__ import annotations

import numpy as np
import pytest
from reference import perft

from envs.othello import Othello
from envs.othello import OthelloState as State
from selfplay.lines.keys import canonical_keys
from selfplay.stats import random_actions

GAMES = {size: Othello(size) for size in (6, 8)}
AROUND = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]


# The reference: a dictionary from squares to colours, one square at a time -----------------------


def start(size):
    low, high = size // 2 - 1, size // 2
    return {(low, low): "O", (high, high): "O", (low, high): "X", (high, low): "X"}


def enclosed(board, size, square, colour):
    """The squares whose discs turn when ``colour`` plays ``square``."""
    turned = []
    for down, right in AROUND:
        line, (row, column) = [], (square[0] + down, square[1] + right)
        while board.get((row, column), colour) != colour:
            line.append((row, column))
            row, column = row + down, column + right
        if board.get((row, column)) == colour:
            turned += line
    return turned


def playable(board, size, colour):
    squares = [(row, column) for row in range(size) for column in range(size)]
    return [s for s in squares if s not in board and enclosed(board, size, s, colour)]


def played(board, size, square, colour):
    return board | dict.fromkeys([square, *enclosed(board, size, square, colour)], colour)


def other(colour):
    return "O" if colour == "X" else "X"


def drawn(board, size, row):
    return " ".join(board.get((row, column), ".") for column in range(size))


# Positions from drawings -------------------------------------------------------------------------


def position(drawing, white=False):
    """A state from rows of X, O and dots; X is to move unless ``white``."""
    rows = drawing.split()
    boards = {
        mark: sum(
            1 << (8 * r + c) for r, row in enumerate(rows) for c, m in enumerate(row) if m == mark
        )
        for mark in "XO"
    }
    mover, waiting = np.array([[boards[mark]] for mark in ("OX" if white else "XO")], np.uint64)
    return State(mover, waiting, np.array([white]), np.array([False]))


def step(game, state, name):
    state, paid = game.step(state, np.array([game.parse_action(name)], np.int32))
    return state, (float(paid.reward[0]), float(paid.discount[0]))


def legal_names(game, state):
    return [game.action_name(int(a)) for a in np.flatnonzero(game.legal(state)[0])]


def slow_perft(board, size, colour, depth):
    """How many lines of play of length ``depth`` the reference has."""
    if depth == 0:
        return 1
    return sum(
        slow_perft(played(board, size, square, colour), size, other(colour), depth - 1)
        for square in playable(board, size, colour)
    )


# Tests -------------------------------------------------------------------------------------------


def test_lines_of_play_by_length():
    """The perft counts that programs of Othello are checked with; nobody passes so early."""
    assert perft(GAMES[8], 8) == [4, 12, 56, 244, 1_396, 8_200, 55_092, 390_216]
    assert perft(GAMES[6], 5) == [slow_perft(start(6), 6, "X", depth) for depth in range(1, 6)]


@pytest.mark.parametrize("size", [6, 8])
def test_random_games_go_as_in_the_slow_reference(size):
    """Moves, discs, turns, passes and results, in 30 games to their end."""
    game, rng = GAMES[size], np.random.default_rng(size)
    passes = 0
    for _ in range(30):
        state = game.init(rng, 1)
        board, colour, discount = start(size), "X", 1.0
        while discount:
            squares = playable(board, size, colour)
            legal = game.legal(state)
            assert legal.sum() == len(squares)
            assert all(legal[0, row * size + column] for row, column in squares)
            planes = game.observe(state).planes[0]
            assert (planes[2].reshape(-1) == legal[0]).all()
            assert state.white[0] == (colour == "O")
            text = game.text(state, 0).splitlines()
            assert [line[2:] for line in text[1:-1]] == [drawn(board, size, r) for r in range(size)]
            assert text[-1].startswith(f"{colour} to move")
            action = random_actions(legal, rng)
            board = played(board, size, divmod(int(action[0]), size), colour)
            state, paid = game.step(state, action)
            reward, discount = float(paid.reward[0]), float(paid.discount[0])
            if playable(board, size, other(colour)):
                assert (reward, discount) == (0, -1)
                colour = other(colour)
            elif playable(board, size, colour):
                assert (reward, discount) == (0, 1)
                passes += 1
            else:
                discs = list(board.values())
                margin = discs.count(colour) - discs.count(other(colour))
                assert (reward, discount) == (np.sign(margin), 0)
    assert passes > 10


def test_one_move_turns_discs_in_all_eight_directions():
    state = position(
        """X..X..X.
           .O.O.O..
           ..OOO...
           XOO.OOOX
           ..OOO...
           .O.O.O..
           X..O..X.
           ...X...."""
    )
    after, paid = step(GAMES[8], state, "d4")
    assert int(after.mover[0]) == 0  # all 19 of White's discs are turned
    assert paid == (1, 0)


def test_who_cannot_move_is_passed_over():
    """After f1 White has discs and no move; Black goes on and wipes them out."""
    game = GAMES[6]
    state = position("XXXXO. ...... ...... XXXXO. ...... ......")
    assert legal_names(game, state) == ["f1", "f4"]
    after, paid = step(game, state, "f1")
    assert paid == (0, 1)
    assert legal_names(game, after) == ["f4"]
    assert game.text(after, 0).splitlines()[-1] == "X to move, discs: X 10, O 1"
    after, paid = step(game, after, "f4")
    assert paid == (1, 0)
    assert after.over.tolist() == [True]
    assert game.text(after, 0).splitlines()[-1] == "the game is over, discs: X 12, O 0"


@pytest.mark.parametrize(
    ("drawing", "reward"),
    [
        ("XXXXO. OOOOOO OOOOOO OOOOOO OOOOOO OOOOOO", -1),  # 12 discs of 36
        ("XXXXO. XXXXXX XXXXXX OOOOOO OOOOOO OOOOOO", 0),
        ("XXXXO. XXXXXX XXXXXX XOOOOO OOOOOO OOOOOO", 1),
    ],
)
def test_who_makes_the_last_move_may_have_won_or_lost(drawing, reward):
    game = GAMES[6]
    after, paid = step(game, position(drawing), "f1")
    discs = [int(plane.sum()) for plane in game.observe(after).planes[0]]
    assert paid == (reward, 0)
    assert discs[1] + discs[0] == 36
    assert np.sign(discs[1] - discs[0]) == reward  # the other player stands first


def test_a_player_without_discs_has_lost_early():
    """The shortest game there is: nine moves, and White is wiped out."""
    game = GAMES[8]
    state = game.init(np.random.default_rng(0), 1)
    for name in ["e6", "f4", "e3", "f6", "g5", "d6", "e7", "f5", "c5"]:
        state, paid = step(game, state, name)
        assert paid == ((1, 0) if name == "c5" else (0, -1))
    assert game.text(state, 0).splitlines()[-1] == "the game is over, discs: X 13, O 0"


@pytest.mark.parametrize("size", [6, 8])
def test_squares_are_named_as_players_write_them(size):
    game, last = GAMES[size], "fh"[size // 8]
    assert game.parse_action(" D3 ") == 2 * size + 3
    for word in (
        "",
        "d",
        "d33",
        "33",
        "d0",
        f"a{size + 1}",
        f"{chr(ord(last) + 1)}1",
        "pass",
        "²1",
    ):
        with pytest.raises(ValueError, match=f"is not a square: expected a letter a to {last}"):
            game.parse_action(word)


@pytest.mark.parametrize("size", [6, 8])
def test_turned_moves_give_the_turned_position(size):
    """A line of play and its images under the eight symmetries, each with its own start."""
    game, rng = GAMES[size], np.random.default_rng(1)
    for k in range(8):
        state = game.init(rng, 1)
        # every symmetry maps the start to itself or to itself with colours swapped: play the image
        # on the boards of the image
        mine, theirs, _ = game.transform(game.observe(state), k).planes[0]
        image = position(" ".join("".join(row) for row in np.array([*".XO"])[mine + 2 * theirs]))
        for _ in range(20):
            legal = game.legal(state)
            action = random_actions(legal, rng)
            assert (game.legal(image)[:, game.action_map[k]] == legal).all()
            state, paid = game.step(state, action)
            image, paid_too = game.step(image, game.action_map[k][action])
            assert paid == paid_too
            turned = game.transform(game.observe(state), k).planes
            assert (turned == game.observe(image).planes).all()
            assert canonical_keys(game, state) == canonical_keys(game, image)
    assert len(np.unique(game.action_map, axis=0)) == 8


@pytest.mark.parametrize("size", [4, 7, 10, 99_999_999, "big", 6.0])
def test_impossible_boards_are_refused(size):
    with pytest.raises(ValueError, match="othello is played on size 6 or 8; got size"):
        Othello(size)
