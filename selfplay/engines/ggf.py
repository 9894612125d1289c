"""GGF: a game of Othello in one line, as NBoard and the servers of Othello write it.

Source: Buro, "Generic Game Format (GGF)"; Welty, "NBoard Protocol".  BO is the size of the board,
its squares row by row from a1 ("*" black, "O" white, "-" empty) and who is to move; B and W are
moves with an evaluation and a time behind slashes, PA is a pass.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from envs.othello import Othello, OthelloState
from selfplay.play.variations import Position

LONGEST = 20_000  # signs of a game
_PROPERTY = re.compile(r"([A-Z]{1,2})\[([^\]]*)\]")
_SQUARES = {"*": 0, "X": 0, "O": 1, "-": None, ".": None}


class Ggf(NamedTuple):
    """A game as told."""

    start: Position
    moves: list[tuple[int, str]]  # side, 0 for black, and the square in small letters or "pass"


def read_ggf(text: str, game: Othello) -> Ggf:
    """The game of a line; ValueError with a sentence where it is none of ``game``."""
    if len(text) > LONGEST:
        raise ValueError(f"a game in GGF has at most {LONGEST:,} signs; this has {len(text):,}")
    told = _PROPERTY.findall(text)
    properties = dict(reversed(told))  # the first counts
    if properties.get("GM", "Othello").casefold() != "othello":
        raise ValueError(f"GM[{properties['GM'][:20]}] is not Othello")
    if "BO" not in properties:
        raise ValueError("a game in GGF begins with a board, BO[8 ...]")
    moves = [("BW".index(name), _square(value)) for name, value in told if name in ("B", "W")]
    return Ggf(_start(properties["BO"], game), moves)


def read_move(text: str) -> str:
    """The square of ``E6/0.5/1.2`` in small letters, or "pass"."""
    return _square(text)


def _square(text: str) -> str:
    word = text.partition("/")[0].strip().lower()
    return "pass" if word in ("pa", "pass", "--", "ps") else word


def _start(board: str, game: Othello) -> Position:
    size, _, rest = board.strip().partition(" ")
    signs = "".join(rest.split())
    squares, turn = signs[:-1], signs[-1:]
    if size != str(game.size) or len(squares) != game.num_actions:
        raise ValueError(f"BO[{board[:40]}]: {game.name} has {game.size} x {game.size} squares")
    if turn not in ("*", "O") or any(sign not in _SQUARES for sign in squares):
        raise ValueError(f"BO[{board[:40]}]: squares are *, O or -, and then * or O is to move")
    bits = [0, 0]
    for square, sign in enumerate(squares):
        if (side := _SQUARES[sign]) is not None:
            row, column = divmod(square, game.size)
            bits[side] |= 1 << (8 * row + column)
    mover = int(turn == "O")
    for side in (mover, 1 - mover):  # who has no move is passed over
        state = OthelloState(
            np.array([bits[side]], np.uint64), np.array([bits[1 - side]], np.uint64),
            np.array([side == 1]), np.array([False]),
        )  # fmt: skip
        if game.legal(state).any():
            return Position(state, side, False, (0.0, 0.0))
    over = state._replace(over=np.array([True]))
    margin = float(np.sign(bits[0].bit_count() - bits[1].bit_count()))
    return Position(over, mover, True, (margin, -margin))
