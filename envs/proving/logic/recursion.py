"""Recursion as deep as formulas and terms are nested, in work that can be made to stop.

Python's stack holds a thousand calls, and what the system gives a thread by default is not known.
Functions that follow the nesting therefore run in a thread with a stack of their own.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

DEEPEST = 5000  # levels that a problem's formulas may be nested
_STACK = 256 << 20  # bytes, of addresses: what is not used takes no memory
_CALLS = 100_000
_LOOK_S = 0.1  # between two looks of who waits at whether there was a signal
_EVERY = 64  # calls of ``look`` between two questions

P = ParamSpec("P")
R = TypeVar("R")
_here = threading.local()
_making = threading.Lock()  # the size of stacks and the limit of calls are the process's
_within: list[int] = []  # the limit of calls that each of those within found


class StoppedError(Exception):
    """The work was told to stop before it was done."""


class _Asked:
    """Who is to be asked whether to go on, and how many calls of ``look`` from now."""

    def __init__(self, stop: Callable[[], bool]) -> None:
        self.stop = stop
        self.left = 0


_asked: contextvars.ContextVar[_Asked | None] = contextvars.ContextVar("asked", default=None)


@contextlib.contextmanager
def stoppable(stop: Callable[[], bool]) -> Iterator[None]:
    """Within, ``look`` raises StoppedError once ``stop`` says so, or whoever is asked outside."""
    outer = _asked.get()
    both = stop if outer is None else lambda: stop() or outer.stop()
    token = _asked.set(_Asked(both))
    try:
        yield
    finally:
        _asked.reset(token)


def look() -> None:
    """Raises StoppedError if the work is to stop; cheap enough to be called for every term."""
    asked = _asked.get()
    if asked is None:
        return
    asked.left -= 1
    if asked.left < 0:
        asked.left = _EVERY
        if asked.stop():
            raise StoppedError


def deep(function: Callable[P, R]) -> Callable[P, R]:
    """The function, with room for recursion over DEEPEST levels.

    Called within another such function it runs where that does.  The caller waits; an exception
    that reaches the caller meanwhile, as Ctrl-C does, makes the work stop at its next ``look``.
    """

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        if getattr(_here, "deep", False):
            return function(*args, **kwargs)
        return _in_thread(lambda: function(*args, **kwargs))

    return called


def _in_thread(work: Callable[[], R]) -> R:
    """What the work returns or raises, done in a thread with a large stack."""
    results: list[R] = []
    errors: list[BaseException] = []
    left = threading.Event()  # nobody waits any longer

    def run() -> None:
        _here.deep = True
        try:
            with stoppable(left.is_set):
                results.append(work())
        except BaseException as error:  # raised again where it is waited for
            errors.append(error)

    context = contextvars.copy_context()
    with _many_calls():
        try:
            with _making:
                before = threading.stack_size(_STACK)
                try:
                    thread = threading.Thread(target=context.run, args=(run,), daemon=True)
                    thread.start()
                finally:
                    threading.stack_size(before)
            while thread.is_alive():
                thread.join(_LOOK_S)  # a signal that comes just before waiting does not end it
        except BaseException:
            left.set()
            raise
    if errors:
        raise errors[0]
    return results[0]


@contextlib.contextmanager
def _many_calls() -> Iterator[None]:
    """Within, Python allows deep recursion; what it allowed before, once nobody is within."""
    with _making:
        _within.append(sys.getrecursionlimit())
        sys.setrecursionlimit(max(_CALLS, *_within))
    try:
        yield
    finally:
        with _making:
            before = _within.pop()  # by the last to come: of the first, what was before
            if not _within:
                sys.setrecursionlimit(before)
