"""Lines that arrive while something else is done: standard input, read by a thread of its own."""

from __future__ import annotations

import io
import os
import queue
import sys
import threading
from collections.abc import Iterator
from typing import BinaryIO

LONGEST = 1 << 16  # bytes of a line; what is longer is cut
_WAITING = 1024  # lines kept before the other program has to wait
_INTERRUPT = "# interrupt"  # of GoGui: the command at work shall end now


def standard_input() -> BinaryIO:
    """The bytes of standard input, through a file of their own.

    A thread that waits in sys.stdin itself, at the end of the program, would keep it from being
    closed.
    """
    try:
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    except (AttributeError, OSError, ValueError):  # there is none, or it is no file
        return io.BytesIO(b"" if sys.stdin is None else sys.stdin.read().encode())


class Lines:
    """The lines of a stream, in order.

    ``waiting`` tells whether one has arrived that nobody has taken, ``interrupted`` whether the
    other program wants an answer at once: by GoGui's comment, by a line that begins with one of
    the words ``urgent``, or because it has gone.
    """

    def __init__(self, stream: BinaryIO, urgent: tuple[str, ...] = ()) -> None:
        self._stream, self._urgent = stream, urgent
        self._urging = 0  # such lines that nobody has taken
        self._lock, self._gone = threading.Lock(), False
        self._arrived: queue.Queue[str | None] = queue.Queue(_WAITING)
        self._interrupt = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def __iter__(self) -> Iterator[str]:
        while (line := self._arrived.get()) is not None:
            self._interrupt.clear()
            self._count(line, -1)
            yield line

    def waiting(self) -> bool:
        return not self._arrived.empty()

    def interrupted(self) -> bool:
        return self._gone or self._interrupt.is_set() or self._urging > 0

    def _count(self, line: str, change: int) -> None:
        if line.split()[:1] and line.split()[0] in self._urgent:
            with self._lock:
                self._urging += change

    def _read(self) -> None:
        """Puts lines into the queue, and None behind the last."""
        whole = True  # the next part begins a line
        while part := self._line():
            if whole:
                text = part.decode("utf-8", "replace")
                if text.strip() == _INTERRUPT:
                    self._interrupt.set()
                else:
                    self._count(text, 1)
                    self._arrived.put(text)
            whole = part.endswith(b"\n")
        self._gone = True
        self._arrived.put(None)

    def _line(self) -> bytes:
        try:
            return self._stream.readline(LONGEST)
        except (OSError, ValueError):  # ValueError: it has been closed
            return b""
