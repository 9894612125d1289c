"""Literals of a tableau as formulas: terms of the matrix with the substitution applied."""

from __future__ import annotations

from envs.proving.calculus.matrix import Library
from envs.proving.calculus.tableau import Tableau
from envs.proving.calculus.unify import UNBOUND
from envs.proving.logic.formula import Atom, Function, Literal, Term, Variable
from envs.proving.logic.interrupt import look


def literal_of(library: Library, t: Tableau, literal: int, offset: int) -> Literal:
    """The literal of the matrix whose variables begin at ``offset``, under the substitution.

    Free variables are named X and their number.
    """
    matrix = library.matrix
    symbol, negated = divmod(int(matrix.side[literal]), 2)
    arguments = _arguments(library, int(matrix.atom[literal]))
    parts = tuple(_term(library, t, argument, offset) for argument in arguments)
    return Literal(not negated, Atom(library.symbols[symbol], parts))


def clause_copy(library: Library, t: Tableau, clause: int, offset: int) -> tuple[Literal, ...]:
    """The literals of a clause whose variables begin at ``offset``, under the substitution."""
    low, high = library.matrix.clause_start[clause], library.matrix.clause_start[clause + 1]
    return tuple(literal_of(library, t, literal, offset) for literal in range(low, high))


def _arguments(library: Library, term: int) -> list[int]:
    terms = library.matrix.terms
    first = int(terms.first[term])
    return [int(at) for at in terms.arguments[first : first + int(terms.arity[term])]]


def _term(library: Library, t: Tableau, term: int, offset: int) -> Term:
    """The term under the substitution, built without recursion: terms can be very deep."""
    known: dict[tuple[int, int], Term] = {}
    waiting = [(term, offset)]
    while waiting:
        look()
        at, shift = waiting[-1]
        if (at, shift) in known:
            waiting.pop()
            continue
        head = int(library.matrix.terms.head[at])
        if head < 0:
            variable = shift - 1 - head
            bound = int(t.bound[variable]) if variable < len(t.bound) else UNBOUND
            below = [(bound, int(t.bound_offset[variable]))] if bound != UNBOUND else []
        else:
            below = [(argument, shift) for argument in _arguments(library, at)]
        missing = [pair for pair in below if pair not in known]
        if missing:
            waiting += missing
            continue
        if head >= 0:
            parts = tuple(known[pair] for pair in below)
            known[at, shift] = Function(library.symbols[head], parts)
        else:
            known[at, shift] = known[below[0]] if below else Variable(f"X{variable}")
        waiting.pop()
    return known[term, offset]
