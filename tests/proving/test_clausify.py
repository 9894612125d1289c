"""Clause forms: what they look like.  That they mean what the problem does, test_certificate.py
finds out by going through small worlds."""

from __future__ import annotations

import time

import pytest

from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import Atom, ClauseForm, Formula, Iff, Problem, Statement
from envs.proving.logic.tptp import parse_problem
from envs.proving.logic.tptp_writer import clause_text

NOTHING: frozenset[str] = frozenset()


def form(*lines: str) -> ClauseForm:
    return clausify(parse_problem("\n".join(lines), "test"))


def texts(*lines: str) -> list[str]:
    """The clauses of a problem as text."""
    return [clause_text(clause) for clause in form(*lines).clauses]


def test_clauses_in_the_order_of_the_statements_with_unique_names_and_roles() -> None:
    result = form(
        "fof(a, axiom, p & q & (r | s)).",
        "fof(goal, conjecture, p => q).",
        "fof(a_2, axiom, t).",
        "cnf('a b', negated_conjecture, ~ u(X)).",
        "fof('a b', axiom, v & w).",
    )
    assert [(c.name, c.source, c.role, clause_text(c)) for c in result.clauses] == [
        ("a", "a", "axiom", "p"),
        ("a_3", "a", "axiom", "q"),
        ("a_4", "a", "axiom", "r | s"),
        ("goal", "goal", "negated_conjecture", "p"),
        ("goal_2", "goal", "negated_conjecture", "~ q"),
        ("a_2", "a_2", "axiom", "t"),
        ("'a b'", "'a b'", "negated_conjecture", "~ u(X)"),
        ("'a b_2'", "'a b'", "axiom", "v"),
        ("'a b_3'", "'a b'", "axiom", "w"),
    ]
    assert result[2:6] == (True, False, NOTHING, NOTHING)  # no equality, nothing made up
    assert form("cnf(a, negated_conjecture, p).").conjecture


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("fof(a, conjecture, p). fof(b, axiom, q). fof(c, conjecture, r).", ["~ p | ~ r", "q"]),
        # Skolem functions take only the variables that they depend on
        ("fof(a, axiom, ! [X] : (p(X) => ? [Y] : q(Y))).", ["~ p(X) | q(sk1)"]),
        ("fof(a, axiom, ! [X,Z] : ? [Y] : (p(X,Y) & r(Z))).", ["p(X,sk1(X))", "r(Z)"]),
        ("fof(a, axiom, ! [X] : ? [Y,Z] : q(X,Y,Z)).", ["q(X,sk1(X),sk2(X))"]),
        # variables of different quantifiers are kept apart
        ("fof(a, axiom, (! [X] : p(X)) | ! [X] : q(X)).", ["p(X) | q(X_1)"]),
        ("fof(a, axiom, ! [X] : (p(X) | ! [X] : q(X))).", ["p(X) | q(X_1)"]),
        # tautologies and repeated literals go
        ("cnf(a, axiom, p | q | p). cnf(b, axiom, p | ~ p).", ["p | q"]),
        ("fof(a, axiom, $true). fof(b, axiom, p | $false).", ["p"]),
        ("fof(a, axiom, $false).", ["$false"]),
        ("cnf(a, axiom, $false).", ["$false"]),
    ],
)
def test_clauses(text: str, clauses: list[str]) -> None:
    assert texts(text) == clauses


def test_new_names_are_not_in_the_problem() -> None:
    result = form("fof(a, axiom, ? [X] : p(sk1, X)).", "fof(b, axiom, sk2).")
    assert not result.conjecture  # the axioms are what is refuted
    assert [clause_text(clause) for clause in result.clauses] == ["p(sk1,sk3)", "sk2"]
    assert result.skolem == {"sk3"}


