"""What occurs in formulas: symbols, constants that stand for themselves, variables, equal terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import NamedTuple

from envs.proving.logic.formula import (
    And,
    Atom,
    Exists,
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
from envs.proving.logic.recursion import look

NUMBER_START = frozenset("0123456789+-")
_LONG = 4000  # digits; numbers with more of them are not compared


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


# constants that stand for themselves


def stands_for_itself(name: str) -> bool:
    """Whether a constant of this name is a distinct object of TPTP, as "a", or a number."""
    return name[:1] == '"' or name[:1] in NUMBER_START


def are_distinct(one: str, other: str) -> bool:
    """Whether constants of these names stand for different things whatever the rest means.

    Different objects are not equal, nor are numbers of different values, nor an object and a
    number.  False where the values of numbers are too long to be compared.
    """
    if not (stands_for_itself(one) and stands_for_itself(other)):
        return False
    if one[0] == '"' or other[0] == '"':
        return one != other
    values = _value(one), _value(other)
    if None in values:
        return False
    if any(isinstance(value, Fraction) for value in values) and any(
        isinstance(value, Decimal) and abs(value.adjusted()) > _LONG for value in values
    ):
        return False
    return values[0] != values[1]


def _value(number: str) -> Decimal | Fraction | None:
    """The value of a number as TPTP writes it; None if it is too long to be worked out."""
    whole, slash, below = number.partition("/")
    try:
        if not slash:
            return Decimal(number)
        return Fraction(int(whole), int(below)) if len(number) < _LONG else None
    except (InvalidOperation, ZeroDivisionError):
        return None


# equal terms


class Signed(NamedTuple):
    """A literal whose terms are numbers."""

    positive: bool
    predicate: str
    arguments: tuple[int, ...]


class TermTable:
    """Numbers for terms: equal terms have the same (hash consing, Ershov 1958).

    However deep terms are, and however often they hold the same term, each is looked at once.
    A variable is as good as a constant of its own.
    """

    def __init__(self) -> None:
        self.rows: list[tuple[str, tuple[int, ...] | None]] = []  # name, arguments; None: variable
        self._numbers: dict[tuple[str, tuple[int, ...] | None], int] = {}
        self._known: dict[int, tuple[Term, int]] = {}  # by identity

    def literal(self, literal: Literal) -> Signed:
        atom = literal.atom
        return Signed(literal.positive, atom.predicate, tuple(map(self.term, atom.arguments)))

    def term(self, term: Term) -> int:
        """The number of a term."""
        waiting = [term]
        while waiting:
            look()
            part = waiting[-1]
            arguments = part.arguments if isinstance(part, Function) else ()
            missing = [argument for argument in arguments if id(argument) not in self._known]
            if missing:
                waiting += missing
                continue
            waiting.pop()
            below = tuple(self._known[id(argument)][1] for argument in arguments)
            row = (part.name, below if isinstance(part, Function) else None)
            number = self._numbers.setdefault(row, len(self.rows))
            if number == len(self.rows):
                self.rows.append(row)
            self._known[id(part)] = part, number
        return self._known[id(term)][1]
