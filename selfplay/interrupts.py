"""Requests to end: Ctrl-C, a terminal that is closed, a system that shuts down."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

# what asks a process to end; a closed terminal is not known everywhere
_ASKING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


@contextlib.contextmanager
def interrupts(stop: Callable[[bool], None]) -> Iterator[None]:
    """Calls ``stop`` on each request to end, as long as the context lasts.

    Its argument is True for Ctrl-C, which a user may press again to leave at once.  What the
    process was started to ignore, as by nohup, it goes on to ignore.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [each for each in _ASKING if signal.getsignal(each) != signal.SIG_IGN]
    before = {
        each: signal.signal(each, lambda number, _: stop(number == signal.SIGINT)) for each in heard
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave_to_parent() -> None:
    """Ctrl-C and a terminal that is closed are from now on for the process that leads."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
