"""Requests to end: who hears them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from selfplay.system.interrupts import interrupts
from selfplay.verbs import cli


def test_each_request_is_heard_and_handlers_are_given_back() -> None:
    asking = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(each) for each in asking]
    heard: list[bool] = []
    with interrupts(heard.append):
        for each in asking:
            os.kill(os.getpid(), each)
    assert heard == [True, False, False]
    assert [signal.getsignal(each) for each in asking] == before


@pytest.mark.parametrize(("code", "children", "left"), [(130, 0, [130]), (130, 1, []), (1, 0, [])])
def test_an_interrupted_program_leaves_without_taking_itself_apart(
    code: int,
    children: int,
    left: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def answer(_: list[str]) -> int:
        print("% SZS status User for p", end="")
        return code

    ends: list[int] = []
    monkeypatch.setattr(cli, "_main", answer)
    monkeypatch.setattr("multiprocessing.active_children", lambda: [None] * children)
    monkeypatch.setattr(os, "_exit", ends.append)
    assert cli.main() == code
    assert cli.main([]) == code
    assert ends == left
    assert capfd.readouterr().out.startswith("% SZS status User for p")


LEAVING = """
import multiprocessing
from selfplay.system.interrupts import leave_at_once
held = [multiprocessing.get_context("spawn").Event()]
held.append(held)  # as an exception's frames hold what they were at
del held
leave_at_once(130)
"""


def test_leaving_at_once_leaves_no_semaphores() -> None:
    """Or who tracks them would print a warning after the last line."""
    words = [sys.executable, "-c", LEAVING]
    done = subprocess.run(words, capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stderr) == (130, "")
