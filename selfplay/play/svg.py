"""Positions as SVG: the board, the last move, the winning line, and numbers about the moves.

One file holds all of it, and no script.  Cells that mean a move carry ``data-action``; colours are
CSS variables with fall-backs (looks.py), so a page's theme reaches them, and ``plain`` puts the
fall-backs in their place for programs that know no variables.
"""

from __future__ import annotations

import re
import zlib
from html import escape
from itertools import pairwise

import numpy as np

from selfplay.play.layers import Layer, chips_svg, is_numbered, number_words, numbered_actions
from selfplay.play.looks import CELL, LOOK_OF, Colours
from selfplay.play.picture import Picture, ring_svg, words_svg
from selfplay.screens.board import labels
from selfplay.system.printable import printable
from selfplay.types import NO_ACTION, Board, Bool, Drawn, Game, State

__all__ = ["Layer", "board_svg", "plain"]

FONT = "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
MONO = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
_BUTTON, _STRIP = 220, 64  # units: a button's width, the height of a row beneath the board
_MOVES = 8  # of a game of text that numbers are told of


def board_svg(
    game: Game,
    state: State,
    last: int = NO_ACTION,
    layer: Layer | None = None,
    legal: bool = False,
    theme: str = "light",
    caption: str = "",
) -> str:
    """Position 0 of ``state`` as one SVG element.

    ``last``: the action that led there.  ``legal`` marks where the player to move may play, and is
    for positions that are not over.  ``theme``, light or dark: whose colours are fallen back on.
    ``caption``: a line beneath.
    """
    board = game.board(state, 0) if isinstance(game, Drawn) else None
    if board is None or board.look not in LOOK_OF:
        return _text_svg(game, state, last, layer, Colours(theme), caption)
    picture = Picture(game, board, theme, "MARK")
    body = _draw(picture, state, last, layer, legal, caption)
    return body.replace("MARK", f"{zlib.crc32(body.encode()):08x}")


def plain(svg: str) -> str:
    """The same with colours in the place of variables."""
    return re.sub(r"var\(--[\w-]+, ([^()]*)\)", r"\1", svg)


def _draw(
    picture: Picture, state: State, last: int, layer: Layer | None, legal: bool, caption: str
) -> str:
    board, look = picture.board, picture.look
    may = picture.game.legal(state)[0] & legal
    here = [cell for cell in range(board.cells.size) if board.cells.flat[cell] >= 0]
    held = [cell for cell in here if board.cells.flat[cell] > 0]
    marks = [cell for cell in _targets(board, may) if not is_numbered(board, layer, cell)]
    below, height = _below(picture, may, layer, caption)
    parts = [
        _definitions(picture),
        look.ground(picture.rows, picture.columns),
        *_labels(picture),
        *(look.cell(*picture.middle(cell)) for cell in here),
        *(look.piece(int(board.cells.flat[cell]) - 1, *picture.middle(cell)) for cell in held),
        *(_mark(picture, cell) for cell in marks),
        *_winning(picture),
        *_last(picture, last),
        *chips_svg(picture, layer),
        *(_hit(picture, cell, may) for cell in here),
        below,
    ]
    edge, wide = look.margin, CELL * picture.columns
    high = CELL * picture.rows + 2 * edge + height
    about = f"{picture.game.name}: {layer.name}" if layer else picture.game.name
    return _svg(f"{-edge} {-edge} {wide + 2 * edge} {high}", about, FONT, "".join(parts))


def _svg(box: str, title: str, font: str, body: str) -> str:
    name = f'aria-label="{escape(printable(title))}" font-family="{font}"'
    start = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" class="board" role="group"'
    return f"{start} {name}>{body}</svg>"


def _definitions(picture: Picture) -> str:
    """The shadings, lit from above on the left."""
    shades = []
    for name, ends in picture.look.gradients().items():
        stops = "".join(
            f'<stop offset="{offset}" stop-color="{picture.colours(end)}"/>'
            for offset, end in zip((0.35, 1), ends, strict=True)
        )
        where = 'cx="0.36" cy="0.3" r="0.85"'
        shades.append(f'<radialGradient id="{name}-MARK" {where}>{stops}</radialGradient>')
    return f"<defs>{''.join(shades)}</defs>" if shades else ""


def _labels(picture: Picture) -> list[str]:
    """What columns and rows are called, where the names of actions say it."""
    columns, rows = labels(picture.game, picture.board)
    edge, middle = picture.look.margin / 2, CELL / 2
    down = picture.rows * CELL + edge - 3
    places = [(column * CELL + middle, down, word) for column, word in enumerate(columns)]
    places += [(-edge, row * CELL + middle, word) for row, word in enumerate(rows)]
    colour = picture.look.label
    return [
        words_svg(picture.colours, x, y, word, 27, colour, 'class="label"')
        for x, y, word in places
        if word
    ]


def _targets(board: Board, may: Bool) -> list[int]:
    """The empty cells where a legal move comes to stand."""
    places = {int(place) for place in board.places[may] if place >= 0}
    return sorted(place for place in places if board.cells.flat[place] == 0)


def _mark(picture: Picture, cell: int) -> str:
    """A dot, dark with a light edge: seen on any board."""
    x, y = picture.middle(cell)
    inside = f'fill="{picture.colours("edge")}" stroke="{picture.colours("last")}"'
    look = f'{inside} stroke-width="3" opacity="0.5" class="legal"'
    return f'<circle cx="{x:g}" cy="{y:g}" r="11" {look}/>'


