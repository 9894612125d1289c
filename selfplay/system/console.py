"""The terminal: consoles of rich, a line that is typed, what is said while something takes long."""

from __future__ import annotations

import contextlib
import importlib
import math
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from selfplay.system.printable import bare, printable

_FIRST_S = 2.0  # of waiting in silence
_RENEW_S = 0.2  # between two changes of the line in a terminal
COMPILING = "compiling the search, once"

Say = Callable[[Callable[[], str]], None]  # given what makes the words, for it may not be called


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

    def written(self, segments: Iterable[Segment]) -> str:
        """What is written for them: their characters with the codes of their colours."""
        return self._render_buffer(segments)

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


@contextlib.contextmanager
def progress(what: str, every_s: float = 30.0, at_once: bool = False) -> Iterator[Say]:
    """A line that renews itself, begun with ``what``; in no terminal a line each ``every_s``.

    ``at_once``: there the first line comes when something is said first.
    """
    if sys.stderr is None:
        yield lambda words: None
        return
    console = PlainConsole(sys.stderr)
    last = float("-inf") if at_once else time.monotonic()

    def due(every: float) -> bool:
        nonlocal last
        now = time.monotonic()
        if now - last < every:
            return False
        last = now
        return True

    if not console.is_live:
        yield lambda words: print(words(), file=sys.stderr) if due(every_s) else None
        return
    with console.status(Text(what)) as status:
        yield lambda words: status.update(Text(words())) if due(_RENEW_S) else None


@contextlib.contextmanager
def waiting(what: str) -> Iterator[Callable[[str], None]]:
    """Says what is being done, and for how long, once it has taken two seconds.

    What comes back hears which stage of it has begun.
    """
    done, begun, stages = threading.Event(), time.monotonic(), [""]

    def words() -> str:
        return f"{what}{stages[-1]} ({time.monotonic() - begun:.0f} s)"

    def speak() -> None:
        if done.wait(_FIRST_S):
            return
        with progress(what, every_s=5.0, at_once=True) as say:
            say(words)
            while not done.wait(_RENEW_S):
                say(words)

    speaking = threading.Thread(target=speak, daemon=True)
    speaking.start()
    try:
        yield lambda stage: stages.append(f": {stage}")
    finally:
        done.set()
        speaking.join()


def clock(seconds: float) -> str:
    """``1:02:03``, ``2:03``, or ``?`` for a time that is not known."""
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
