"""Unguided search: what it proves is accepted, what it exhausts is satisfiable."""

from __future__ import annotations

import time

import numpy as np
import pytest
from provers import is_accepted, library_of
from pysat.solvers import Solver

from envs.proving.calculus.deepening import Attempt, deepen
from envs.proving.calculus.matrix import Library, build_library
from envs.proving.game import load_library
from envs.proving.logic.formula import Atom, Clause, ClauseForm, Literal
from envs.proving.proofs.extract import proof_of

LATER = {  # of the problems that ship: 20,000 inferences do not prove them, a million do
    "pelletier_29", "pelletier_62", "pelletier_67", "wolf_goat_cabbage",
    "intersection_associative", "union_associative",
}  # fmt: skip
UNPROVED = {  # a million do not
    # equality by its axioms: every term can be replaced everywhere
    "cancellation", "inverse_of_inverse", "inverse_of_product", "right_identity", "right_inverse",
    "squares", "unique_inverse", "pelletier_49", "pelletier_53", "pelletier_54", "pelletier_55",
    "pelletier_63", "pelletier_64", "pelletier_65",
    # products as a relation: proofs of many steps from few clauses
    "squares_relational",
    # if and only if within if and only if: many clauses from one statement
    "pelletier_34", "pelletier_38",
    # condensed detachment: one rule, ever larger terms
    "pelletier_66",
    # equal sets by their members: cases within cases
    "de_morgan", "distributive", "power_intersection", "power_union", "union_distributive",
}  # fmt: skip


def propositional(clauses: list[list[int]]) -> ClauseForm:
    """The clause form of clauses as a SAT solver reads them."""
    made = [
        Clause(
            tuple(Literal(literal > 0, Atom(f"p{abs(literal)}", ())) for literal in clause),
            f"c{number}",
            "",
            "axiom",
        )
        for number, clause in enumerate(clauses)
    ]
    return ClauseForm("random", tuple(made), False, False, frozenset(), frozenset())


def random_clauses(rng: np.random.Generator, letters: int, count: int) -> list[list[int]]:
    """Clauses of one to three different letters."""
    clauses = []
    for _ in range(count):
        chosen = rng.choice(letters, rng.integers(1, 4), replace=False) + 1
        signs = rng.choice([-1, 1], len(chosen))
        clauses.append((chosen * signs).tolist())
    return clauses


def satisfiable(clauses: list[list[int]]) -> bool:
    with Solver("cadical153", bootstrap_with=clauses) as solver:
        return bool(solver.solve())


def accepted(library: Library, problem: int, attempt: Attempt) -> bool:
    return is_accepted(library, problem, attempt.tableau)


def unproved(library: Library, names: set[str], inferences: int) -> set[str]:
    """Those of the problems that are not proved; the proofs of the others are checked."""
    found = set()
    for problem, form in enumerate(library.forms):
        if form.name in names:
            attempt = deepen(library.matrix, problem, inferences=inferences)
            if not attempt.proved:
                found.add(form.name)
            else:
                assert accepted(library, problem, attempt), form.name
    return found


def test_the_problems_that_ship() -> None:
    library = load_library()
    names = {form.name for form in library.forms}
    assert unproved(library, names, 20_000) == LATER | UNPROVED


@pytest.mark.slow
def test_the_harder_problems_that_ship() -> None:
    assert unproved(load_library(), LATER | UNPROVED, 1_000_000) == UNPROVED


@pytest.mark.parametrize("cut", [True, False])
def test_propositional_clauses_are_decided_as_a_sat_solver_does(cut: bool) -> None:
    rng = np.random.default_rng(0)
    answers = {True: 0, False: 0}
    for _ in range(400):
        clauses = random_clauses(rng, 5, int(rng.integers(6, 14)))
        library = build_library([propositional(clauses)])
        attempt = deepen(library.matrix, 0, inferences=1_000_000, cut=cut)
        assert attempt.proved != attempt.exhausted  # decided
        assert attempt.proved == (not satisfiable(clauses))
        if attempt.proved:
            assert accepted(library, 0, attempt)
        answers[attempt.proved] += 1
    assert min(answers.values()) >= 80


# p(X) can be closed in two ways, and the first that comes suits the goal beside it badly
TRAP = """
cnf(goal, negated_conjecture, ~ p(X) | ~ q(X)).
cnf(first, axiom, p(a)).
cnf(second, axiom, p(b)).
cnf(beside, axiom, q(b)).
"""


