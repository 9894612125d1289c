"""Another program that answers lines with lines: bounded output, times, and a certain end.

It has a process group of its own, so that Ctrl-C at the terminal goes to this program alone, and so
that whatever it started ends with it.  No shell reads its command.
"""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
import weakref
from typing import BinaryIO, NamedTuple, cast

from selfplay.system import safe_path

REPLY = 1 << 20  # bytes between two calls of ``read_line``'s caller that ask for an answer
_LINE = 1 << 16  # bytes of a line
_CHUNK = 1 << 16
_LAST_WORDS = 400  # bytes of its standard error that are kept
_GRACE_S = 2.0  # to leave by itself


class ProcessFailed(ValueError):
    """The program has ended, hangs or talks without end; a sentence without its name."""


class Slow(NamedTuple):
    """No line has come within the time."""


class EngineProcess:
    """A running program; ``start`` raises ValueError with a sentence where there is none."""

    def __init__(self, command: str) -> None:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise ValueError(f"the command {command!r} cannot be read: {error}") from error
        if not words:
            raise ValueError("an engine needs a command, as in 'gtp:gnugo --mode gtp'")
        if words[0] == "selfplay" and shutil.which("selfplay") is None:  # it is this program
            words[:1] = [sys.executable, "-P", "-m", "selfplay.verbs.cli"]
        try:
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True, bufsize=0, env=safe_path.of_others(),
            )  # fmt: skip
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ValueError(f"{words[0]!r} cannot be started: {reason}") from error
        streams = self._process.stdin, self._process.stdout, self._process.stderr
        self._input, self._output, self._errors = (cast(BinaryIO, each) for each in streams)
        for pipe in (self._output, self._errors):
            os.set_blocking(pipe.fileno(), False)
        self._open = [self._output, self._errors]
        # where nobody closes it, it ends with this program
        self._finish = weakref.finalize(self, _end_group, self._process.pid)
        self._came, self._last_words, self._taken = bytearray(), b"", 0

    def send(self, line: str) -> None:
        """Raises ProcessFailed where it has ended."""
        self._taken = 0
        try:
            self._input.write(f"{line}\n".encode())
        except OSError as error:
            raise self._ended() from error

    def read_line(self, seconds: float) -> str | Slow:
        """The next line; raises ProcessFailed where none can come, or far too much does."""
        until = time.monotonic() + seconds
        while (end := self._came.find(b"\n")) < 0:
            if len(self._came) > _LINE:
                raise ProcessFailed(f"wrote a line of more than {_LINE:,} bytes")
            if self._output not in self._open:
                raise self._ended()
            left = until - time.monotonic()
            if left <= 0 or not self._wait(left):
                return Slow()
        line = self._came[:end].decode("utf-8", "replace")
        del self._came[: end + 1]
        self._taken += end + 1
        if self._taken > REPLY:
            raise ProcessFailed(f"answered with more than {REPLY:,} bytes")
        return line

    def close(self) -> None:
        """Ends it and all that it started: it may leave by itself for a moment."""
        with contextlib.suppress(OSError):
            self._input.write(b"quit\n")
        with contextlib.suppress(OSError):
            self._input.close()
        until = time.monotonic() + _GRACE_S
        while self._open and time.monotonic() < until and self._process.poll() is None:
            self._wait(0.05)  # else it could wait for somebody to read
            self._came.clear()
        self.kill()

    def kill(self) -> None:
        """Ends it and all that it started, at once."""
        self.abort()
        self._process.wait()
        for pipe in (self._input, self._output, self._errors):
            with contextlib.suppress(OSError):
                pipe.close()
        self._open = []

    def abort(self) -> None:
        """Ends it while another thread waits for its answer, who then finds that it has ended."""
        self._finish()

    def _wait(self, seconds: float) -> bool:
        """Takes what has come within the time; False if nothing has."""
        ready, _, _ = select.select(self._open, [], [], seconds)
        for pipe in ready:
            part = pipe.read(_CHUNK)
            if not part:
                self._open.remove(pipe)
            elif pipe is self._output:
                self._came += part
            else:
                self._last_words = (self._last_words + part)[-_LAST_WORDS:]
        return bool(ready)

    def _ended(self) -> ProcessFailed:
        """The sentence about a program that has ended by itself."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_S)
        code = self._process.poll()
        while self._errors in self._open and self._wait(0.1):
            pass
        said = self._last_words.decode("utf-8", "replace").strip().splitlines()
        words = f"; its last words: {said[-1]}" if said else ""
        how = "closed its output" if code is None else f"ended with code {code}"
        return ProcessFailed(f"{how}{words}")


def _end_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
