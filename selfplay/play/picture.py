"""What the parts of one picture of a board share: where cells lie, colours, words and rings."""

from __future__ import annotations

from html import escape

from selfplay.play.looks import CELL, LOOK_OF, Colours, Look
from selfplay.system.printable import printable
from selfplay.types import Board, Game


class Picture:
    """What the parts of one picture share."""

    def __init__(self, game: Game, board: Board, theme: str, mark: str) -> None:
        self.game, self.board, self.colours = game, board, Colours(theme)
        self.rows, self.columns = board.cells.shape
        self.look: Look = LOOK_OF[board.look](self.colours, mark)

    def middle(self, cell: int) -> tuple[float, float]:
        """x and y of a cell's middle."""
        row, column = divmod(cell, self.columns)
        return (column + 0.5) * CELL, (row + 0.5) * CELL


def words_svg(
    colours: Colours, x: float, y: float, words: str, size: float, colour: str, more: str = ""
) -> str:
    """Words whose middle is x, y; ``more``: further attributes."""
    place = f'x="{x:g}" y="{y + 0.355 * size:.4g}" font-size="{size:g}"'
    anchor = "" if "text-anchor" in more else ' text-anchor="middle"'
    style = f'fill="{colours(colour)}" pointer-events="none" {more}'
    return f"<text {place}{anchor} {style}>{escape(printable(words))}</text>"


def ring_svg(picture: Picture, cell: int, radius: float, name: str) -> str:
    """A ring around the middle of a cell, light on dark; ``name``: its class."""
    x, y = picture.middle(cell)
    circle = f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="none"'
    return (
        f'<g class="{name}">{circle} stroke="{picture.colours("edge")}" stroke-width="13"/>'
        f'{circle} stroke="{picture.colours("last")}" stroke-width="7"/></g>'
    )
