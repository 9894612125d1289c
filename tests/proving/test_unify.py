"""Compiled unification against Robinson's algorithm written down plainly."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from formulas import VARIABLES, form_of, random_term

from envs.proving.calculus.matrix import Library, build_library
from envs.proving.calculus.tableau import Tableau, new_tableau
from envs.proving.calculus.unify import UNBOUND, Scratch, equal, new_scratch, undo, unify
from envs.proving.logic.formula import Atom, Clause, Function, Literal, Term, Variable
from envs.proving.proofs.extract import literal_of

Substitution = dict[str, Term]


# the reference (Robinson 1965): terms as trees, one substitution applied everywhere at once


def apply(s: Substitution, term: Term) -> Term:
    if isinstance(term, Variable):
        return apply(s, s[term.name]) if term.name in s else term
    return Function(term.name, tuple(apply(s, part) for part in term.arguments))


def occurs(name: str, term: Term) -> bool:
    if isinstance(term, Variable):
        return term.name == name
    return any(occurs(name, part) for part in term.arguments)


def robinson(left: Term, right: Term, s: Substitution) -> Substitution | None:
    left, right = apply(s, left), apply(s, right)
    if isinstance(left, Variable) or isinstance(right, Variable):
        if left == right:
            return s
        variable, other = (left, right) if isinstance(left, Variable) else (right, left)
        assert isinstance(variable, Variable)
        return None if occurs(variable.name, other) else {**s, variable.name: other}
    if left.name != right.name or len(left.arguments) != len(right.arguments):
        return None
    for a, b in zip(left.arguments, right.arguments, strict=True):
        below = robinson(a, b, s)
        if below is None:
            return None
        s = below
    return s


def renamed(term: Term, names: Substitution) -> Term:
    """The term with its variables called by the order in which they come."""
    if isinstance(term, Variable):
        return names.setdefault(term.name, Variable(f"N{len(names)}"))
    return Function(term.name, tuple(renamed(part, names) for part in term.arguments))


# the compiled one


class Pair(NamedTuple):
    """Two atoms over common variables, and what unification works on."""

    library: Library
    tableau: Tableau  # for its bindings
    scratch: Scratch

    def unify(self, *of: int) -> bool:
        """The two atoms; or those of these numbers, each with the offset of its variables."""
        return unify(*self._arguments(*of))

    def equal(self, *of: int) -> bool:
        return equal(*self._arguments(*of))

    def _arguments(self, one: int = 0, offset: int = 0, other: int = 1, there: int = 0) -> Any:
        atoms, terms, t = self.library.matrix.atom, self.library.matrix.terms, self.tableau
        places = (atoms[one], offset, atoms[other], there)
        return terms, *places, t.bound, t.bound_offset, self.scratch

    def sides(self) -> tuple[Term, Term]:
        """The atoms under the bindings, as terms."""
        found = (literal_of(self.library, self.tableau, literal, 0).atom for literal in (0, 1))
        left, right = (Function(*atom) for atom in found)
        return left, right


def pair(left: tuple[Term, ...], right: tuple[Term, ...]) -> Pair:
    """p(left) and p(right), in one clause so that they share variables; in order W, X, Y, Z."""
    order = Literal(True, Atom("order", tuple(Variable(name) for name in VARIABLES)))
    both = (Literal(True, Atom("p", left)), Literal(False, Atom("p", right)), order)
    form = form_of(Clause(both, "goal", "goal", "negated_conjecture"))
    return Pair(build_library([form]), new_tableau(2, 64, 1), new_scratch(64))


def random_arguments(rng: np.random.Generator) -> tuple[Term, ...]:
    return tuple(random_term(rng, 3) for _ in range(3))


def test_random_atoms_unify_as_robinson_has_it() -> None:
    rng = np.random.default_rng(0)
    counts = {True: 0, False: 0}
    for _ in range(1500):
        left, right = random_arguments(rng), random_arguments(rng)
        own = pair(left, right)
        expected = robinson(Function("p", left), Function("p", right), {})
        before = own.tableau.bound.copy()
        assert own.unify() == (expected is not None)
        counts[expected is not None] += 1
        if expected is None:
            assert (own.tableau.bound == before).all()
            assert own.scratch.length[0] == 0
            continue
        a, b = own.sides()
        assert a == b
        assert own.equal()
        general = apply(expected, Function("p", left))
        assert renamed(a, {}) == renamed(general, {})  # a most general unifier is unique but names
        assert (own.tableau.bound != UNBOUND).sum() == own.scratch.length[0] == len(expected)
        undo(own.scratch, 0, own.tableau.bound)
        assert (own.tableau.bound == UNBOUND).all()
    assert min(counts.values()) > 150


def test_equality_of_terms_under_bindings() -> None:
    rng = np.random.default_rng(1)
    same = 0
    for _ in range(500):
        own = pair(random_arguments(rng)[:1], random_arguments(rng)[:1])
        variables = np.flatnonzero(rng.random(len(VARIABLES)) < 0.5)
        terms = own.library.matrix.terms
        ground = [term for term, head in enumerate(terms.head) if head >= 0]
        for variable in variables.tolist():  # to a term that holds higher variables alone
            fits = [term for term in ground if lowest(own.library, term) > variable]
            if fits:
                own.tableau.bound[variable] = fits[rng.integers(len(fits))]
        left, right = own.sides()
        assert own.equal() == (left == right)
        same += left == right
    assert same > 20


def lowest(library: Library, term: int) -> int:
    """The lowest variable in a term that is no atom; -1 for an atom."""
    terms = library.matrix.terms
    head = int(terms.head[term])
    if head < 0:
        return -1 - head
    if library.matrix.symbol_predicate[head]:
        return -1
    first = int(terms.first[term])
    below = terms.arguments[first : first + int(terms.arity[term])].tolist()
    return min((lowest(library, argument) for argument in below), default=len(VARIABLES))


W, X, Y, Z = (Variable(name) for name in VARIABLES)


def test_the_newest_variable_gives_way_and_copies_of_a_clause_are_apart() -> None:
    own = pair((X,), (Z,))
    assert own.unify()
    assert own.scratch.trail[: own.scratch.length[0]].tolist() == [1]  # Z: X was counted first
    own = pair((X, Function("f", (X,))), (Function("f", (Y,)), Y))
    assert own.unify(0, 0, 0, 8)
    assert not own.equal(1, 0, 1, 8)
    assert own.equal(0, 0, 0, 8)


@pytest.mark.parametrize(("height", "told"), [(10, True), (24, False)])
def test_terms_too_large_to_compare_count_as_different(height: int, told: bool) -> None:
    """Two towers X = f(Y, Y), Y = f(Z, Z), ...: terms of 2^height symbols, equal all the same."""
    both = (Function("f", (X, X)),)
    own = pair(both, both)
    t = own.tableau
    (double,) = np.flatnonzero(own.library.matrix.terms.arity == 2)  # f(X, X)
    for tower in (1, 31):
        t.bound[tower : tower + height] = double
        t.bound_offset[tower : tower + height] = np.arange(tower - 1, tower + height - 1)
        t.bound_offset[tower] = 0
    assert own.equal(0, height, 0, 30 + height) is told
