"""Text as a terminal may get it: what would move its cursor or hide what is written is replaced.

Names, licences and files come from strangers, and a terminal obeys what they contain.  All that the
command line prints goes through here: plain lines by ``printed_safely``, those of rich by the
consoles of ``console.py``.
"""

from __future__ import annotations

import contextlib
import json
import re
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
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def json_line(content: Any) -> str:
    """One JSON object in one line, all that is not ``printable`` escaped."""
    text = json.dumps(content, ensure_ascii=False)
    return _UNSAFE.sub(lambda match: json.dumps(match[0])[1:-1], text)


class SafeStream:
    """A stream of text that prints only what is ``printable``; all else is that of ``stream``."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        return self.stream.write(printable(text))

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def bare(stream: TextIO | None) -> TextIO | None:
    """The stream itself, for what the program itself tells the terminal to do."""
    return stream.stream if isinstance(stream, SafeStream) else stream


@contextlib.contextmanager
def printed_safely() -> Iterator[None]:
    """Standard output and standard error print only what is ``printable`` while this lasts."""
    with contextlib.ExitStack() as stack:
        if sys.stdout is not None:
            safe = cast(TextIO, SafeStream(cast(TextIO, bare(sys.stdout))))
            stack.enter_context(contextlib.redirect_stdout(safe))
        if sys.stderr is not None:
            safe = cast(TextIO, SafeStream(cast(TextIO, bare(sys.stderr))))
            stack.enter_context(contextlib.redirect_stderr(safe))
        yield