def _last(picture: Picture, last: int) -> list[str]:
    """A ring around the piece that was played last: light on dark."""
    board = picture.board
    if last == NO_ACTION:
        return []
    played = np.flatnonzero((board.clicks == last) & (board.cells > 0))[:1].tolist()
    return [ring_svg(picture, cell, picture.look.ring, "last-move") for cell in played]


def _winning(picture: Picture) -> list[str]:
    """A stroke through the line that won; rings where the cells are of more than one."""
    line = picture.board.line
    steps = {b - a for a, b in pairwise(line)}
    if len(steps) != 1:
        return [ring_svg(picture, cell, 22, "winning") for cell in line]
    (x, y), (right, down) = picture.middle(line[0]), picture.middle(line[-1])
    stroke = f'<path d="M{x:g} {y:g}L{right:g} {down:g}" stroke-linecap="round"'
    return [
        f'<g class="winning">{stroke} stroke="{picture.colours("edge")}" stroke-width="20"/>'
        f'{stroke} stroke="{picture.colours("last")}" stroke-width="12"/></g>'
    ]


def _hit(picture: Picture, cell: int, may: Bool) -> str:
    """What a click on the cell hits, and what a screen reader reads."""
    action = int(picture.board.clicks.flat[cell])
    row, column = divmod(cell, picture.columns)
    piece = ("empty", "first player's", "second player's")[picture.board.cells.flat[cell]]
    square = f'x="{column * CELL}" y="{row * CELL}" width="{CELL}" height="{CELL}"'
    means = name = ""
    if action != NO_ACTION:
        means = f' data-action="{action}"' + (' data-legal="" role="button"' if may[action] else "")
        name = f"{picture.game.action_name(action)}, "
    label = escape(printable(f"{name}{piece}"))
    words = f'class="cell" data-cell="{cell}"{means} aria-label="{label}"'
    return f'<rect {square} fill="transparent" {words}/>'


def _below(picture: Picture, may: Bool, layer: Layer | None, caption: str) -> tuple[str, float]:
    """Buttons for actions that have no place on the board (a pass), and the caption; its height."""
    left, top = -picture.look.margin, CELL * picture.rows + picture.look.margin
    width = CELL * picture.columns + 2 * picture.look.margin
    numbered = numbered_actions(layer) if layer else []
    beside = [a for a in numbered if picture.board.places[a] < 0]
    beside += [a for a in np.flatnonzero(may).tolist() if picture.board.places[a] < 0]
    buttons = list(dict.fromkeys(beside))[: max(1, width // _BUTTON)]  # as there is room for
    parts = [
        _button(picture, a, layer if a in numbered else None, left + _BUTTON * k, top + 8)
        for k, a in enumerate(buttons)
    ]
    height = _STRIP if buttons else 0
    if caption:
        y, middle = top + height, left + width / 2
        paper = f'fill="{picture.colours("paper")}" rx="14"'
        size = min(27.0, (width - 40) / (0.54 * len(caption)))
        box = f'<rect x="{left}" y="{y + 8}" width="{width}" height="{_STRIP - 12}" {paper}/>'
        words = words_svg(picture.colours, middle, y + 34, caption, size, "ink")
        parts, height = [*parts, box, words], height + _STRIP
    return "".join(parts), height


def _button(picture: Picture, action: int, layer: Layer | None, x: float, y: float) -> str:
    name = picture.game.action_name(action)
    number = number_words(layer, action, picture.game.num_players == 2) if layer else ""
    fill, ink = ("best", "best-ink") if layer and action == layer.best else ("chip", "chip-ink")
    box = f'x="{x:g}" y="{y:g}" width="{_BUTTON - 16}" height="52" rx="14"'
    style = f'fill="{picture.colours(fill)}" stroke="{picture.colours("edge")}" stroke-width="2"'
    means = f'class="cell" data-action="{action}" role="button"'
    label = f'aria-label="{escape(printable(name))}"'
    middle, bold = x + _BUTTON / 2 - 8, 'font-weight="700"'
    words = words_svg(picture.colours, middle, y + 26, f"{name} {number}".strip(), 27, ink, bold)
    return f"<rect {box} {style} {means} {label}/>{words}"


def _text_svg(
    game: Game, state: State, last: int, layer: Layer | None, colours: Colours, caption: str
) -> str:
    """The text of the position, with the last move and the numbers beneath."""
    lines = printable(game.text(state, 0)).expandtabs().split("\n")
    if last != NO_ACTION:
        lines += ["", f"played: {game.action_name(last)}"]
    if layer:
        names = {a: game.action_name(a) for a in numbered_actions(layer)[:_MOVES]}
        longest = max(map(len, names.values()), default=0)
        lines += ["", layer.name]
        lines += [
            f"{'>' if a == layer.best else ' '} {name:{longest}} "
            f"{number_words(layer, a, game.num_players == 2):>6}"
            for a, name in names.items()
        ]
    lines += ["", caption] if caption else []
    high, wide = 30 * len(lines) + 40, 14.5 * max(20, *map(len, lines)) + 48
    paper = f'width="{wide:g}" height="{high}" rx="14" fill="{colours("paper")}"'
    start = 'text-anchor="start" xml:space="preserve"'
    rows = [
        words_svg(colours, 24, 35 + 30 * k, line, 24, "ink", start) for k, line in enumerate(lines)
    ]
    about = f"{game.name}: {layer.name}" if layer else game.name
    return _svg(f"0 0 {wide:g} {high}", about, MONO, f"<rect {paper}/>{''.join(rows)}")
