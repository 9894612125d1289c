"""Text and streams as a terminal may get them: nothing it would obey, and nothing depends on it.

Names, licences and files come from strangers, and a terminal obeys what they contain.  All that the
command line prints goes through here: plain lines by ``printed_safely``, those of rich by the
consoles of ``console.py``.  A terminal is closed, a pipe is read no further, the disk of a log is
full: what was to be said to an ``unheeded`` stream is lost then, and the work goes on.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import select
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

# control characters other than the end of a line and the tabulator, line ends of Unicode, marks
# that turn the direction of writing or are not seen, and halves of characters
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)


def printable(text: str) -> str:
    """``text`` with a question mark for each character that a terminal would obey or hide."""
    return _UNSAFE.sub("?", text)


def in_one_line(text: str) -> str:
    """``printable`` text without the ends of lines, which could pass for lines of the program."""
    return printable(text).replace("\n", "?").replace("\t", " ")


def can_print(text: str) -> bool:
    """Whether standard output has all characters of ``text``."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def json_line(content: Any) -> str:
    """One JSON object in one line, all that is not ``printable`` escaped."""
    text = json.dumps(content, ensure_ascii=False)
    return _UNSAFE.sub(lambda match: json.dumps(match[0])[1:-1], text)


class _Wrapped:
    """A stream of text that differs from ``stream`` in what it writes alone."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        raise NotImplementedError

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class SafeStream(_Wrapped):
    """Prints only what is ``printable``."""

    def write(self, text: str) -> int:
        self.stream.write(printable(text))
        return len(text)


class Unheeded(_Wrapped):
    """Is dropped once it cannot be written to."""

    def write(self, text: str) -> int:
        try:
            self.stream.write(text)
        except (OSError, ValueError):  # ValueError: it is closed
            self._drop()
        return len(text)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except (OSError, ValueError):
            self._drop()

    def _drop(self) -> None:
        """Lets all that follows, and what was held back, go nowhere."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)
        self.stream = _Nowhere()


class _Nowhere(io.TextIOBase):
    """Takes everything and keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)


def bare(stream: TextIO | None) -> TextIO | None:
    """The stream itself, for what the program itself tells the terminal to do."""
    return stream.stream if isinstance(stream, SafeStream) else stream


def unheeded(stream: TextIO | None) -> TextIO:
    """``stream`` as one that nothing depends on; where there is none, one that goes nowhere."""
    if isinstance(stream, Unheeded):
        return cast(TextIO, stream)
    return cast(TextIO, Unheeded(_Nowhere() if stream is None else stream))


@contextlib.contextmanager
def printed_safely() -> Iterator[None]:
    """Standard output and standard error print only what is ``printable`` while this lasts."""
    streams = (
        (sys.stdout, contextlib.redirect_stdout),
        (sys.stderr, contextlib.redirect_stderr),
    )
    with contextlib.ExitStack() as stack:
        for stream, redirect in streams:
            if stream is not None:
                stack.enter_context(redirect(cast(TextIO, SafeStream(bare(stream)))))
        yield


def end_unread() -> None:
    """Raises BrokenPipeError where standard output is a pipe that nobody reads any more."""
    try:
        asked = select.poll()
        asked.register(sys.stdout.fileno(), 0)  # that a pipe has no reader is told unasked
        broken = any(event & select.POLLERR for _, event in asked.poll(0))
    except (AttributeError, OSError, ValueError):  # no file, or a system without poll
        return
    if broken:
        raise BrokenPipeError


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
