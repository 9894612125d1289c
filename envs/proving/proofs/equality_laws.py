"""Clauses that are true in every model: laws of equality, and that distinct objects differ."""

from __future__ import annotations

from collections.abc import Sequence, Set

from envs.proving.logic.formula import EQUALITY, Function, Literal, Term, Variable
from envs.proving.logic.recursion import look
from envs.proving.logic.symbols import are_distinct


def is_valid(literals: Sequence[Literal]) -> bool:
    """Whether the clause is true whatever its symbols mean, if = is equality."""
    return _is_law(literals) or _is_distinct(literals)


def _is_law(literals: Sequence[Literal]) -> bool:
    """Whether the clause has the shape of a law of equality.

    Its last literal must follow from the denial of the others: an equation by reflexivity or
    congruence, symmetry included, or an atom from a denied one by the equality of arguments, which
    for equations is transitivity.
    """
    if not literals or not literals[-1].positive:
        return False
    predicate, arguments = literals[-1].atom
    denied = [literal.atom for literal in literals[:-1] if not literal.positive]
    equal = {atom.arguments for atom in denied if atom.predicate == EQUALITY}
    equal |= {pair[::-1] for pair in equal}
    if predicate == EQUALITY and _all_equal(arguments[:1], arguments[1:], equal):
        return True
    return any(
        atom.predicate == predicate and _all_equal(atom.arguments, arguments, equal)
        for atom in denied
    )


def _equal(one: Term, other: Term, equal: Set[tuple[Term, ...]]) -> bool:
    look()
    if one == other or (one, other) in equal:
        return True
    if isinstance(one, Variable) or isinstance(other, Variable):
        return False
    return one.name == other.name and _all_equal(one.arguments, other.arguments, equal)


def _all_equal(ones: Sequence[Term], others: Sequence[Term], equal: Set[tuple[Term, ...]]) -> bool:
    return len(ones) == len(others) and all(
        _equal(one, other, equal) for one, other in zip(ones, others, strict=True)
    )


def _is_distinct(literals: Sequence[Literal]) -> bool:
    """Whether the clause says that two objects or numbers that stand for themselves differ."""
    if len(literals) != 1 or literals[0].positive:
        return False
    predicate, arguments = literals[0].atom
    names = [one.name for one in arguments if isinstance(one, Function) and not one.arguments]
    return predicate == EQUALITY and len(names) == 2 and are_distinct(*names)
