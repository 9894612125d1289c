"""Streams that tell the user how it goes, and that nothing depends on.

A terminal is closed, a pipe is read no further, the disk of a log is full: what was to be said is
lost then, and the work goes on.
"""

from __future__ import annotations

import contextlib
import io
import os
from typing import Any, TextIO, cast


class _Nowhere(io.TextIOBase):
    """Takes everything and keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)


class Unheeded:
    """A stream of text that is dropped once it cannot be written to; all else is ``stream``'s."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            self._stream.write(text)
        except (OSError, ValueError):  # ValueError: it is closed
            self._drop()
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._drop()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _drop(self) -> None:
        """Lets all that follows, and what was held back, go nowhere."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        self._stream = _Nowhere()


def unheeded(stream: TextIO | None) -> TextIO:
    """``stream`` as one that nothing depends on; where there is none, one that goes nowhere."""
    if isinstance(stream, Unheeded):
        return cast(TextIO, stream)
    return cast(TextIO, Unheeded(_Nowhere() if stream is None else stream))


def fill_missing() -> None:
    """Opens standard input, output and error where they are closed, as the shell's ``2>&-`` does.

    Else the next file that is opened would take the place of one of them, and what a library has
    to say would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
