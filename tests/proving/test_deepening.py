"""Unguided search: what it proves is accepted, what it exhausts is satisfiable."""

from __future__ import annotations

import time

import numpy as np
import pytest
from provers import TRAP, is_accepted, library_of, number_of
from pysat.solvers import Solver

from envs.proving.calculus.deepening import deepen
from envs.proving.calculus.matrix import Library
from envs.proving.proofs.extract import proof_of
from selfplay.proving import searches
from selfplay.proving.searches import search_unguided
from selfplay.proving.trials import Bounds

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


def random_clauses(rng: np.random.Generator, letters: int, count: int) -> list[list[int]]:
    """Clauses of one to three different letters."""
    clauses = []
    for _ in range(count):
        chosen = rng.choice(letters, rng.integers(1, 4), replace=False) + 1
        signs = rng.choice([-1, 1], len(chosen))
        clauses.append((chosen * signs).tolist())
    return clauses


def unproved(library: Library, names: set[str], inferences: int) -> set[str]:
    """Those of the problems that are not proved; the proofs of the others are checked."""
    open_ones = set()
    for name in names:
        problem = number_of(library, name)
        attempt = deepen(library.matrix, problem, inferences=inferences)
        if not attempt.proved:
            open_ones.add(name)
        else:
            assert is_accepted(library, problem, attempt.tableau), name
    return open_ones


def test_the_problems_that_ship(own: Library) -> None:
    assert unproved(own, {form.name for form in own.forms}, 20_000) == LATER | UNPROVED


@pytest.mark.slow
def test_the_harder_problems_that_ship(own: Library) -> None:
    assert unproved(own, LATER | UNPROVED, 1_000_000) == UNPROVED


@pytest.mark.parametrize("cut", [True, False])
def test_propositional_clauses_are_decided_as_a_sat_solver_does(cut: bool) -> None:
    rng = np.random.default_rng(0)
    answers = {True: 0, False: 0}
    for _ in range(400):
        clauses = random_clauses(rng, 5, int(rng.integers(6, 14)))
        texts = (" | ".join(f"p{n}" if n > 0 else f"~ p{-n}" for n in clause) for clause in clauses)
        library = library_of("".join(f"cnf(c, axiom, {text})." for text in texts))
        attempt = deepen(library.matrix, 0, inferences=1_000_000, cut=cut)
        assert attempt.proved != attempt.exhausted  # decided
        with Solver("cadical153", bootstrap_with=clauses) as solver:
            assert attempt.proved == (not solver.solve())
        if attempt.proved:
            assert is_accepted(library, 0, attempt.tableau)
        answers[attempt.proved] += 1
    assert min(answers.values()) >= 80


def test_restricted_backtracking_loses_proofs() -> None:
    library = library_of(TRAP)
    restricted = deepen(library.matrix, 0, inferences=10_000, complete_from=10**6)
    free = deepen(library.matrix, 0, inferences=10_000, cut=False)
    # nothing that the limit forbids is left: the search began again without restriction
    assert free.proved is restricted.proved is True
    assert is_accepted(library, 0, free.tableau)
    assert restricted.rounds > free.rounds
    assert restricted.inferences > free.inferences
    # a clause that can always grow keeps the restricted rounds going: none proves it
    matrix = library_of(TRAP + "cnf(grows, axiom, q(X) | ~ q(f(X))).\n").matrix
    cut = deepen(matrix, 0, inferences=2_000, complete_from=10**6)
    assert (cut.proved, cut.exhausted) == (False, False)
    assert cut.rounds > 10
    assert deepen(matrix, 0, inferences=2_000, complete_from=7).proved
    assert deepen(matrix, 0, inferences=2_000, cut=False).proved


@pytest.mark.parametrize(
    ("text", "exhausted", "inferences"),
    [
        ("cnf(a, axiom, p(a)). cnf(g, negated_conjecture, ~ p(b) | ~ p(a)).", True, 2),
        # what the limit forbids is not all that there is
        ("cnf(a, axiom, p(X) | ~ p(f(X))). cnf(g, negated_conjecture, ~ p(b)).", False, 10_000),
        ("cnf(a, axiom, p | q). cnf(b, axiom, p | ~ q).", True, 0),  # no negative clause
        # a start clause with more literals than a tableau has nodes cannot be tried
        (f"cnf(g, negated_conjecture, {' | '.join(f'~ p(c{i})' for i in range(9000))}).", False, 0),
    ],
    ids=["finite", "endless", "nothing to begin with", "too wide"],
)
def test_what_is_exhausted(text: str, exhausted: bool, inferences: int) -> None:
    attempt = deepen(library_of(text).matrix, 0, inferences=10_000)
    assert attempt[:3] == (False, exhausted, inferences)


