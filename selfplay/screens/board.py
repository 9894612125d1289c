"""A board in characters: coloured where the console has colours, ASCII where nothing else is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from rich.text import Text

from selfplay.types import NO_ACTION, Board, Drawn, Game, State


class Marks(NamedTuple):
    """What is marked on a board."""

    last: int = NO_ACTION  # the move that led here
    legal: tuple[int, ...] = ()  # actions
    chosen: int = NO_ACTION  # with the arrow keys


class _Colours(NamedTuple):
    ground: str
    other: str  # of every second cell
    first: str
    second: str
    empty: str
    may: str  # where a move is possible
    chosen: str  # ground of the chosen cell


_LOOKS = {  # of types.LOOKS; a game drawn by its text has no ground
    "holes": _Colours("#1d4ed8", "#1d4ed8", "#ff5a4f", "#ffd43b", "#16307e", "#3b6fe8", "#93c5fd"),
    "discs": _Colours("#15803d", "#137336", "#0b0f14", "#ffffff", "#137336", "#86efac", "#4ade80"),
    "marks": _Colours("#1f2937", "#27344a", "#ff8a80", "#8ab4f8", "#4b5563", "#9ca3af", "#6b7280"),
}
_MARK = "bold #ffffff"  # of the brackets
_DISC, _DOT, _NOTHING = ("▟██▙", "▜██▛"), (" ▄▄ ", " ▀▀ "), ("    ", "    ")
_CROSS, _NOUGHT = (" ╲╱ ", " ╱╲ "), ("╭──╮", "╰──╯")
LARGE = "".join((*_DISC, *_DOT, *_CROSS, *_NOUGHT))  # what the output must have for large cells


def board_lines(
    game: Game,
    state: State,
    marks: Marks,
    coloured: bool = True,
    fine: bool = True,
    large: bool = False,
) -> list[Text]:
    """Position 0 of ``state``, a line a row: ``(X)`` the last move, ``[X]`` a line that won.

    ``coloured``: whether colours tell pieces apart; ``fine``: whether more than ASCII is shown;
    ``large``: cells of 6 x 2 characters in place of 3 x 1, where both of these hold.
    A game that draws no board is drawn by its text, in which no cell can be marked.
    """
    board = game.board(state, 0) if isinstance(game, Drawn) else None
    if board is None or board.look not in _LOOKS:
        return _text_lines(game, state)
    across, down = labels(game, board)
    margin = max(map(len, down), default=0)
    large = large and coloured and fine
    lines = []
    for row in range(board.cells.shape[0]):
        for part in range(1 + large):
            name = f"{'' if part else down[row]:>{margin}} " if margin else ""
            line = Text(no_wrap=True).append(name, "dim")
            for column in range(board.cells.shape[1]):
                seen = _seen(board, (row, column), marks)
                line.append_text(
                    _large_cell(board, (row, column), seen, part)
                    if large
                    else _cell(board, (row, column), seen, coloured, fine)
                )
            lines.append(line)
    if any(across):
        below = "".join(f"{name:^{6 if large else 3}}" for name in across)
        lines.append(Text(" " * (margin + 1 if margin else 0) + below, no_wrap=True))
    return lines


def labels(game: Game, board: Board) -> tuple[list[str], list[str]]:
    """The names of the columns and of the rows, "" where their actions' names say none.

    A column is called as its one action, or by the letter that all its actions begin with; a row
    by what follows that letter in all of its.
    """
    rows, columns = board.cells.shape
    names = [
        [game.action_name(int(action)) if action != NO_ACTION else "" for action in line]
        for line in board.clicks
    ]
    beside = [{names[row][column] for row in range(rows)} for column in range(columns)]
    if all(len(each) == 1 for each in beside):
        return [next(iter(each))[:3] for each in beside], [""] * rows
    first = [{name[:1] for name in each if name} for each in beside]
    rest = [{name[1:] for name in line if name} for line in names]
    if all(len(each) == 1 for each in (*first, *rest)):
        return [next(iter(each)) for each in first], [next(iter(each))[:3] for each in rest]
    return [""] * columns, [""] * rows


def last_cell(board: Board, action: int) -> tuple[int, int] | None:
    """Where the piece of the last move stands: the first, row by row, of those of ``action``."""
    places = np.argwhere((board.clicks == action) & (board.cells > 0))
    if action == NO_ACTION or not len(places):
        return None
    return int(places[0, 0]), int(places[0, 1])


def cell_of(board: Board, action: int) -> tuple[int, int] | None:
    """Where a number about ``action`` stands; None beside the board."""
    place = int(board.places[action])
    return None if place < 0 else divmod(place, board.cells.shape[1])


class _Seen(NamedTuple):
    """What is marked of a cell."""

    may: bool
    chosen: bool
    last: bool
    won: bool

    @property
    def brackets(self) -> tuple[str, str]:
        if self.won:
            return "[", "]"
        if self.last:
            return "(", ")"
        return (">", "<") if self.chosen else (" ", " ")


def _seen(board: Board, at: tuple[int, int], marks: Marks) -> _Seen:
    return _Seen(
        any(cell_of(board, action) == at for action in marks.legal),
        marks.chosen != NO_ACTION and cell_of(board, marks.chosen) == at,
        marks.last != NO_ACTION and last_cell(board, marks.last) == at,
        at[0] * board.cells.shape[1] + at[1] in board.line,
    )


def _cell(board: Board, at: tuple[int, int], seen: _Seen, coloured: bool, fine: bool) -> Text:
    """Three characters: the piece between what marks it."""
    piece = int(board.cells[at])
    if piece < 0:
        return Text("   ")
    discs = coloured and fine and board.look != "marks"
    if piece:
        glyph = "●" if discs else "XO"[piece - 1]
    elif board.look == "holes" and discs:
        glyph = "●"
    elif seen.may:
        glyph = "•" if fine else "+"
    else:
        glyph = "·" if fine else "."
    left, right = seen.brackets
    if not coloured:
        return Text(left + glyph + right, style="bold" if seen.won or seen.last else "")
    front, ground = _paint(board, at, seen)
    return Text.assemble(
        (left, f"{_MARK} on {ground}"),
        (glyph, f"bold {front} on {ground}"),
        (right, f"{_MARK} on {ground}"),
    )


def _large_cell(board: Board, at: tuple[int, int], seen: _Seen, part: int) -> Text:
    """The upper (``part`` 0) or the lower half of a cell of 6 x 2 characters."""
    piece = int(board.cells[at])
    if piece < 0:
        return Text(" " * 6)
    if piece:
        shape = _DISC if board.look != "marks" else (_CROSS, _NOUGHT)[piece - 1]
    elif board.look == "holes":
        shape = _DISC
    else:
        shape = _DOT if seen.may else _NOTHING
    front, ground = _paint(board, at, seen)
    left, right = seen.brackets
    return Text.assemble(
        (left, f"{_MARK} on {ground}"),
        (shape[part], f"{front} on {ground}"),
        (right, f"{_MARK} on {ground}"),
    )


def _paint(board: Board, at: tuple[int, int], seen: _Seen) -> tuple[str, str]:
    """The colours of what is in a cell, and behind it."""
    look, piece = _LOOKS[board.look], int(board.cells[at])
    ground = look.chosen if seen.chosen else (look.ground, look.other)[sum(at) % 2]
    front = (look.first, look.second)[piece - 1] if piece else look.may if seen.may else look.empty
    return front, ground


def _text_lines(game: Game, state: State) -> list[Text]:
    text = Text(game.text(state, 0), no_wrap=True)
    text.highlight_regex(r"(?<!\S)[Xx](?!\S)", "bold red")
    text.highlight_regex(r"(?<!\S)[Oo](?!\S)", "bold yellow")
    return list(text.split("\n"))
