"""Requests to end: Ctrl-C, a terminal that is closed, a system that shuts down."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import shutil
import signal
import sys
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


@contextlib.contextmanager
def interruptible(heed_s: float | None = None) -> Iterator[Callable[[], bool]]:
    """What comes back tells whether it was asked to end.

    The second time, or where that is not heeded for ``heed_s`` seconds, is KeyboardInterrupt.
    """
    asked, main = threading.Event(), threading.get_ident()
    again = threading.Timer(heed_s or 0.0, lambda: signal.pthread_kill(main, signal.SIGINT))
    again.daemon = True

    def stop(_: bool) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        if heed_s is not None:
            again.start()

    try:
        with interrupts(stop):
            yield asked.is_set
    finally:
        again.cancel()


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Each request to end is KeyboardInterrupt here, so that what has been started is ended too."""

    def stop(_: bool) -> None:
        raise KeyboardInterrupt

    with interrupts(stop):
        yield


def leave_at_once(code: int) -> None:
    """Ends this process with ``code`` unless processes that it started have to end before.

    Taking the interpreter apart takes most of a second once torch is there, and aborts where a
    thread is within compiled code.
    """
    if multiprocessing.active_children():
        return
    gc.collect()  # semaphores that an exception's frames still hold: who tracks them would warn
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if folder := getattr(multiprocessing.current_process(), "_config", {}).get("tempdir"):
        shutil.rmtree(folder, ignore_errors=True)  # of what forks processes, which ends, too
    os._exit(code)
