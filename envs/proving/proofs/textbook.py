"""Formulas without quantifiers by the textbook: negations, quantifiers inwards, Skolem terms.

It imports nothing of the prover's own clausification: it is there to confirm it.  Source:
Nonnengart and Weidenbach 2001, "Computing Small Clause Normal Forms".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from envs.proving.logic.formula import (
    And,
    Atom,
    Forall,
    Formula,
    Function,
    Iff,
    Implies,
    Literal,
    Not,
    Or,
    Term,
    Variable,
)
from envs.proving.logic.interrupt import look

LITERAL, ALL, ANY, EVERY, SOME = "literal", "all", "any", "every", "some"
WITNESS = "?"  # how the names of the textbook's Skolem functions begin; no name of TPTP does


class Part(NamedTuple):
    """A formula in negation normal form, every variable bound once."""

    kind: str  # LITERAL, ALL (a conjunction), ANY (a disjunction), EVERY or SOME
    free: tuple[str, ...]  # the variables that nothing within binds, in the order they stand in;
    #                        without quantifiers also the Skolem functions, last
    parts: tuple[Part, ...] = ()  # of a quantifier: its one body
    literal: Literal | None = None
    variable: str = ""


TRUTH, FALSEHOOD = Part(ALL, ()), Part(ANY, ())


# the normal form


def normal_form(formula: Formula, positive: bool) -> Part:
    """The formula, or its negation, in negation normal form."""
    return _normal(formula, positive, {}, count())


def _normal(
    formula: Formula, positive: bool, names: Mapping[str, str], fresh: Iterator[int]
) -> Part:
    look()
    if isinstance(formula, Atom):
        arguments = tuple(_renamed(argument, names) for argument in formula.arguments)
        return _leaf(Literal(positive, Atom(formula.predicate, arguments)))
    if isinstance(formula, Not):
        return _normal(formula.body, not positive, names, fresh)
    if isinstance(formula, And | Or):
        parts = [_normal(part, positive, names, fresh) for part in formula.parts]
        return _joint(ALL if isinstance(formula, And) == positive else ANY, parts)
    if isinstance(formula, Implies):
        premise = _normal(formula.premise, not positive, names, fresh)
        return _joint(
            ANY if positive else ALL, [premise, _normal(formula.conclusion, positive, names, fresh)]
        )
    if isinstance(formula, Iff):
        halves = [
            _joint(
                ANY,
                [
                    _normal(formula.left, left, names, fresh),
                    _normal(formula.right, right, names, fresh),
                ],
            )
            for left, right in ((False, positive), (True, not positive))
        ]
        return _joint(ALL, halves)
    inner = dict(names)
    for variable in formula.variables:
        inner[variable] = f"X{next(fresh)}"
    part = _normal(formula.body, positive, inner, fresh)
    kind = EVERY if isinstance(formula, Forall) == positive else SOME
    for variable in reversed(formula.variables):
        part = _quantified(kind, inner[variable], part)
    return part


def _renamed(term: Term, names: Mapping[str, str]) -> Term:
    if isinstance(term, Variable):
        return Variable(names[term.name])
    return Function(term.name, tuple(_renamed(argument, names) for argument in term.arguments))


def _leaf(literal: Literal) -> Part:
    return Part(LITERAL, in_order(literal.atom.arguments), literal=literal)


def _joint(kind: str, parts: Sequence[Part]) -> Part:
    """A conjunction or disjunction: flat, without truth and falsehood inside.

    Nested ones of its kind are one with it, so that a quantifier is moved past all of their parts;
    one of one part is that part.
    """
    neutral, absorbing = (TRUTH, FALSEHOOD) if kind == ALL else (FALSEHOOD, TRUTH)
    flat: list[Part] = []
    for part in parts:
        if part == absorbing:
            return absorbing
        if part != neutral:
            flat.extend(part.parts if part.kind == kind else (part,))
    if len(flat) == 1:
        return flat[0]
    free = dict.fromkeys(name for part in flat for name in part.free)
    return Part(kind, tuple(free), tuple(flat))


def _quantified(kind: str, variable: str, body: Part) -> Part:
    if variable not in body.free:
        return body
    free = tuple(name for name in body.free if name != variable)
    return Part(kind, free, (body,), variable=variable)


def in_order(terms: Sequence[Term]) -> tuple[str, ...]:
    """The variables of the terms, left to right."""
    found: dict[str, None] = {}
    waiting = list(terms)[::-1]
    while waiting:
        term = waiting.pop()
        if isinstance(term, Variable):
            found[term.name] = None
        else:
            waiting.extend(term.arguments[::-1])
    return tuple(found)


# quantifiers inwards


def narrowed(part: Part) -> Part:
    """The same with every quantifier around as little as it must be.

    Only what exists such that one of several things holds is not looked for in each of them: that
    would take more Skolem functions.
    """
    look()
    parts = [narrowed(inner) for inner in part.parts]
    if part.kind in (ALL, ANY):
        return _joint(part.kind, parts)
    if part.kind == LITERAL:
        return part
    return _pushed(part.kind, part.variable, parts[0])


def _pushed(kind: str, variable: str, body: Part) -> Part:
    """The quantifier around a part that is narrowed already."""
    look()
    if variable not in body.free:
        return body
    if body.kind == kind:  # two quantifiers of one kind change places if it helps
        inner = _pushed(kind, variable, body.parts[0])
        if (inner.kind, inner.variable) != (kind, variable):
            return _quantified(kind, body.variable, inner)
    if kind == EVERY and body.kind == ALL:
        return _joint(ALL, [_pushed(kind, variable, part) for part in body.parts])
    if body.kind in (ALL, ANY):
        first = next(i for i, part in enumerate(body.parts) if variable in part.free)
        outside = [part for part in body.parts if variable not in part.free]
        inside = _joint(body.kind, [part for part in body.parts if variable in part.free])
        if outside:  # what is bound stands where its first part stood
            bound = _pushed(kind, variable, inside)
            return _joint(body.kind, [*outside[:first], bound, *outside[first:]])
    return _quantified(kind, variable, body)


# Skolem terms


def skolemised(part: Part, prefix: str) -> Part:
    """The part without quantifiers: a variable that is left stands for everything.

    What exists becomes a Skolem function, named by the prefix and a number, of those variables
    that are free in what it is said to exist for.
    """
    return _skolemised(part, {}, prefix, count())


def _skolemised(part: Part, terms: Mapping[str, Term], prefix: str, fresh: Iterator[int]) -> Part:
    look()
    if part.kind == LITERAL:
        assert part.literal is not None
        atom = part.literal.atom
        arguments = tuple(_substituted(argument, terms) for argument in atom.arguments)
        leaf = _leaf(Literal(part.literal.positive, Atom(atom.predicate, arguments)))
        return leaf._replace(free=(*leaf.free, *_witnesses(arguments)))
    if part.kind in (ALL, ANY):
        return _joint(part.kind, [_skolemised(inner, terms, prefix, fresh) for inner in part.parts])
    term: Term = Variable(part.variable)
    if part.kind == SOME:
        free = tuple(map(Variable, in_order([terms[name] for name in part.free])))
        term = Function(f"{prefix}{next(fresh)}", free)
    return _skolemised(part.parts[0], {**terms, part.variable: term}, prefix, fresh)


def _witnesses(terms: Sequence[Term]) -> tuple[str, ...]:
    """The textbook's Skolem functions in the terms, each once."""
    found: dict[str, None] = {}
    waiting = list(terms)
    while waiting:
        term = waiting.pop()
        if isinstance(term, Function):
            if term.name.startswith(WITNESS):
                found[term.name] = None
            waiting.extend(term.arguments)
    return tuple(found)


def _substituted(term: Term, terms: Mapping[str, Term]) -> Term:
    if isinstance(term, Variable):
        return terms[term.name]
    return Function(term.name, tuple(_substituted(argument, terms) for argument in term.arguments))
