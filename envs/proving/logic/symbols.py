"""The symbols and variables that occur in formulas, and names that do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from envs.proving.logic.formula import (
    And,
    Atom,
    Exists,
    Forall,
    Formula,
    Function,
    Iff,
    Implies,
    Not,
    Or,
    Term,
    Variable,
)
from envs.proving.logic.interrupt import look


def subterms(terms: Iterable[Term]) -> Iterator[Term]:
    """The terms and all within them, outermost first, left to right."""
    waiting = list(terms)[::-1]
    while waiting:
        look()
        term = waiting.pop()
        yield term
        if isinstance(term, Function):
            waiting.extend(term.arguments[::-1])


def variables_of(terms: Iterable[Term]) -> tuple[Variable, ...]:
    """The variables in the terms, each once, in order of appearance."""
    return tuple(dict.fromkeys(term for term in subterms(terms) if isinstance(term, Variable)))


def substituted(atom: Atom, values: Mapping[str, Term]) -> Atom:
    """The atom with these terms in place of the variables of these names."""
    return Atom(atom.predicate, tuple(_substituted(term, values) for term in atom.arguments))


def _substituted(term: Term, values: Mapping[str, Term]) -> Term:
    look()
    if isinstance(term, Variable):
        return values[term.name]
    if not term.arguments:
        return term
    return Function(term.name, tuple(_substituted(part, values) for part in term.arguments))


def inner_formulas(formula: Formula) -> tuple[Formula, ...]:
    """What the formula is made of, left to right."""
    if isinstance(formula, And | Or):
        return formula.parts
    if isinstance(formula, Not | Forall | Exists):
        return (formula.body,)
    if isinstance(formula, Implies | Iff):
        return tuple(formula)
    return ()


def atoms_of(formula: Formula) -> Iterator[Atom]:
    """The atoms of a formula, left to right."""
    waiting = [formula]
    while waiting:
        look()
        part = waiting.pop()
        if isinstance(part, Atom):
            yield part
        waiting.extend(inner_formulas(part)[::-1])


def free_variables(formula: Formula) -> tuple[str, ...]:
    """The names of the variables that no quantifier within binds, in order of appearance."""
    look()
    if isinstance(formula, Atom):
        return tuple(variable.name for variable in variables_of(formula.arguments))
    if isinstance(formula, Forall | Exists):
        return tuple(v for v in free_variables(formula.body) if v not in formula.variables)
    names = (name for part in inner_formulas(formula) for name in free_variables(part))
    return tuple(dict.fromkeys(names))


def symbols_of(formulas: Iterable[Formula]) -> frozenset[str]:
    """The names of the predicates and functions in the formulas."""
    names = set()
    for formula in formulas:
        for atom in atoms_of(formula):
            names.add(atom.predicate)
            names.update(t.name for t in subterms(atom.arguments) if isinstance(t, Function))
    return frozenset(names)


class FreshNames:
    """Names that nothing has yet: ``prefix`` with a number."""

    def __init__(self, prefix: str, taken: frozenset[str]) -> None:
        self.made: list[str] = []
        self._prefix = prefix
        self._taken = taken
        self._number = 0

    def name(self) -> str:
        """One more name."""
        while True:
            self._number += 1
            name = f"{self._prefix}{self._number}"
            if name not in self._taken:
                self.made.append(name)
                return name
