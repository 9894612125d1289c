"""A game of a training, shown move by move out of the records that the run has at hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from rich.text import Text

from selfplay.actors.harvest import parse_record
from selfplay.screens.board import Marks, board_lines
from selfplay.types import NO_ACTION, Drawn, Game

_MOVE_S, _END_S = 1.5, 4.0  # that a position is shown, and the last one


class ReplayView:
    """The latest finished game from its start, then the one that is the latest then."""

    def __init__(self, game: Game, records: Callable[[], Sequence[str]]) -> None:
        """``records``: the run's latest games, as ``parse_record`` reads them."""
        self._game, self._records = game, records
        self._moves: list[str] = []
        self._ply, self._due = 0, 0.0
        self._lines: list[Text] = []

    def lines(self, fine: bool, coloured: bool) -> list[Text]:
        """The board as it is now and which move it is after; none where no game can be drawn."""
        if not isinstance(self._game, Drawn) or time.monotonic() < self._due:
            return self._lines
        records = self._records() if self._ply >= len(self._moves) else [""]
        if not records:
            return self._lines
        try:
            return self._next(records[-1], coloured, fine)
        except ValueError:  # a regime records something else, or a game's moves are not read back
            self._moves = []
            return []

    def _next(self, newest: str, coloured: bool, fine: bool) -> list[Text]:
        last = NO_ACTION
        if self._ply >= len(self._moves):
            record = parse_record(newest)
            self._moves, self._ply = record.moves.split(), 0
            self._state = self._game.init(np.random.default_rng(record.seed), 1)
        else:
            last = self._game.parse_action(self._moves[self._ply])
            self._state, _ = self._game.step(self._state, np.array([last], np.int32))
            self._ply += 1
        board = board_lines(self._game, self._state, Marks(last), coloured, fine)
        self._lines = [*board, Text(f"move {self._ply} of {len(self._moves)}", "dim")]
        whole = self._ply == len(self._moves)
        self._due = time.monotonic() + (_END_S if whole else _MOVE_S)
        return self._lines
