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

from selfplay.system.console import PlainConsole

_EVERY_S = 30.0  # between two lines of progress where there is no terminal
_SHORT_S, _COUNT_S = 3.0, 10.0  # of getting ready: not a word, then a line each
_RENEW_S = 0.2  # between two changes of the line in a terminal

Say = Callable[[Callable[[], str]], None]  # given what makes the words, for it may not be called


@contextlib.contextmanager
def progress(what: str, every_s: float = _EVERY_S) -> Iterator[Say]:
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
        yield lambda words: print(words(), file=sys.stderr) if due(every_s) else None
        return
    with console.status(Text(what)) as status:
        yield lambda words: status.update(Text(words())) if due(_RENEW_S) else None


@contextlib.contextmanager
def patience() -> Iterator[None]:
    """Says, when getting ready takes long, that it does, and counts the seconds."""
    done, begun = threading.Event(), time.monotonic()

    def words() -> str:
        return f"compiling the search, once: {time.monotonic() - begun:.0f} s"

    def count() -> None:
        if done.wait(_SHORT_S):
            return
        with progress("compiling the search, once", _COUNT_S) as say:
            while not done.wait(_RENEW_S):
                say(words)

    counting = threading.Thread(target=count, daemon=True)
    counting.start()
    try:
        yield
    finally:
        done.set()
        counting.join()


@contextlib.contextmanager
def interruptible(heed_s: float | None = None) -> Iterator[Callable[[], bool]]:
    """What comes back tells whether Ctrl-C was pressed; the second time it is KeyboardInterrupt.

    So it is when the first has not been heeded for ``heed_s`` seconds.
    """
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    main = threading.get_ident()
    again = threading.Timer(heed_s or 0.0, signal.pthread_kill, [main, signal.SIGINT])
    again.daemon = True

    def press(number: int, frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()
        if heed_s is not None:
            again.start()

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        again.cancel()
        signal.signal(signal.SIGINT, before)