def test_what_would_blow_up_gets_names_and_nothing_else_does() -> None:
    pairs = " | ".join(f"(a{i} & b{i})" for i in range(40))  # 2 ** 40 clauses if distributed
    result = form(f"fof(a, axiom, {pairs}).")
    assert len(result.clauses) == 64 + 2 * 34  # six pairs are left, the others are defined
    assert len(result.defined) == 34
    assert {clause.role for clause in result.clauses[:64]} == {"axiom"}
    assert {clause.role for clause in result.clauses[64:]} == {"definition"}
    assert clause_text(result.clauses[64]) == "~ def1 | a0"
    six = form("fof(a, axiom, " + " | ".join(f"(a{i} & b{i})" for i in range(6)) + ").")
    assert (len(six.clauses), six.defined) == (64, NOTHING)


def test_a_definition_is_over_the_free_variables() -> None:
    pairs = " | ".join(f"(p{i}(X,Y) & q{i}(Y))" for i in range(7))
    result = form(f"fof(a, axiom, ! [X] : ? [Y] : ({pairs})).")
    assert clause_text(result.clauses[0]).startswith("def1(X,sk1(X)) | p1(X,sk1(X)) | ")
    last = [clause_text(clause) for clause in result.clauses[-2:]]
    assert last == ["~ def1(X,Y) | p0(X,Y)", "~ def1(X,Y) | q0(Y)"]


def test_chains_of_equivalences_stay_small() -> None:
    chain: Formula = Atom("p0")
    for i in range(1, 100):
        chain = Iff(chain, Atom(f"p{i}"))
        if i in (11, 99):
            problem = Problem("chain", (Statement("a", "axiom", chain, "fof"),))
            assert len(clausify(problem).clauses) < 40 * (i + 1)


def test_axioms_of_equality_come_last_and_only_where_an_equation_is() -> None:
    result = form("fof(a, axiom, ! [X] : f(X,c) = X).", "fof(b, axiom, ? [Y] : p(Y)).")
    assert result.equality
    assert [(c.name, clause_text(c)) for c in result.clauses if c.role == "equality"] == [
        ("reflexivity", "X = X"),
        ("symmetry", "X != Y | Y = X"),
        ("transitivity", "X != Y | Y != Z | X = Z"),
        ("congruence_of_f", "X1 != Y1 | X2 != Y2 | f(X1,X2) = f(Y1,Y2)"),
        ("congruence_of_p", "X1 != Y1 | ~ p(X1) | p(Y1)"),
    ]
    assert all(c.source == "" for c in result.clauses if c.role == "equality")
    assert result.clauses[-1].role == "equality"
    assert not form("fof(a, axiom, p(c)).").equality


def test_distinct_objects_are_unequal_where_equality_is_used() -> None:
    objects = texts('cnf(a, axiom, p("A") | "B" = "C").')[-3:]
    assert objects == ['"A" != "B"', '"A" != "C"', '"B" != "C"']
    assert texts('cnf(a, axiom, p("A", "B")).') == ['p("A","B")']
    values = texts("cnf(a, axiom, p(1, 2, 1.0, 4/2, 1e-99999999) | b = 1).")
    assert [one for one in values if one[0].isdigit()] == [
        "1 != 2", "1 != 4/2", "1 != 1e-99999999", "2 != 1.0", "2 != 1e-99999999",
        "1.0 != 4/2", "1.0 != 1e-99999999",
    ]  # fmt: skip
    many = " | ".join(f'p("{i}")' for i in range(500))
    with pytest.raises(ValueError, match="has 500 distinct objects, which takes 124750 inequal"):
        form(f"cnf(a, axiom, {many} | a = b).")


def test_thousands_of_clauses_take_a_second() -> None:
    lines = [f"cnf(c{i}, axiom, p(X,f{i}(Y)) | ~ p(f{i}(X),Y))." for i in range(5000)]
    start = time.perf_counter()
    result = form(*lines)
    assert len(result.clauses) == 5000
    assert clause_text(result.clauses[4999]) == "p(X,f4999(Y)) | ~ p(f4999(X),Y)"
    assert time.perf_counter() - start < 10
