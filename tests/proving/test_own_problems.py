"""The problems that come with the project: sourced, readable, true."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from formulas import denied, holds, symbols_in, worlds

from envs.proving.game import OWN
from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import Formula
from envs.proving.logic.tptp import problem_files, read_problem

FILES = problem_files(OWN)
MANY = 4096  # worlds that are gone through


def number_of_worlds(formula: Formula, size: int) -> int:
    functions, predicates = symbols_in(formula)
    exponent = sum(size**arity for _, arity in predicates)
    return int(2**exponent * np.prod([float(size) ** size**arity for _, arity in functions]))


def test_the_folders_hold_what_they_say() -> None:
    counts = {folder.name: len(problem_files(folder)) for folder in sorted(OWN.iterdir())}
    assert counts == {"groups": 17, "pelletier": 67, "puzzles": 18, "sets": 37}
    numbers = [int(path.stem[-2:]) for path in problem_files(OWN / "pelletier")]
    assert numbers == [*range(1, 68)]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_each_problem_names_its_source_and_asks_something(path: Path) -> None:
    header = path.read_text(encoding="utf-8").split("\n\n")[0]
    assert re.search(r"^% Source: .+", header, re.MULTILINE)
    problem = read_problem(path)
    assert problem.name == path.stem
    form = clausify(problem)
    assert form.conjecture
    assert any(clause.role == "negated_conjecture" for clause in form.clauses)
    names = [clause.name for clause in form.clauses]
    assert len(set(names)) == len(names)


def test_no_small_world_contradicts_a_problem() -> None:
    searched = decided = 0
    for path in FILES:
        formula = denied(read_problem(path))
        for size in (1, 2):
            if number_of_worlds(formula, size) <= MANY:
                searched += 1
                world = worlds(*symbols_in(formula), size)
                assert not holds(formula, world, size, {}).any(), path
        decided += not any(arity for _, arity in symbols_in(formula)[1])
    assert searched >= 150
    assert decided >= 18  # propositional: the one world of each row of the table decides them
