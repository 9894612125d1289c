"""Numbers about the moves of a position, on its board: prior, visits or value, one at a time.

Each has a shape of its own, and the best move is light on dark where the others are dark on light.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from selfplay.play.picture import Picture, words_svg
from selfplay.types import Board, Float

LAYERS = ("prior", "visits", "value")
_LEAST = {"prior": 0.005, "visits": 0.5, "value": -1.0}  # below it no number is drawn
_WIDTHS = {"%": 1.0, ".": 0.38, "+": 0.84, "-": 0.42}  # of bold letters, of wide fonts, in em


class Layer(NamedTuple):
    """Numbers about the actions of a position, for the player to move."""

    name: str  # one of LAYERS
    numbers: Float  # [A] f32: probabilities, simulations or returns; NaN where there is none
    best: int  # the action that is marked, or NO_ACTION


def is_numbered(board: Board, layer: Layer | None, cell: int) -> bool:
    """Whether a number stands at ``cell``."""
    return layer is not None and any(board.places[a] == cell for a in numbered_actions(layer))


def numbered_actions(layer: Layer) -> list[int]:
    """Those with a number that is drawn: the best one first, then the largest."""
    numbers = np.nan_to_num(layer.numbers, nan=-9.0)
    order = np.argsort(-numbers, kind="stable").tolist()
    return sorted(
        (a for a in order if numbers[a] >= _LEAST[layer.name]), key=lambda a: a != layer.best
    )


def _share(layer: Layer, action: int) -> float:
    """How large a chip is, from 0 to 1."""
    number = float(layer.numbers[action])
    if layer.name == "value":
        return 1.0
    total = float(np.nansum(layer.numbers))
    return math.sqrt(max(0.0, number) / total) if total > 0 else 0.0


def number_words(layer: Layer, action: int, two_players: bool) -> str:
    """The number as it is drawn: a probability or chance to win in percent, or simulations."""
    number = float(layer.numbers[action])
    if layer.name == "visits":
        return f"{number:.0f}" if number < 1000 else f"{number / 1000:.3g}k"
    if layer.name == "value" and not two_players:
        return f"{number:+.2f}"
    return f"{100 * (number if layer.name == 'prior' else (1 + number) / 2):.0f}%"


def chips_svg(picture: Picture, layer: Layer | None) -> list[str]:
    """The numbers, one to a cell."""
    taken, chips = set[int](), []
    for action in numbered_actions(layer) if layer else []:
        place = int(picture.board.places[action])
        if layer and place >= 0 and place not in taken:
            taken.add(place)
            chips.append(_chip(picture, layer, action, *picture.middle(place)))
    return chips


def _chip(picture: Picture, layer: Layer, action: int, x: float, y: float) -> str:
    """A square for the prior, a disc for visits, a bar for the value; the best one is dark."""
    best = action == layer.best
    fill, ink = ("best", "best-ink") if best else ("chip", "chip-ink")
    words = number_words(layer, action, picture.game.num_players == 2)
    half = 36 + 6 * _share(layer, action)
    edge = f'stroke="{picture.colours("chip" if best else "edge")}"'
    style = f'fill="{picture.colours(fill)}" {edge} stroke-width="{5 if best else 2}"'
    if layer.name == "visits":
        shape = f'<circle cx="{x:g}" cy="{y:g}" r="{half:.4g}" {style}/>'
    elif layer.name == "prior":
        side = f'width="{2 * half:.4g}" height="{2 * half:.4g}" rx="10"'
        shape = f'<rect x="{x - half:.4g}" y="{y - half:.4g}" {side} {style}/>'
    else:
        full = 68 * min(1.0, max(0.0, (1 + float(layer.numbers[action])) / 2))
        bar = f'<rect x="{x - 34:g}" y="{y + 13:g}" height="8" rx="4"'
        shape = (
            f'<rect x="{x - 42:g}" y="{y - 28:g}" width="84" height="56" rx="14" {style}/>'
            f'{bar} width="68" fill="{picture.colours(ink)}" opacity="0.25"/>'
            f'{bar} width="{full:.4g}" fill="{picture.colours(ink)}"/>'
        )
        y -= 8
    room = 72 if layer.name == "value" else 2 * half - 10
    size = min(34.0, room / sum(_WIDTHS.get(letter, 0.69) for letter in words))
    text = words_svg(picture.colours, x, y, words, size, ink, 'font-weight="700"')
    name = f'class="chip{" best" if best else ""}" data-number="{action}"'
    return f'<g {name} pointer-events="none">{shape}{text}</g>'