def test_restricted_backtracking_loses_proofs() -> None:
    library = library_of(TRAP)
    restricted = deepen(library.matrix, 0, inferences=10_000, complete_from=10**6)
    free = deepen(library.matrix, 0, inferences=10_000, cut=False)
    assert free.proved
    assert accepted(library, 0, free)
    # nothing that the limit forbids is left: the search began again without restriction
    assert restricted.proved
    assert restricted.rounds > free.rounds
    assert restricted.inferences > free.inferences


def test_restricted_backtracking_alone_never_proves_the_trap() -> None:
    """A clause that can always grow keeps the restricted rounds going: none proves it."""
    library = library_of(TRAP + "cnf(grows, axiom, q(X) | ~ q(f(X))).\n")
    cut = deepen(library.matrix, 0, inferences=2_000, complete_from=10**6)
    assert (cut.proved, cut.exhausted) == (False, False)
    assert cut.rounds > 10
    assert deepen(library.matrix, 0, inferences=2_000, complete_from=7).proved
    assert deepen(library.matrix, 0, inferences=2_000, cut=False).proved


def test_a_satisfiable_problem_is_exhausted_only_where_nothing_was_forbidden() -> None:
    finite = library_of("cnf(a, axiom, p(a)). cnf(g, negated_conjecture, ~ p(b) | ~ p(a)).")
    attempt = deepen(finite.matrix, 0, inferences=10_000)
    assert (attempt.proved, attempt.exhausted) == (False, True)
    endless = library_of("cnf(a, axiom, p(X) | ~ p(f(X))). cnf(g, negated_conjecture, ~ p(b)).")
    attempt = deepen(endless.matrix, 0, inferences=10_000)
    assert (attempt.proved, attempt.exhausted, attempt.inferences) == (False, False, 10_000)


def test_what_is_too_wide_is_not_exhausted() -> None:
    """A start clause with more literals than a tableau has nodes cannot be tried."""
    wide = " | ".join(f"~ p(c{i})" for i in range(9000))
    attempt = deepen(library_of(f"cnf(g, negated_conjecture, {wide}).").matrix, 0, 1000)
    assert attempt[:3] == (False, False, 0)


def test_without_a_negative_clause_there_is_nothing_to_try() -> None:
    attempt = deepen(library_of("cnf(a, axiom, p | q). cnf(b, axiom, p | ~ q).").matrix, 0, 1000)
    assert attempt[:3] == (False, True, 0)


def test_goals_alone_do_not_suffice_where_the_axioms_contradict_each_other() -> None:
    library = library_of(
        "cnf(g, negated_conjecture, ~ goal). cnf(a, axiom, p | q). cnf(b, axiom, p | ~ q)."
        "cnf(c, axiom, ~ p | q). cnf(d, axiom, ~ p | ~ q)."
    )
    attempt = deepen(library.matrix, 0, inferences=10_000)
    assert attempt.proved
    assert accepted(library, 0, attempt)
    assert proof_of(library, 0, attempt.tableau).instances[0].clause == "d"


EQUALITY = """
fof(one, axiom, a = b).
fof(two, axiom, f(b) = c).
fof(three, axiom, p(c)).
fof(goal, conjecture, p(f(a))).
"""


def test_equality_axioms_are_used() -> None:
    library = library_of(EQUALITY)
    attempt = deepen(library.matrix, 0, inferences=10_000)
    assert attempt.proved
    assert accepted(library, 0, attempt)
    used = {instance.clause for instance in proof_of(library, 0, attempt.tableau).instances}
    roles = {clause.role for clause in library.forms[0].clauses if clause.name in used}
    assert "equality" in roles
    assert {"one", "two", "three"} <= {
        clause.source for clause in library.forms[0].clauses if clause.name in used
    }


def test_the_budget_is_kept_and_counts_all_rounds() -> None:
    library = load_library()
    names = [form.name for form in library.forms]
    hard = names.index("pelletier_34")
    for budget in (1, 100, 5_000):
        assert deepen(library.matrix, hard, inferences=budget).inferences == budget
    begun = time.perf_counter()
    late = deepen(library.matrix, hard, seconds=0.2)
    assert not late.proved
    assert 0.2 <= late.seconds <= time.perf_counter() - begun < 2
    asked = []
    stopped = deepen(library.matrix, hard, stop=lambda: asked.append(1) or len(asked) == 3)
    assert not stopped.proved
    assert len(asked) == 3


def test_the_same_search_twice() -> None:
    library = load_library()
    for problem in range(0, len(library.forms), 20):
        first, second = (deepen(library.matrix, problem, inferences=3_000) for _ in range(2))
        assert first._replace(seconds=0, tableau=None) == second._replace(seconds=0, tableau=None)
        assert (first.tableau.closed == second.tableau.closed).all()
