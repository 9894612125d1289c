"""Random problems: no proof that is found is refused, and none of something false is accepted."""

from __future__ import annotations

from random import Random

import pytest
from formulas import denied, holds, random_problem, random_worlds, symbols_in
from provers import proof_by_deepening

from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import Problem
from envs.proving.logic.tptp import parse_problem
from envs.proving.proofs.checker import check_clause_form, check_proof

WORLDS = 14  # of one, two and three things each, in which nothing proved may be false


def is_refuted(problem: Problem, rng: Random) -> bool:
    """Whether the statements hold in some world though the conjectures do not."""
    whole = denied(problem)
    worlds = {size: random_worlds(rng, *symbols_in(whole), size, WORLDS) for size in (1, 2, 3)}
    return any(holds(whole, world, size, {}).any() for size, world in worlds.items())


def try_problem(text: str, rng: Random) -> bool:
    """Whether the problem is proved; what the checker says must be right."""
    problem = parse_problem(text, "t")
    form = clausify(problem)
    if len(form.clauses) > 300:
        return False
    whole = check_clause_form(problem, form, [one.name for one in form.clauses])
    assert whole.accepted, f"{whole.reason}\n{text}"
    proof = proof_by_deepening(form, 2000) if form.clauses else None
    if proof is None:
        return False
    used = {one.clause for one in proof.instances}
    for verdict in (check_proof(form, proof), check_clause_form(problem, form, used)):
        assert verdict.accepted, f"{verdict.reason}\n{text}"
    assert not is_refuted(problem, rng), text
    return True


HOURS = (pytest.mark.slow, pytest.mark.timeout(7200))


@pytest.mark.parametrize(("seed", "count"), [(1, 300), pytest.param(2, 20_000, marks=HOURS)])
def test_random_problems(seed: int, count: int) -> None:
    rng = Random(seed)
    proved = sum(try_problem(random_problem(rng), rng) for _ in range(count))
    assert proved > 0.3 * count


ROUND = "fof(s, axiom, ! [X] : ~ (p(X) & q(X)))."


@pytest.mark.parametrize(
    ("text", "is_proved"),
    [
        ("fof(a, axiom, ! [Z] : ? [X] : (p(X) & (q(X) & ~ p(Z)))).", True),
        (f"fof(a, axiom, ! [Z] : ? [X] : (p(X) & (q(X) & (r(Z) | s(Z))))). {ROUND}", True),
        (f"fof(a, axiom, ! [Z] : ? [X] : ((r(Z) | ~ $true) & p(X) & q(X))). {ROUND}", True),
        ("fof(c, conjecture, ? [Z] : ! [X] : (p(X) => (s(Z) => p(X)))).", True),
        ("fof(a, axiom, ! [Z] : ? [X] : (p(X,X) & ($true | q(X,Z))))."
         "fof(b, axiom, ! [Y] : ~ p(Y,Y)).", True),
        ("fof(c, conjecture, ? [X] : ! [Y] : (p(Y) <= (q(X) <= ~ p(X)))).", False),
    ],
)  # fmt: skip
def test_nested_junctions_of_one_kind(text: str, is_proved: bool) -> None:
    """A quantifier inside is moved past all parts of the one junction that they are."""
    assert try_problem(text, Random(0)) is is_proved


def test_the_worlds_refute() -> None:
    assert is_refuted(parse_problem("fof(a, axiom, p). fof(c, conjecture, q).", "t"), Random(0))
    assert not is_refuted(parse_problem("fof(c, conjecture, p | ~ p).", "t"), Random(0))
