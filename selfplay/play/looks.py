"""How boards and pieces look: SVG of each look, in cells of 100 units.

Colours are CSS variables, ``--board-NAME``, with the theme's own colour to fall back on.  Nothing
is told by hue alone: pieces differ in brightness and in what is embossed on them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

CELL = 100  # units of a cell's side
COLOURS = {  # name: (light, dark)
    "ink": ("#1b2430", "#e6ebf2"),  # text and lines on the page
    "paper": ("#fbfaf7", "#1b2129"),  # behind it
    "frame": ("#2f6bd0", "#27549f"),  # Connect Four
    "frame-deep": ("#1f4c9c", "#1a3a72"),
    "hole": ("#e9eff8", "#121a28"),
    "label": ("#f4f7ff", "#d5deee"),  # on a frame
    "first": ("#d7372b", "#cf3d33"),
    "first-deep": ("#a31d18", "#96221d"),
    "second": ("#ffd23c", "#f2c437"),
    "second-deep": ("#d99a0b", "#c28a10"),
    "felt": ("#2f8f5b", "#2a7a4f"),  # Othello
    "felt-deep": ("#217345", "#1d5c3a"),
    "rim": ("#3a2c22", "#2b211a"),
    "black": ("#3d434b", "#343a42"),
    "black-deep": ("#0e1115", "#07090b"),
    "white": ("#ffffff", "#f3f3ee"),
    "white-deep": ("#cfd3d6", "#bcc1c3"),
    "cross": ("#b3261e", "#ff8a80"),  # tic-tac-toe
    "nought": ("#1f5fbf", "#8ab4f8"),
    "last": ("#ffffff", "#ffffff"),  # the ring of the last move, on a dark one
    "edge": ("#10151c", "#0a0d12"),
    "chip": ("#ffffff", "#f1f4f8"),  # numbers
    "chip-ink": ("#15202c", "#15202c"),
    "best": ("#10151c", "#0a0d12"),
    "best-ink": ("#ffffff", "#ffffff"),
}


class Colours:
    """The colours of one theme, "light" or "dark"."""

    def __init__(self, theme: str) -> None:
        self._column = ("light", "dark").index(theme)

    def __call__(self, name: str) -> str:
        return f"var(--board-{name}, {COLOURS[name][self._column]})"


def variables(theme: str) -> str:
    """CSS that sets all colours to those of ``theme``, for a page's style sheet."""
    column = ("light", "dark").index(theme)
    return " ".join(f"--board-{name}: {pair[column]};" for name, pair in COLOURS.items())


class Look(Protocol):
    """What one kind of board is drawn with; x and y are the middle of a cell.

    ``margin``: units beside the cells.  ``paint`` turns a name of COLOURS or of a gradient into
    what stands in ``fill`` and ``stroke``.
    """

    margin: int
    label: str  # the colour of labels in the margin
    ring: int  # radius of the ring around the last move

    def gradients(self) -> dict[str, tuple[str, str]]:
        """Names of shadings, with the colours of their light and their dark end."""

    def ground(self, rows: int, columns: int) -> str:
        """The board without cells; its cells begin at 0, 0."""

    def cell(self, x: float, y: float) -> str: ...

    def piece(self, side: int, x: float, y: float) -> str: ...


def _circle(x: float, y: float, radius: float, attributes: str) -> str:
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" {attributes}/>'


def _box(x: float, y: float, width: float, height: float, attributes: str) -> str:
    size = f'width="{width:g}" height="{height:g}"'
    return f'<rect x="{x:g}" y="{y:g}" {size} {attributes}/>'


class _Painted:
    def __init__(self, colours: Colours, mark: str) -> None:
        """``mark`` tells the gradients of this picture from those of others in a page."""
        self._colours, self._mark = colours, mark

    def _shade(self, name: str) -> str:
        return f"url(#{name}-{self._mark})"


