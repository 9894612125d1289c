"""The law of games that say what their board looks like."""

from __future__ import annotations

from typing import Any

import numpy as np

from selfplay.checks.record import BrokenLaw, Recorded, brief, call, check_array, where
from selfplay.types import LOOKS, NO_ACTION, Board, Drawn, Game

_BESIDE = -1  # where the number of an action stands that has no cell


def boards_are_drawn(game: Game, plies: list[Recorded]) -> None:
    """One of the games at each move: cells, clicks, places and line are what Board says."""
    if not isinstance(game, Drawn):
        return
    for ply in plies:
        b = ply.number % len(ply.running)
        what = f"board in {where(b, ply.number)}"
        board: Any = call(what, game.board, ply.state, b)
        if not isinstance(board, Board):
            raise BrokenLaw(f"{what} must give a Board, but gave {brief(board)}")
        _check_arrays(game, board, what)
        if board.look not in LOOKS:
            raise BrokenLaw(f"{what}: look must be one of {LOOKS}, but is {board.look!r}")


def _check_arrays(game: Game, board: Board, what: str) -> None:
    """Shapes, types and ranges."""
    shape = getattr(board.cells, "shape", ())
    if len(shape) != 2:
        raise BrokenLaw(f"{what}: cells must be an array int8 [R, C], but is {brief(board.cells)}")
    check_array(f"{what}: cells", board.cells, shape, np.int8)
    check_array(f"{what}: clicks", board.clicks, shape, np.int32)
    check_array(f"{what}: places", board.places, (game.num_actions,), np.int32)
    last = board.cells.size - 1
    line = np.array(board.line, np.int64)
    for name, numbers, low, high in (
        ("cells", board.cells, -1, 2),
        ("clicks", board.clicks, NO_ACTION, game.num_actions - 1),
        ("places", board.places, _BESIDE, last),
        ("line", line, 0, last),
    ):
        for number in numbers[(numbers < low) | (numbers > high)].tolist():
            raise BrokenLaw(f"{what}: {name} must be from {low} to {high}, but one is {number}")
    for name, among in (("places", board.places[board.places != _BESIDE]), ("line", line)):
        for cell in among[board.cells.reshape(-1)[among] < 0].tolist():
            raise BrokenLaw(f"{what}: one of {name} is {cell}, where the board has no cell")
