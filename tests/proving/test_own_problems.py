"""The problems that come with the project: sourced, readable, true, and graded families."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from families import FAMILIES, toy_family
from formulas import formula_symbols, holds, worlds

import envs.proving
from envs.proving.calculus.deepening import deepen
from envs.proving.calculus.matrix import build_library
from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import And, Formula, Implies, Not, Problem
from envs.proving.logic.tptp import parse_problem, problem_files, read_problem
from envs.proving.logic.tptp_writer import statement_text

FOLDER = Path(envs.proving.__file__).parent / "problems"
FILES = problem_files(FOLDER)
MANY = 4096  # worlds that are gone through


def claim(problem: Problem) -> Formula:
    """That the conjecture follows; of clauses, that they contradict each other."""
    axioms = tuple(s.formula for s in problem.statements if s.role != "conjecture")
    conjectures = tuple(s.formula for s in problem.statements if s.role == "conjecture")
    return Implies(And(axioms), And(conjectures)) if conjectures else Not(And(axioms))


def number_of_worlds(formula: Formula, size: int) -> int:
    functions, predicates = formula_symbols(formula)
    exponent = sum(size**arity for _, arity in predicates)
    return int(2**exponent * np.prod([float(size) ** size**arity for _, arity in functions]))


def test_the_folders_hold_what_they_say() -> None:
    counts = {folder.name: len(problem_files(folder)) for folder in sorted(FOLDER.iterdir())}
    assert counts == {"groups": 17, "pelletier": 67, "puzzles": 18, "sets": 37}
    numbers = [int(path.stem[-2:]) for path in problem_files(FOLDER / "pelletier")]
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
        formula = claim(read_problem(path))
        for size in (1, 2):
            if number_of_worlds(formula, size) <= MANY:
                searched += 1
                for world in worlds(*formula_symbols(formula), size):
                    assert holds(formula, world, size, {}), path
        decided += not any(arity for _, arity in formula_symbols(formula)[1])
    assert searched >= 150
    assert decided >= 18  # propositional: the one world of each row of the table decides them


def test_most_problems_fall_to_the_unguided_search() -> None:
    library = build_library([clausify(read_problem(path)) for path in FILES])
    proved = [
        path.stem
        for i, path in enumerate(FILES)
        if deepen(library.matrix, i, inferences=20_000).proved
    ]
    assert len(proved) >= 105
    assert {f"pelletier_{number:02d}" for number in range(1, 29)} <= set(proved)


@pytest.mark.parametrize("family", FAMILIES)
def test_families_grade_from_easy_to_hard(family: str) -> None:
    sizes = [1, 4, 8, 12]
    problems = toy_family(family, sizes, np.random.default_rng(0))
    assert [problem.name for problem in problems] == [
        f"{family}_{size}_{number}" for number, size in enumerate(sizes, 1)
    ]
    library = build_library([clausify(problem) for problem in problems])
    attempts = [deepen(library.matrix, i, inferences=200_000) for i in range(len(sizes))]
    assert all(attempt.proved for attempt in attempts)
    used = [attempt.inferences for attempt in attempts]
    assert used[0] < 100
    assert all(more > 2 * fewer for fewer, more in pairwise(used))
    assert used[-1] > 10_000


@pytest.mark.parametrize("family", FAMILIES)
def test_families_repeat_from_the_seed_and_read_back(family: str) -> None:
    once, again = (toy_family(family, [3, 3], np.random.default_rng(7)) for _ in range(2))
    assert once == again
    assert once[0].statements != once[1].statements
    for problem in once:
        text = "\n".join(statement_text(statement) for statement in problem.statements)
        assert parse_problem(text, problem.name) == problem


def test_families_name_what_is_wrong() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"^the families are chain, path, tower; you asked for x$"):
        toy_family("x", [1], rng)
    with pytest.raises(ValueError, match=r"^a path has a size of at least 1; you asked for 0$"):
        toy_family("path", [2, 0], rng)
