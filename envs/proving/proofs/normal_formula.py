"""Formulas with negations at the literals and existential quantifiers moved inwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from envs.proving.logic.formula import And, Atom, Forall, Formula, Iff, Implies, Literal, Not, Or
from envs.proving.logic.interrupt import look
from envs.proving.logic.symbols import variables_of

LITERAL, ALL, ANY, EVERY, SOME = "literal", "all", "any", "every", "some"


class NormalFormula(NamedTuple):
    """A formula in negation normal form."""

    kind: str  # LITERAL, ALL (a conjunction), ANY (a disjunction), EVERY or SOME
    free: frozenset[str]  # the variables that nothing within binds
    parts: tuple[NormalFormula, ...] = ()  # of a quantifier: its one body
    literal: Literal | None = None
    variable: str = ""


TRUTH, FALSEHOOD = NormalFormula(ALL, frozenset()), NormalFormula(ANY, frozenset())


def normal_form(formula: Formula, positive: bool = True) -> NormalFormula:
    """The formula, or its negation.

    Truth and falsehood are left only as the whole, and no quantifier whose variable nothing
    mentions.  What is said to exist is bound around just those parts of a conjunction or
    disjunction that mention it.
    """
    look()
    if isinstance(formula, Atom):
        free = frozenset(variable.name for variable in variables_of(formula.arguments))
        return NormalFormula(LITERAL, free, literal=Literal(positive, formula))
    if isinstance(formula, Not):
        return normal_form(formula.body, not positive)
    if isinstance(formula, And | Or):
        parts = [normal_form(part, positive) for part in formula.parts]
        return _joint(ALL if isinstance(formula, And) == positive else ANY, parts)
    if isinstance(formula, Implies):
        return normal_form(Or((Not(formula.premise), formula.conclusion)), positive)
    if isinstance(formula, Iff):
        halves = [
            _joint(ANY, [normal_form(formula.left, left), normal_form(formula.right, right)])
            for left, right in ((not positive, True), (positive, False))
        ]
        return _joint(ALL, halves)
    body = normal_form(formula.body, positive)
    is_every = isinstance(formula, Forall) == positive
    for variable in reversed(formula.variables):
        if variable in body.free:
            body = _bound(EVERY, variable, body) if is_every else _some(variable, body)
    return body


def _joint(kind: str, parts: Sequence[NormalFormula]) -> NormalFormula:
    """A conjunction or disjunction; those of its kind within it are one with it."""
    neutral, absorbing = (TRUTH, FALSEHOOD) if kind == ALL else (FALSEHOOD, TRUTH)
    flat: list[NormalFormula] = []
    for part in parts:
        if part == absorbing:
            return absorbing
        if part != neutral:
            flat.extend(part.parts if part.kind == kind else (part,))
    if len(flat) == 1:
        return flat[0]
    return NormalFormula(kind, frozenset().union(*(part.free for part in flat)), tuple(flat))


def _bound(kind: str, variable: str, body: NormalFormula) -> NormalFormula:
    return NormalFormula(kind, body.free - {variable}, (body,), variable=variable)


def _some(variable: str, body: NormalFormula) -> NormalFormula:
    """An existential quantifier moved inwards; it stands where the first of its parts stood."""
    look()
    inside = [part for part in body.parts if variable in part.free]
    if body.kind not in (ALL, ANY) or len(inside) == len(body.parts):
        return _bound(SOME, variable, body)
    first = next(number for number, part in enumerate(body.parts) if variable in part.free)
    outside = [part for part in body.parts if variable not in part.free]
    bound = _some(variable, _joint(body.kind, inside))
    return _joint(body.kind, [*outside[:first], bound, *outside[first:]])
