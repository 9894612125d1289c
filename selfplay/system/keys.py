"""Keys of a terminal one by one, and the line that is typed with them.

Only where ``termios`` is there: not on Windows, where lines are read instead.
"""

from __future__ import annotations

import codecs
import contextlib
import importlib
import os
import re
import select
from collections.abc import Iterable, Iterator
from types import TracebackType

_NAMES = {  # what a terminal sends
    "\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace",
    "\x04": "end of input", "\x01": "home", "\x05": "end", "\x15": "clear", "\x17": "delete word",
    "\x10": "earlier", "\x0e": "later", "\x0c": "redraw", "\x1b": "escape",
    "\x1b[A": "up", "\x1b[B": "down", "\x1b[C": "right", "\x1b[D": "left",
    "\x1bOA": "up", "\x1bOB": "down", "\x1bOC": "right", "\x1bOD": "left",
    "\x1b[H": "home", "\x1b[F": "end", "\x1b[1~": "home", "\x1b[4~": "end", "\x1b[3~": "delete",
    "\x1b[5~": "earlier", "\x1b[6~": "later",
}  # fmt: skip
_KEY = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1bO.|\r\n|.", re.DOTALL)


def has_keys() -> bool:
    """Whether keys can be read one by one here."""
    try:
        importlib.import_module("termios")
    except ImportError:
        return False
    return True


def keys_in(text: str) -> Iterator[str]:
    """The keys that a terminal has sent: names, or the character itself; others are left out."""
    for match in _KEY.finditer(text):
        key = "\n" if match[0] == "\r\n" else match[0]
        if name := _NAMES.get(key, key if key.isprintable() else ""):
            yield name


class Keyboard:
    """Reads keys while its context lasts; after it the terminal is as before.

    Ctrl-C stays an interrupt; Ctrl-Z does nothing, for what it would leave is no shell's screen.
    """

    def __init__(self, file: int) -> None:
        """``file``: the descriptor of a terminal."""
        self._file, self._before = file, None
        self._waiting: list[str] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def __enter__(self) -> Keyboard:
        termios = importlib.import_module("termios")
        self._before = termios.tcgetattr(self._file)
        mode = termios.tcgetattr(self._file)
        mode[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        mode[6][termios.VSUSP] = b"\0"
        termios.tcsetattr(self._file, termios.TCSADRAIN, mode)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        termios = importlib.import_module("termios")
        with contextlib.suppress(OSError, termios.error):  # the terminal is gone
            termios.tcsetattr(self._file, termios.TCSADRAIN, self._before)

    def read(self, wait_s: float) -> str:
        """The next key, or "" when none has come in ``wait_s``; EOFError when none can come."""
        while not self._waiting:
            if not select.select([self._file], [], [], wait_s)[0]:
                return ""
            try:
                sent = os.read(self._file, 1024)
            except OSError as error:
                raise EOFError from error
            if not sent:
                raise EOFError
            self._waiting = list(keys_in(self._decoder.decode(sent)))
        return self._waiting.pop(0)


class Line:
    """A line that is being typed, with the lines before it and words that it may become."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.text, self.caret = "", 0
        self._words = sorted(words)
        self._history: list[str] = []
        self._place = 0  # in the history; its length: the line that is new

    def press(self, key: str) -> None:
        """What ``key`` does to the line; keys that mean nothing are passed over."""
        text, caret = self.text, self.caret
        if len(key) == 1:
            self._set(text[:caret] + key + text[caret:], caret + 1)
        elif key == "backspace" and caret:
            self._set(text[: caret - 1] + text[caret:], caret - 1)
        elif key == "delete":
            self._set(text[:caret] + text[caret + 1 :], caret)
        elif key == "delete word":
            kept = text[:caret].rstrip().rpartition(" ")
            before = kept[0] + kept[1]
            self._set(before + text[caret:], len(before))
        elif key in ("clear", "escape"):
            self._set("", 0)
        elif key in ("left", "right"):
            self.caret = min(len(text), max(0, caret + (1 if key == "right" else -1)))
        elif key in ("home", "end"):
            self.caret = len(text) if key == "end" else 0
        elif key in ("up", "earlier", "down", "later"):
            self._recall(-1 if key in ("up", "earlier") else 1)
        elif key == "tab":
            self._complete()

    def take(self) -> str:
        """The line, which is remembered; a new one begins."""
        text = self.text
        if text.strip() and self._history[-1:] != [text]:
            self._history.append(text)
        self._place = len(self._history)
        self._set("", 0)
        return text

    def _set(self, text: str, caret: int) -> None:
        self.text, self.caret = text, caret

    def _recall(self, by: int) -> None:
        self._place = min(len(self._history), max(0, self._place + by))
        text = self._history[self._place] if self._place < len(self._history) else ""
        self._set(text, len(text))

    def _complete(self) -> None:
        fits = [word for word in self._words if word.startswith(self.text)]
        if self.text and fits:
            common = os.path.commonprefix(fits)  # noqa: RUF071 - these are words, no paths
            self._set(common, len(common))