class Holes(_Painted):
    """Connect Four: an upright board with round holes that discs fall behind."""

    margin, label, ring = 52, "label", 34

    def gradients(self) -> dict[str, tuple[str, str]]:
        return {name: (name, f"{name}-deep") for name in ("frame", "first", "second")}

    def ground(self, rows: int, columns: int) -> str:
        edge, wide, high = self.margin - 8, CELL * columns, CELL * rows
        stroke = f'stroke="{self._colours("frame-deep")}" stroke-width="6"'
        return _box(
            -edge, -edge, wide + 2 * edge, high + 2 * edge,
            f'rx="46" fill="{self._shade("frame")}" {stroke}',
        )  # fmt: skip

    def cell(self, x: float, y: float) -> str:
        hole = _circle(x, y, 42, f'fill="{self._colours("hole")}"')
        return hole + self._rim(x, y)

    def _rim(self, x: float, y: float) -> str:
        """The edge of the hole, in shadow above and lit below."""
        arc = f'M{x - 42:g} {y:g}a42 42 0 0 {{}} 84 0" fill="none" stroke-width="5"'
        dark = f'<path d="{arc.format(1)} stroke="{self._colours("edge")}" opacity="0.38"/>'
        light = f'<path d="{arc.format(0)} stroke="{self._colours("label")}" opacity="0.38"/>'
        return dark + light

    def piece(self, side: int, x: float, y: float) -> str:
        name = ("first", "second")[side]
        deep = f'stroke="{self._colours(f"{name}-deep")}"'
        disc = _circle(x, y, 40, f'fill="{self._shade(name)}" {deep} stroke-width="3"')
        ring = _circle(x, y, 28, f'fill="none" {deep} stroke-width="4" opacity="0.75"')
        if side == 0:
            return disc + ring + self._rim(x, y)
        dot = f'fill="{self._colours(f"{name}-deep")}" opacity="0.8"'
        return disc + ring + _circle(x, y, 9, dot) + self._rim(x, y)


class Discs(_Painted):
    """Othello: green felt, black and white discs."""

    margin, label, ring = 46, "label", 34

    def gradients(self) -> dict[str, tuple[str, str]]:
        return {name: (name, f"{name}-deep") for name in ("felt", "black", "white")}

    def ground(self, rows: int, columns: int) -> str:
        edge, wide, high = self.margin, CELL * columns, CELL * rows
        rim = f'rx="18" fill="{self._colours("rim")}"'
        parts = [
            _box(-edge, -edge, wide + 2 * edge, high + 2 * edge, rim),
            _box(0, 0, wide, high, f'fill="{self._shade("felt")}"'),
        ]
        across = [f"M0 {CELL * row}h{wide}" for row in range(rows + 1)]
        down = [f"M{CELL * column} 0v{high}" for column in range(columns + 1)]
        line = f'stroke="{self._colours("edge")}" stroke-width="2.5" opacity="0.55"'
        parts.append(f'<path d="{"".join(across + down)}" fill="none" {line}/>')
        if min(rows, columns) > 4:  # the four points that help to count
            parts += [
                _circle(x, y, 7, f'fill="{self._colours("edge")}" opacity="0.7"')
                for x in (2 * CELL, wide - 2 * CELL)
                for y in (2 * CELL, high - 2 * CELL)
            ]
        return "".join(parts)

    def cell(self, x: float, y: float) -> str:
        return ""

    def piece(self, side: int, x: float, y: float) -> str:
        name = ("black", "white")[side]
        shadow = _circle(x + 2, y + 5, 41, f'fill="{self._colours("edge")}" opacity="0.35"')
        edge = f'stroke="{self._colours(f"{name}-deep")}" stroke-width="2"'
        return shadow + _circle(x, y, 41, f'fill="{self._shade(name)}" {edge}')


class Marks(_Painted):
    """Tic-tac-toe, and games that are drawn as characters: crosses and noughts on paper."""

    margin, label, ring = 30, "ink", 43

    def gradients(self) -> dict[str, tuple[str, str]]:
        return {}

    def ground(self, rows: int, columns: int) -> str:
        edge, wide, high = self.margin, CELL * columns, CELL * rows
        page = f'rx="18" fill="{self._colours("paper")}"'
        across = [f"M6 {CELL * row}h{wide - 12}" for row in range(1, rows)]
        down = [f"M{CELL * column} 6v{high - 12}" for column in range(1, columns)]
        line = f'stroke="{self._colours("ink")}" stroke-width="5" stroke-linecap="round"'
        grid = f'<path d="{"".join(across + down)}" fill="none" {line} opacity="0.55"/>'
        return _box(-edge, -edge, wide + 2 * edge, high + 2 * edge, page) + grid

    def cell(self, x: float, y: float) -> str:
        return ""

    def piece(self, side: int, x: float, y: float) -> str:
        stroke = 'fill="none" stroke-width="13" stroke-linecap="round"'
        if side:
            return _circle(x, y, 28, f'{stroke} stroke="{self._colours("nought")}"')
        cross = f"M{x - 26:g} {y - 26:g}l52 52m0 -52l-52 52"
        return f'<path d="{cross}" {stroke} stroke="{self._colours("cross")}"/>'


LOOK_OF: dict[str, Callable[[Colours, str], Look]] = {
    "holes": Holes,
    "discs": Discs,
    "marks": Marks,
}
