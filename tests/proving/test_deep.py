"""Deep recursion in a thread of its own."""

from __future__ import annotations

import signal
import sys
import threading
import time

import pytest

from envs.proving.logic.clausify import clausify
from envs.proving.logic.recursion import DEEPEST, StoppedError, deep, look, stoppable
from envs.proving.logic.tptp import parse_problem


@deep
def down(levels: int) -> int:
    return levels and 1 + sum(down(one) for one in [levels - 1])


def test_recursion_is_as_deep_as_formulas_are() -> None:
    before = sys.getrecursionlimit()
    assert down(DEEPEST) == DEEPEST
    assert sys.getrecursionlimit() == before


def test_errors_come_through() -> None:
    @deep
    def fails() -> None:
        raise ValueError("planted")

    with pytest.raises(ValueError, match="planted"):
        fails()


def test_what_is_asked_outside_is_asked_within() -> None:
    @deep
    def endless() -> None:
        while True:
            look()

    until = time.perf_counter() + 0.05
    with pytest.raises(StoppedError), stoppable(lambda: time.perf_counter() > until):
        endless()


def test_who_waits_hears_ctrl_c_and_the_work_ends() -> None:
    ended = threading.Event()

    @deep
    def endless() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        try:
            while True:
                look()
        finally:
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        endless()
    assert ended.wait(5)


@pytest.mark.parametrize(
    "formula",
    [
        "p & (" * 3000 + "q" + ")" * 3000,
        "~ " * 4001 + "q",
        "p | ~ (" * 1000 + "q" + ")" * 1000,
        "p(" + "s(" * 4000 + "a" + ")" * 4001,
        "q => (" * 1500 + "p" + ")" * 1500,
    ],
)
def test_formulas_of_thousands_of_levels_are_clausified(formula: str) -> None:
    assert clausify(parse_problem(f"fof(a, axiom, {formula}).", "made")).clauses
