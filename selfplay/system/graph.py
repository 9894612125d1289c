"""Graphs made of characters: curves in a frame, a line of small bars, a bar that is partly filled.

Where the output has no braille dots and blocks, letters and signs of ASCII take their place.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of braille, by column and row
_BRAILLE = 0x2800
_LEVELS = " ▁▂▃▄▅▆▇█"
_PLAIN_LEVELS = " .:-=+*#@"
FINE = "⣿▁█─│┌┐└┘├┤"  # what an output must have for anything but ASCII
_STEEP = 8.0  # a curve that changes by more than this factor is drawn over its logarithm


class Curve(NamedTuple):
    """One curve of a graph, or a level line where it has one point only and ``level`` is set."""

    name: str
    points: Sequence[tuple[float, float]]  # x and y, x ascending
    style: str = ""  # rich's
    mark: str = "*"  # one character: where there are no braille dots
    level: bool = False


class Axis(NamedTuple):
    """From where to where a graph reaches; ``steep``: over the logarithm."""

    low: float
    high: float
    steep: bool = False

    def share(self, value: float) -> float:
        """0 at the low end, 1 at the high one, and the nearer of them beyond."""
        low, high = self.low, self.high
        if self.steep:
            low, high, value = math.log(low), math.log(high), math.log(max(value, low))
        return min(1.0, max(0.0, (value - low) / (high - low) if high > low else 0.5))


def axis(values: Sequence[float], steep: bool = False) -> Axis:
    """An axis on which all ``values`` lie; ``steep`` asks for a logarithm where that helps."""
    low, high = min(values), max(values)
    if low == high:
        low, high = low - abs(low) / 2 - 1e-9, high + abs(high) / 2 + 1e-9
    return Axis(low, high, steep and low > 0 and high / low > _STEEP)


def graph(
    curves: Sequence[Curve], width: int, height: int, form: str = "{:.1%}", fine: bool = True
) -> list[Text]:
    """``height`` lines of at most ``width`` characters: y at the left, a frame, the curves in it.

    ``form`` writes a y; without ``fine`` all is ASCII.  Later curves lie above earlier ones.
    No line where no curve has a point.
    """
    points = [point for curve in curves for point in curve.points]
    if not points:
        return []
    xs = [x for curve in curves if not curve.level for x, _ in curve.points] or [0.0]
    across, up = axis(xs), axis([y for _, y in points], steep=True)
    middle = math.sqrt(up.low * up.high) if up.steep else (up.low + up.high) / 2
    told = {
        0: form.format(up.high),
        height // 2: form.format(middle),
        height - 1: form.format(up.low),
    }
    margin = max(map(len, told.values()))
    columns = max(4, width - margin - 2)
    cells: list[list[tuple[str, str]]] = [[(" ", "")] * columns for _ in range(height)]
    for curve in curves:
        for (row, column), character in _drawn(curve, across, up, columns, height, fine).items():
            cells[row][column] = character, curve.style
    lines = []
    for row, line in enumerate(cells):
        text = Text(f"{told.get(row, ''):>{margin}} ", no_wrap=True)
        text.append(("┤" if row in told else "│") if fine else "|", "dim")
        for character, style in line:
            text.append(character, style)
        text.rstrip()
        lines.append(text)
    return lines


def legend(curves: Sequence[Curve], fine: bool = True) -> Text:
    """The names of the curves, each behind a piece of its line."""
    text = Text()
    for curve in curves:
        sample = ("┄┄" if curve.level else "━━") if fine else ("--" if curve.level else curve.mark)
        text.append(f"{sample} ", curve.style)
        text.append(f"{curve.name}   ")
    text.rstrip()
    return text


def _drawn(
    curve: Curve, across: Axis, up: Axis, columns: int, height: int, fine: bool
) -> dict[tuple[int, int], str]:
    """The characters of a curve by row and column."""
    if not curve.points:
        return {}
    if curve.level:
        row = round((1 - up.share(curve.points[0][1])) * (height - 1))
        return {(row, column): "┄" if fine else "-" for column in range(columns)}
    wide, high = (2 * columns, 4 * height) if fine else (columns, height)
    places = [
        (across.share(x) * (wide - 1), (1 - up.share(y)) * (high - 1)) for x, y in curve.points
    ]
    dots = {(round(x), round(y)) for x, y in places}
    for (x0, y0), (x1, y1) in itertools.pairwise(places):
        steps = math.ceil(max(abs(x1 - x0), abs(y1 - y0)))
        for step in range(1, steps):
            share = step / steps
            dots.add((round(x0 + share * (x1 - x0)), round(y0 + share * (y1 - y0))))
    if not fine:
        return {(y, x): curve.mark for x, y in dots}
    bits: dict[tuple[int, int], int] = {}
    for x, y in dots:
        place = y // 4, x // 2
        bits[place] = bits.get(place, 0) | _DOTS[x % 2][y % 4]
    return {place: chr(_BRAILLE + bit) for place, bit in bits.items()}


def sparkline(shares: Sequence[float], fine: bool = True) -> str:
    """One character for each share in [0, 1], the higher the larger; a space where it is NaN."""
    levels = _LEVELS if fine else _PLAIN_LEVELS
    most = len(levels) - 1
    return "".join(
        " " if math.isnan(share) else levels[1 + round(min(1.0, max(0.0, share)) * (most - 1))]
        for share in shares
    )


def columns(
    shares: Sequence[float], styles: Sequence[str], height: int, wide: int = 1, fine: bool = True
) -> list[Text]:
    """``height`` lines, the top first: for each share in [0, 1] a column of ``wide`` characters.

    ``styles`` are rich's, one a column.  Without blocks a column ends in the sign of its level.
    """
    levels = _LEVELS if fine else _PLAIN_LEVELS
    most = len(levels) - 1
    lines = []
    for row in reversed(range(height)):
        line = Text(no_wrap=True)
        for share, style in zip(shares, styles, strict=True):
            filled = round(min(1.0, max(0.0, share)) * height * most) - row * most
            line.append(levels[min(most, max(0, filled))] * wide, style)
        line.rstrip()
        lines.append(line)
    return lines


def bar(share: float, width: int, fine: bool = True) -> tuple[str, str]:
    """The filled part of a bar of ``width`` characters, and the empty one."""
    full = round(min(1.0, max(0.0, share)) * width)
    return ("█" if fine else "#") * full, ("░" if fine else ".") * (width - full)
