"""What is true of equality alone, by congruence closure (Nelson and Oppen 1980)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envs.proving.formula import (
    EQUALITY,
    Atom,
    Function,
    Literal,
    Term,
)


def equality_valid(literals: Sequence[Literal]) -> bool:
    """Whether the clause is true whatever its symbols mean, if = is equality.

    Its variables are as good as constants, and what it denies holds: then two terms that it calls
    equal must be equal by congruence, or two atoms that it denies and asserts the same.
    """
    classes: dict[Term, Term] = {}
    denied = [literal.atom for literal in literals if not literal.positive]
    for literal in literals:
        _subterms(literal.atom.arguments, classes)
    for atom in denied:
        if atom.predicate == EQUALITY:
            left, right = atom.arguments
            _merge(classes, left, right)
    while _merge_congruent(classes):
        pass
    facts = {_class_of(classes, atom) for atom in denied}
    for literal in literals:
        if literal.positive:
            predicate, *arguments = _class_of(classes, literal.atom)
            if predicate == EQUALITY and arguments[0] == arguments[1]:
                return True
            if (predicate, *arguments) in facts:
                return True
    return False


def _subterms(terms: Sequence[Term], classes: dict[Term, Term]) -> None:
    """Puts the terms and all in them into classes of their own."""
    waiting = list(terms)
    while waiting:
        term = waiting.pop()
        if term not in classes:
            classes[term] = term
            if isinstance(term, Function):
                waiting.extend(term.arguments)


def _merge(classes: dict[Term, Term], left: Term, right: Term) -> bool:
    """Makes two classes one; whether they were two."""
    kept, gone = classes[left], classes[right]
    for term, name in classes.items():
        if name == gone:
            classes[term] = kept
    return kept != gone


def _merge_congruent(classes: dict[Term, Term]) -> bool:
    """Makes terms equal whose arguments are; whether there were any."""
    seen: dict[tuple[str | Term, ...], Term] = {}
    for term in list(classes):
        if isinstance(term, Function):
            key = (term.name, *(classes[argument] for argument in term.arguments))
            if _merge(classes, seen.setdefault(key, term), term):
                return True
    return False


def _class_of(classes: Mapping[Term, Term], atom: Atom) -> tuple[str | Term, ...]:
    return (atom.predicate, *(classes[argument] for argument in atom.arguments))
