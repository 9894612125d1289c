"""Work in plain Python that can be made to stop: it asks now and then whether to go on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

_EVERY = 64  # calls of ``look`` between two questions


class StoppedError(Exception):
    """The work was told to stop before it was done."""


class _Asked:
    """Who is to be asked, and how many calls of ``look`` from now."""

    def __init__(self, stop: Callable[[], bool]) -> None:
        self.stop = stop
        self.left = 0


_asked: ContextVar[_Asked | None] = ContextVar("asked", default=None)


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