def test_goals_alone_do_not_suffice_where_the_axioms_contradict_each_other() -> None:
    library = library_of(
        "cnf(g, negated_conjecture, ~ goal). cnf(a, axiom, p | q). cnf(b, axiom, p | ~ q)."
        "cnf(c, axiom, ~ p | q). cnf(d, axiom, ~ p | ~ q)."
    )
    attempt = deepen(library.matrix, 0, inferences=10_000)
    assert attempt.proved
    assert is_accepted(library, 0, attempt.tableau)
    assert proof_of(library, 0, attempt.tableau).instances[0].clause == "d"


def test_the_budget_is_kept_and_counts_all_rounds(own: Library) -> None:
    hard = number_of(own, "pelletier_34")
    for budget in (1, 100, 5_000):
        assert deepen(own.matrix, hard, inferences=budget).inferences == budget
    begun = time.perf_counter()
    late = deepen(own.matrix, hard, seconds=0.2)
    assert not late.proved
    assert 0.2 <= late.seconds <= time.perf_counter() - begun < 2
    asked = []
    stopped = deepen(own.matrix, hard, stop=lambda: asked.append(1) or len(asked) == 3)
    assert not stopped.proved
    assert len(asked) == 3


# First in the order of the clauses, then in random orders -----------------------------------------


def test_short_searches_are_those_in_order_and_the_same_each_time(own: Library) -> None:
    for problem in range(0, len(own.forms), 5):
        plain, again = (deepen(own.matrix, problem, inferences=2000) for _ in range(2))
        assert plain._replace(seconds=0, tableau=None) == again._replace(seconds=0, tableau=None)
        assert (plain.tableau.closed == again.tableau.closed).all()
        assert search_unguided(own.matrix, problem, Bounds(inferences=2000))[:3] == plain[:3]


def test_other_orders_prove_what_the_first_does_not(
    own: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "IN_ORDER", 300)
    monkeypatch.setattr(searches, "_SHUFFLED", 300)
    more = 0
    for problem in range(len(own.forms)):
        plain = deepen(own.matrix, problem, inferences=300)
        found = search_unguided(own.matrix, problem, Bounds(inferences=3000))
        assert found.inferences <= 3000
        assert found.proved or not plain.proved
        if found.proved and not plain.proved and found.inferences > 300:
            more += 1
            assert is_accepted(own, problem, found.tableau)
    assert more >= 3


def test_budgets_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what takes long in any order is found in the end."""
    text = "cnf(g, negated_conjecture, ~ p(a)). cnf(o, axiom, p(X) | ~ p(f(X)) | ~ q(X))."
    endless = library_of(text + "cnf(q, axiom, q(X)).")
    monkeypatch.setattr(searches, "IN_ORDER", 100)
    monkeypatch.setattr(searches, "_SHUFFLED", 10)
    budgets: list[int] = []
    plain = deepen

    def noted(matrix: object, problem: int, inferences: int, *rest: object, **named: object):  # type: ignore[no-untyped-def]
        budgets.append(inferences)
        return plain(matrix, problem, inferences, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(searches, "deepen", noted)
    found = search_unguided(endless.matrix, 0, Bounds(inferences=100 + 80 + 160 + 25))
    assert not found.proved
    assert budgets == [100] + 8 * [10] + 8 * [20] + [25]
    assert found.inferences == sum(budgets)


def test_it_ends_when_there_is_nothing_left_to_try_or_the_user_says_so() -> None:
    text = "cnf(g, negated_conjecture, ~ p(X) | ~ q(X)). cnf(a, axiom, p(a)). cnf(b, axiom, q(b))."
    assert search_unguided(library_of(text).matrix, 0)[:2] == (False, True)
    text = "cnf(g, negated_conjecture, ~ p(a)). cnf(o, axiom, p(X) | ~ p(f(X)))."
    endless = library_of(text + "cnf(q, axiom, p(b)).").matrix
    asked = iter(np.zeros(3))
    stopped = search_unguided(endless, 0, stop=lambda: next(asked, 1.0) > 0)
    late = search_unguided(endless, 0, Bounds(seconds=0.2))
    assert stopped[:2] == late[:2] == (False, False)
    assert late.seconds < 5
