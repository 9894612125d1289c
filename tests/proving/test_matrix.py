"""Clause forms as arrays: what is numbered, where a proof may start, what may be connected."""

from __future__ import annotations

import numpy as np
import pytest
from formulas import VARIABLES, clause, form_of, random_literals
from provers import library_of, number_of
from reference import assert_same_arrays
from test_unify import robinson

from envs.proving.calculus import matrix as matrices
from envs.proving.calculus.matrix import ROLES, Library, build_library, shuffled, start_clauses
from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import Clause, ClauseForm, Function, Term, Variable
from envs.proving.logic.symbols import substituted
from envs.proving.logic.tptp import parse_problem
from selfplay.arrays import tree_map


def random_form(rng: np.random.Generator) -> ClauseForm:
    """Clauses of p/1, q/2 and r/0 over random terms."""
    rows = [random_literals(rng, {"p": 1, "q": 2, "r": 0}, 3) for _ in range(8)]
    return form_of(*(Clause(row, f"c{number}", "", "axiom") for number, row in enumerate(rows)))


def test_links_are_the_literals_that_unify_when_renamed_apart() -> None:
    rng = np.random.default_rng(0)
    counts = [0, 0]
    others: dict[str, Term] = {name: Variable(f"{name}'") for name in VARIABLES}
    for _ in range(12):
        form = random_form(rng)
        matrix = build_library([form]).matrix
        flat = [literal for clause in form.clauses for literal in clause.literals]
        rights = [Function(*substituted(literal.atom, others)) for literal in flat]
        for i, literal in enumerate(flat):
            left = Function(*literal.atom)
            fits = [
                j
                for j, other in enumerate(flat)
                if other.positive != literal.positive and robinson(left, rights[j], {}) is not None
            ]
            links = matrix.links[matrix.link_start[i] : matrix.link_end[i]].tolist()
            assert links == fits
            counts[0] += len(fits)
            counts[1] += len(flat) - len(fits)
    assert min(counts) > 300


def test_a_problem_with_too_many_pairs_shares_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    form = random_form(np.random.default_rng(1))
    sieved = build_library([form]).matrix
    monkeypatch.setattr(matrices, "_MOST_PAIRS", 0)
    shared = build_library([form]).matrix
    for i, side in enumerate(shared.side.tolist()):
        links = shared.links[shared.link_start[i] : shared.link_end[i]].tolist()
        assert links == np.flatnonzero(shared.side == side ^ 1).tolist()
        assert set(sieved.links[sieved.link_start[i] : sieved.link_end[i]].tolist()) <= set(links)
    assert len(shared.links) <= len(shared.side)


def test_clauses_of_many_problems_side_by_side(own: Library) -> None:
    matrix = own.matrix
    assert matrix.clause_first[-1] == sum(len(form.clauses) for form in own.forms)
    for number in range(0, int(matrix.clause_first[-1]), 97):
        one = own.clause_at(number)
        low, high = matrix.clause_start[number : number + 2]
        sides = [divmod(int(side), 2) for side in matrix.side[low:high]]
        assert [(not negated, own.symbols[symbol]) for symbol, negated in sides] == [
            (literal.positive, literal.atom.predicate) for literal in one.literals
        ]
        assert ROLES[matrix.clause_role[number]] == one.role
    problem = np.searchsorted(matrix.clause_first, matrix.clause, side="right") - 1
    for literal in range(0, len(matrix.atom), 31):  # no link leaves its problem
        links = matrix.links[matrix.link_start[literal] : matrix.link_end[literal]]
        assert (problem[links] == problem[literal]).all()


def test_proofs_start_with_the_goal_or_without_one_with_negative_clauses() -> None:
    goal, second = (clause(text, role="negated_conjecture") for text in ("~ p | q", "r"))
    form = form_of(clause("p"), goal, clause("~ q"), second)
    assert start_clauses(form) == ([1, 3], [2])
    form = form_of(*map(clause, ("p(X) | ~ q(X)", "~ p(a)", "q(a)", "~ q(b) | ~ p(b)")))
    assert start_clauses(form) == ([1, 3], [])
    matrix = build_library([form]).matrix
    assert matrix.starts.tolist() == [1, 3]
    assert matrix.goal_starts.tolist() == [2]


def test_what_is_made_up_hashes_alike() -> None:
    text = "fof(a, conjecture, ![X]: ?[Y]: (p(X,Y) => ![Z]: q(Y,Z)))."
    form = clausify(parse_problem(text, "t"))
    library = build_library([form])
    made_up = [i for i, name in enumerate(library.symbols) if name in form.skolem]
    assert len(made_up) == 2
    matrix = library.matrix
    hashes = {(int(matrix.symbol_hash[i]), int(matrix.symbol_arity[i])) for i in made_up}
    assert len(hashes) == len({int(matrix.symbol_arity[i]) for i in made_up})
    twin = build_library([clausify(parse_problem(text.replace("q(", "r("), "t"))]).matrix
    differs = [
        name
        for name, a, b in zip(library.symbols, matrix.symbol_hash, twin.symbol_hash, strict=True)
        if a != b
    ]
    assert differs == ["q"]


WIDE = ",".join(f"X{i}" for i in range(1025))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"p({WIDE}) | q({WIDE.replace('X', 'Y')})",
         "clause wide has 2,050 variables; more than 2,048 are"),
        (f"p({','.join(2049 * ['a'])})", "p has 2,049 arguments; more than 2,048 are not"),
    ],
    ids=["variables", "arguments"],
)  # fmt: skip
def test_what_is_too_wide_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        library_of(f"cnf(wide, axiom, {text}).")
    with pytest.raises(ValueError, match="needs at least one problem"):
        library_of()


def test_shuffling_changes_the_order_of_one_problem_alone(own: Library) -> None:
    matrix, problem = own.matrix, number_of(own, "pelletier_38")
    low, high = matrix.clause_start[matrix.clause_first[problem : problem + 2]]
    before = tree_map(np.copy, matrix)
    other = shuffled(matrix, problem, np.random.default_rng(0))
    moved = 0
    for literal in range(len(matrix.atom)):
        part = slice(matrix.link_start[literal], matrix.link_end[literal])
        old, new = matrix.links[part], other.links[part]
        assert sorted(old.tolist()) == sorted(new.tolist())
        moved += low <= literal < high and (old != new).any()
        assert low <= literal < high or (old == new).all()
    assert moved > 5
    order = []  # of any two clauses the same everywhere
    for literal in range(low, high):
        part = slice(other.link_start[literal], other.link_end[literal])
        clauses = matrix.clause[other.links[part]].tolist()
        order += [(a, b) for i, a in enumerate(clauses) for b in clauses[i + 1 :] if a != b]
    assert not {(b, a) for a, b in order} & set(order)
    assert_same_arrays(matrix, before)
    again = shuffled(matrix, problem, np.random.default_rng(1))
    assert (again.links != other.links).any()
