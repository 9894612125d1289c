"""The one way to a console of rich: text is text, never markup, and ``printable``."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.segment import Segment

from selfplay.system.printable import bare, printable


class PlainConsole(Console):
    """A console that shows what it is given: no markup, no emoji codes, no control characters.

    Colours are those that the program names, where the terminal has them and NO_COLOR is not set.
    """

    def __init__(self, stream: TextIO | None = None, width: int | None = None) -> None:
        """``stream``: standard output where none is named."""
        super().__init__(
            file=bare(sys.stdout if stream is None else stream),
            width=width,
            markup=False,
            emoji=False,
            highlight=False,
        )

    @property
    def is_live(self) -> bool:
        """Whether it is a terminal on which lines can be renewed."""
        return self.is_terminal and not self.is_dumb_terminal

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        return super()._render_buffer(
            each if each.control else Segment(printable(each.text), each.style) for each in buffer
        )


def read_line(prompt: str) -> str:
    """A line of standard input; raises EOFError where there is none.

    In a terminal the arrow keys edit it and bring back the lines before, where readline is there.
    """
    if sys.stdin is None:
        raise EOFError
    if sys.stdin.isatty() and sys.stdout is not None and sys.stdout.isatty():
        with contextlib.suppress(ImportError):
            importlib.import_module("readline")  # input() uses it once it is imported
    return input(prompt)
