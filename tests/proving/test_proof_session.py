"""An attempt at a problem, inference by inference: hints, undo, and attempts that are over."""

from __future__ import annotations

import numpy as np
import pytest
from reference import assert_even

from envs.proving.logic.tptp import parse_problem
from selfplay.play.proof import ProofSession
from selfplay.proving.guided import unguided


def test_the_hint_of_an_attempt_takes_equal_inferences_equally_often() -> None:
    """Three facts close the goal alike; the hint of a position stays, however often it is shown."""
    facts = " ".join(f"fof(f{i}, axiom, p(a{i}) | q(a{i}))." for i in range(3))
    problem = parse_problem(f"{facts} fof(goal, conjecture, ? [X] : (p(X) & r(X))).", "alike")
    session, hints = ProofSession(unguided(), problem), []
    for _ in range(60):
        session.play(0)
        hints.append(session.best())
        assert session.best() == hints[-1]
        session.undo()
    assert_even(np.bincount(hints, minlength=3), [[0, 1, 2]])


def test_an_attempt_that_is_over_from_the_start() -> None:
    session = ProofSession(unguided(), parse_problem("cnf(a, axiom, p).", "alone"))
    assert session.now.over
    assert session.legal() == []
    assert not session.is_proved()
    session.search(10)
    with pytest.raises(ValueError, match="the attempt is over: 'u' takes back"):
        session.opinion()
    with pytest.raises(ValueError, match="this is where the attempt begins"):
        session.undo()
    absurd = ProofSession(unguided(), parse_problem("cnf(a, axiom, $false).", "absurd"))
    assert not absurd.now.over
    absurd.play(absurd.best())
    assert absurd.is_proved()


def test_what_was_searched_is_kept_as_long_as_the_position_is() -> None:
    text = "fof(a, axiom, p(a) | p(b)). fof(b, axiom, q). fof(c, conjecture, (? [X] : p(X)) & q)."
    session = ProofSession(unguided(), parse_problem(text, "kept"))
    session.search(8)
    first = session.opinion()
    session.play(session.best())
    session.undo()
    assert session.opinion() is first
