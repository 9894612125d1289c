"""Boards in characters."""

from __future__ import annotations

import numpy as np
from rich.text import Text

from envs.connect4 import Connect4
from envs.othello import Othello
from envs.tictactoe import TicTacToe
from envs.toys import Nim
from selfplay.screens.board import Marks, board_lines, labels
from selfplay.types import Game, State


def after(game: Game, *actions: int) -> State:
    state = game.init(np.random.default_rng(0), 1)
    for action in actions:
        state, _ = game.step(state, np.array([action], np.int32))
    return state


def plain(lines: list[Text]) -> list[str]:
    return [line.plain.rstrip() for line in lines]


def test_without_colours_marks_are_characters() -> None:
    game = Connect4(4, 3, 3)
    state = after(game, 0, 1, 0)
    marks = Marks(last=0, legal=(0, 1, 2, 3), chosen=2)
    assert plain(board_lines(game, state, marks, coloured=False, fine=False)) == [
        " +  .  .  .",
        "(X) +  .  .",
        " X  O >+< +",
        " 1  2  3  4",
    ]


def test_the_line_that_won_is_marked() -> None:
    game = Connect4(4, 3, 3)
    state = after(game, 0, 1, 0, 1, 0)
    lines = plain(board_lines(game, state, Marks(last=0), coloured=False, fine=False))
    assert [line[:6] for line in lines] == ["[X] . ", "[X] O ", "[X] O ", " 1  2 "]


def test_rows_and_columns_are_called_as_their_moves() -> None:
    game = Othello()
    board = game.board(after(game), 0)
    assert labels(game, board) == (list("abcdefgh"), list("12345678"))
    lines = plain(board_lines(game, after(game), Marks(), coloured=False, fine=False))
    assert lines[3] == "4  .  .  .  O  X  .  .  ."
    assert lines[8] == "   a  b  c  d  e  f  g  h"
    tictactoe = TicTacToe()
    assert labels(tictactoe, tictactoe.board(after(tictactoe), 0))[0] == [""] * 3


def test_in_colours_the_pieces_differ_by_them() -> None:
    game = Connect4(4, 3, 3)
    state = after(game, 0, 1)
    small = board_lines(game, state, Marks(last=1))
    assert small[2].plain == " ● (●) ●  ● "
    styles = [str(span.style) for span in small[2].spans]
    assert "bold #ff5a4f on #1d4ed8" in styles  # who moved first
    assert "bold #ffd43b on #1d4ed8" in styles
    large = board_lines(game, state, Marks(last=1), large=True)
    assert len(large) == 2 * 3 + 1
    assert large[4].plain == " ▟██▙ (▟██▙) ▟██▙  ▟██▙ "
    assert large[6].plain.split() == ["1", "2", "3", "4"]


def test_a_game_that_draws_no_board_shows_its_text() -> None:
    game = Nim(5)
    assert plain(board_lines(game, after(game), Marks())) == game.text(after(game), 0).split("\n")
