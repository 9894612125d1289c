"""``selfplay WORDS`` as a user gives it: answered within this process, or by one of its own.

A process of its own takes seconds to import torch.  Only what needs one gets one: signals, closed
outputs, what is imported.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from unittest import mock

import numba

from selfplay.verbs import cli

COMMAND = [sys.executable, "-m", "selfplay.verbs.cli"]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Stream(io.TextIOWrapper):
    """What is written, in memory; a terminal only in name."""

    def __init__(self, terminal: bool, encoding: str, errors: str) -> None:
        super().__init__(io.BytesIO(), encoding, errors, write_through=True)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    def text(self) -> str:
        self.seek(0)
        return self.read()


def run(
    place: Path,
    *words: str,
    typed: str | None = "",
    terminal: bool = False,
    encoding: str = "utf-8",
    **environment: str,
) -> CompletedProcess[str]:
    """The exit code and the output of ``selfplay WORDS`` in the folder ``place``.

    Standard input holds what is ``typed`` and then ends; None: it is closed.
    """
    out = Stream(terminal, encoding, "strict")
    err = Stream(terminal, encoding, "backslashreplace")  # as Python has it
    with (
        contextlib.chdir(place),
        modules_of(place),
        mock.patch.dict(os.environ, surroundings(environment)),
        mock.patch.object(sys, "argv", ["selfplay", *words]),
        mock.patch.object(sys, "stdin", None if typed is None else io.StringIO(typed)),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            code = cli.main(words)
        except SystemExit as end:
            code = int(end.code or 0)
    return CompletedProcess(words, code, out.text(), err.text())


def run_apart(place: Path, *words: str, **environment: str) -> CompletedProcess[str]:
    """The same from a process of its own, with nothing typed."""
    return subprocess.run(
        [*COMMAND, *words],
        cwd=place,
        env=os.environ | surroundings(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def begun(place: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """The same while it goes on, a group of processes of its own."""
    return subprocess.Popen(
        [*COMMAND, *words],
        cwd=place,
        env=os.environ | surroundings(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until(true: Callable[[], object], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def answer(done: CompletedProcess[str], code: int = 0) -> Any:
    """The one JSON object on standard output."""
    assert done.returncode == code, done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def refused(done: CompletedProcess[str], code: int = 1) -> str:
    """The one sentence on standard error, with nothing on standard output."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr.strip()


def surroundings(environment: dict[str, str]) -> dict[str, str]:
    """``environment`` with a width, and the kernels that are compiled already."""
    return {"COLUMNS": "100", "NUMBA_CACHE_DIR": str(numba.config.CACHE_DIR), **environment}


@contextlib.contextmanager
def modules_of(place: Path) -> Iterator[None]:
    """Forgets, at the end, the search path of a command and what it imported from ``place``."""
    path, known = [*sys.path], set(sys.modules)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(f"{place}{os.sep}"):
                del sys.modules[name]
