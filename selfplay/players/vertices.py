"""Actions as other programs write them: GTP's vertices on boards of points, else the game's names.

Source: "GTP - Go Text Protocol, version 2, draft 2", section 2.11.  Columns are letters without I,
rows are numbers from the bottom.  Where a game itself names its points, as Othello's d3, its
numbers count: a vertex and a name are the same then, and row 1 stands at the bottom all the same.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay.types import NO_ACTION, Board, Drawn, Game, State

COLUMNS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
_VERTEX = re.compile(r"([A-HJ-Z])([1-9][0-9]?)")
_OWN = re.compile(r"([a-z])([1-9][0-9]?)")


class Vertices:
    """How the actions of a game are written in positions of it."""

    def __init__(self, game: Game) -> None:
        self._game = game
        self.shape: tuple[int, int] | None = None  # rows and columns, where there is a board
        self._upward = False  # the game's own rows count from the top, so its top is the bottom
        if isinstance(game, Drawn):
            board = game.board(game.init(np.random.default_rng(0), 1), 0)
            rows, columns = board.cells.shape
            if columns <= len(COLUMNS) and rows < 100 and board.look != "text":
                self.shape = rows, columns
                self._upward = all(
                    _own_point(game.action_name(int(action))) == (row, column)
                    for (row, column), action in np.ndenumerate(board.clicks)
                    if action != NO_ACTION
                )

    def board(self, state: State) -> Board:
        """The position as data; only where there is a board."""
        assert isinstance(self._game, Drawn)
        return self._game.board(state, 0)

    def from_top(self, cells: NDArray[Any]) -> NDArray[Any]:
        """[R, C], the rows of a board as they stand below one another."""
        return cells[::-1] if self._upward else cells

    def point(self, row: int, column: int) -> str:
        """The vertex of a cell of a board."""
        assert self.shape is not None
        return f"{COLUMNS[column]}{row + 1 if self._upward else self.shape[0] - row}"

    def write(self, state: State, action: int) -> str:
        """The vertex at which ``action`` is played, else its own name."""
        if self.shape is not None:
            board = self.board(state)
            place = int(board.places[action])
            if place >= 0 and board.clicks.flat[place] == action:
                return self.point(*divmod(place, self.shape[1]))
        return self._game.action_name(action)

    def read(self, state: State, text: str) -> int:
        """The action that ``text`` means, legal or not; ValueError with a sentence."""
        told = _VERTEX.fullmatch(text.strip().upper())
        if self.shape is None or told is None:
            return self._game.parse_action(text)
        rows, columns = self.shape
        column, number = COLUMNS.index(told[1]), int(told[2])
        row = number - 1 if self._upward else rows - number
        if column >= columns or not 0 <= row < rows:
            last = f"{COLUMNS[columns - 1]}{rows}"
            raise ValueError(f"{told[0]} is not on the board, which goes from A1 to {last}")
        board = self.board(state)
        if board.clicks[row, column] == NO_ACTION or board.cells[row, column] != 0:
            raise ValueError(f"nothing can be played at {told[0]}")
        return int(board.clicks[row, column])


def _own_point(name: str) -> tuple[int, int] | None:
    """Row from the top and column of a name such as d3, None if it is none."""
    told = _OWN.fullmatch(name)
    return (int(told[2]) - 1, ord(told[1]) - ord("a")) if told else None
