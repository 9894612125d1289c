"""Proofs as people read them and as other provers do."""

from __future__ import annotations

import re

import pytest
from formulas import literals
from provers import proof_by_deepening

from envs.proving.game import OWN
from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import Not
from envs.proving.logic.tptp import parse_problem, read_problem
from envs.proving.proofs.checker import check_proof
from envs.proving.proofs.proof import EXTENSION, LEMMA, REDUCTION, Instance, Node, Proof
from envs.proving.proofs.proof_text import quoted, tableau_text, tstp, unquoted

PROBLEM = parse_problem(
    """fof('every one', axiom, ! [X] : (p(X) => (q(X,X) | r(X)))).
    cnf(12, axiom, ~ q(X,Y) | ~ p(Y)).
    fof(unused, axiom, s).
    fof(goal, conjecture, ! [X] : (p(X) => r(X))).""",
    "small",
)
FORM = clausify(PROBLEM)


def small_proof() -> Proof:
    """The proof of PROBLEM that begins with the goal's p(sk1)."""
    instances = (
        Instance("goal", literals("p(sk1)")),
        Instance("'every one'", literals("~ p(sk1) | q(sk1,sk1) | r(sk1)")),
        Instance("12", literals("~ q(sk1,sk1) | ~ p(sk1)")),
        Instance("goal_2", literals("~ r(sk1)")),
    )
    rows = (
        Node(literals("p(sk1)")[0], -1, EXTENSION, 1, 0, -1),
        Node(literals("q(sk1,sk1)")[0], 0, EXTENSION, 2, 0, -1),
        Node(literals("~ p(sk1)")[0], 1, REDUCTION, -1, -1, 0),
        Node(literals("r(sk1)")[0], 0, EXTENSION, 3, 0, -1),
    )
    return Proof("small", instances, rows)


def test_ascii_draws_the_same() -> None:
    """As what stands in the manual, which test_proving_game.py compares."""
    assert check_proof(FORM, small_proof())
    drawn = tableau_text(small_proof(), FORM, unicode=False)
    assert drawn.isascii()
    rich = tableau_text(small_proof(), FORM)
    for one, other in (("├─", "|-"), ("└─", "`-"), ("│", "|")):
        rich = rich.replace(one, other)
    assert drawn == rich


def test_variables_are_renamed_and_long_terms_written_once() -> None:
    problem = parse_problem("fof(s, axiom, ! [X,Y] : ? [Z] : (p(X,Z) & ~ p(Y,Z))).", "t")
    form = clausify(problem)
    first, second = form.clauses
    skolem = next(iter(form.skolem))
    long = f"{skolem}(f(f(a)),g(g(Other)))"
    positive, negative = literals(f"p(f(f(a)),{long})"), literals(f"~ p(g(g(Other)),{long})")
    rows = (Node(positive[0], -1, EXTENSION, 1, 0, -1), Node(negative[0], 0, LEMMA, -1, -1, 0))
    instances = (Instance(first.name, positive), Instance(second.name, negative))
    drawn = tableau_text(Proof("t", instances, rows), form)
    assert "└─ 1  p(f(f(a)),t1)        clause s_2\n" in drawn
    assert "   └─ 2  ~ p(g(g(X1)),t1)  lemma node 1\n" in drawn
    assert f"\nwhere\n  t1 = {skolem}(f(f(a)),g(g(X1)))\n" in drawn


def test_a_derivation_is_written() -> None:
    text = tstp(PROBLEM, FORM, small_proof())
    assert text.splitlines() == [
        "% SZS output start CNFRefutation for small",
        "fof('every one', axiom, ! [X] : ( p(X) => ( q(X,X) | r(X) ) ), "
        "file('small.p', 'every one')).",
        "cnf(12, axiom, ~ q(X,Y) | ~ p(Y), file('small.p', 12)).",
        "fof(goal, conjecture, ! [X] : ( p(X) => r(X) ), file('small.p', goal)).",
        "fof(goal_negated, negated_conjecture, ~ ! [X] : ( p(X) => r(X) ), "
        "inference(negate_conjecture, [status(cth)], [goal])).",
        "cnf('every one_clause', plain, ~ p(X) | q(X,X) | r(X), "
        "inference(clausify, [status(esa)], ['every one'])).",
        "cnf('12_clause', plain, ~ q(X,Y) | ~ p(Y), inference(clausify, [status(esa)], [12])).",
        "cnf(goal_clause, negated_conjecture, p(sk1), "
        "inference(clausify, [status(esa)], [goal_negated])).",
        "cnf(goal_2_clause, negated_conjecture, ~ r(sk1), "
        "inference(clausify, [status(esa)], [goal_negated])).",
        "cnf(instance_1, plain, p(sk1), inference(instantiate, [status(thm)], [goal_clause])).",
        "cnf(instance_2, plain, ~ p(sk1) | q(sk1,sk1) | r(sk1), "
        "inference(instantiate, [status(thm)], ['every one_clause'])).",
        "cnf(instance_3, plain, ~ q(sk1,sk1) | ~ p(sk1), "
        "inference(instantiate, [status(thm)], ['12_clause'])).",
        "cnf(instance_4, plain, ~ r(sk1), inference(instantiate, [status(thm)], [goal_2_clause])).",
        "cnf(refutation, plain, $false, inference(tableau, [status(thm)], "
        "[instance_1, instance_2, instance_3, instance_4])).",
        "% SZS output end CNFRefutation for small",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("abc_1", "abc_1"), ("12", "12"), ("Abc", "'Abc'"), ("a b", "'a b'"),
        ("it's", "'it\\'s'"), ("12_clause", "'12_clause'"), ("a\\b", "'a\\\\b'"),
    ],
)  # fmt: skip
def test_names_are_quoted_where_they_must_be(name: str, text: str) -> None:
    assert quoted(name) == text
    assert unquoted(text) == name


@pytest.mark.parametrize("number", [19, 43, 45, 51])
def test_every_line_reads_back_and_every_node_is_drawn(number: int) -> None:
    problem = read_problem(OWN / "pelletier" / f"pelletier_{number}.p")
    form = clausify(problem)
    proof = proof_by_deepening(form)
    assert proof is not None
    text = tstp(problem, form, proof)
    statements = parse_problem(text, "derivation").statements
    lines = [line for line in text.splitlines() if line[0] != "%"]
    assert len(statements) == len(lines)
    told = {one.name: one.formula for one in problem.statements}
    seen: set[str] = set()
    for statement, line in zip(statements, lines, strict=True):
        assert statement.name not in seen
        if ", file(" in line:
            assert statement.formula == told[statement.name]
        elif "theory(equality)" not in line:
            found = re.search(r"\[([^][]*)\]\)\)\.$", line)
            assert found, line
            assert set(found[1].split(", ")) <= seen
        if "negate_conjecture" in line:
            assert statement.formula == Not(told["goal"])
        seen.add(statement.name)
    assert statements[-1].formula == parse_problem("cnf(c, axiom, $false).", "t").statements[0][2]
    drawn = tableau_text(proof, form)
    numbers = [int(found) for found in re.findall(r"^[│ ]*[├└]─ (\d+)  ", drawn, re.MULTILINE)]
    assert numbers == list(range(1, len(proof.nodes) + 1))
    assert drawn.count("lemma node") == sum(node.closed == LEMMA for node in proof.nodes)
    assert drawn.count("reduction with") == sum(node.closed == REDUCTION for node in proof.nodes)
