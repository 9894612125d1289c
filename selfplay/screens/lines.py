"""Lines that are made once and put on a terminal often."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.control import Control
from rich.segment import Segment

from selfplay.system.console import PlainConsole


class Lines:
    """Plain lines at the left, at most ``width`` characters, and made ones at their right.

    Made ones are what ``made`` gives.  rich splits, measures and colours what it draws anew each
    time, milliseconds for a graph and a board; these it only passes on.
    """

    def __init__(self, left: Sequence[str], right: Sequence[str], width: int) -> None:
        self.left, self._right, self._width = left, right, width

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        across = min(self._width, max(map(cell_len, self.left), default=0))
        for row in range(max(len(self.left), len(self._right))):
            text = self.left[row] if row < len(self.left) else ""
            if row < len(self._right):
                yield Segment(set_cell_size(text, across) + "   ")
                # no text: rich neither counts its characters nor takes its colours away
                yield Segment(self._right[row], None, Control.home().segment.control)
            else:
                yield Segment(text)
            yield Segment.line()


def made(console: PlainConsole, drawn: RenderableType, width: int) -> list[str]:
    """What is drawn as the terminal wants it: a string a line, at most ``width`` characters."""
    options = console.options.update(width=width)
    return [
        console.written(Segment.simplify(line))
        for line in console.render_lines(drawn, options, pad=False)
    ]
