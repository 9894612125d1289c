"""Progress on standard error, and Ctrl-C as a wish instead of a blow."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from rich.text import Text

from selfplay.console import PlainConsole

_EVERY_S = 30.0  # between two lines of progress where there is no terminal
_RENEW_S = 0.2  # between two changes of the line in a terminal

Say = Callable[[Callable[[], str]], None]  # given what makes the words, for it may not be called


@contextlib.contextmanager
def progress(what: str) -> Iterator[Say]:
    """A line that renews itself, begun with ``what``; in no terminal a line now and then."""
    if sys.stderr is None:
        yield lambda words: None
        return
    console = PlainConsole(sys.stderr)
    last = time.monotonic()

    def due(every: float) -> bool:
        nonlocal last
        now = time.monotonic()
        if now - last < every:
            return False
        last = now
        return True

    if not console.is_live:
        yield lambda words: print(words(), file=sys.stderr) if due(_EVERY_S) else None
        return
    with console.status(Text(what)) as status:
        yield lambda words: status.update(Text(words())) if due(_RENEW_S) else None


@contextlib.contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """What comes back tells whether Ctrl-C was pressed; the second time it is KeyboardInterrupt."""
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return

    def press(number: int, frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
