"""From formulas to sets of clauses, step by step: names, negations, Skolem functions, distribution.

Every step keeps satisfiability both ways.  Source: Nonnengart and Weidenbach 2001, "Computing
Small Clause Normal Forms", without their subsumption and with the Skolem functions of section 5.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain, compress, count
from math import prod
from operator import attrgetter, not_
from typing import NamedTuple

from envs.proving.logic.formula import (
    And,
    Atom,
    Definition,
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
from envs.proving.logic.symbols import free_variables, substituted, variables_of

TRUE, FALSE = And(()), Or(())
BLOW_UP = 64  # clauses from one disjunction; more, and parts of it get names


class FreshNames:
    """Names that nothing has yet: ``prefix`` with a number."""

    def __init__(self, prefix: str, taken: Collection[str]) -> None:
        self.made: list[str] = []
        self._names = (name for i in count(1) if (name := f"{prefix}{i}") not in taken)

    def name(self) -> str:
        """One more name."""
        self.made.append(next(self._names))
        return self.made[-1]


class Sized(NamedTuple):
    """A formula and how many clauses distribution would make of it and of its negation."""

    formula: Formula
    clauses: int
    negated: int
    atoms: int  # the length of the formula; 1 for truth and falsehood


class Definitions:
    """Names for subformulas: a defined predicate over the free variables stands for each.

    What is written down about a name is only what its places need: name => part where it stands
    positively, part => name where negatively, both where in an equivalence.
    """

    def __init__(self, names: FreshNames) -> None:
        self._names = names
        self._written: list[Definition] = []

    def shortened(self, formula: Formula) -> tuple[Formula, tuple[Definition, ...]]:
        """The formula with names where distribution would blow it up, and their definitions.

        Every disjunction of it gives at most BLOW_UP clauses, or as many as it has atoms.  Where
        that is so anyway, the formula is equivalent and no definition comes.
        """
        self._written = []
        return self._sized(formula, True, False).formula, tuple(self._written)

    def _sized(self, formula: Formula, positive: bool, negative: bool) -> Sized:
        """The formula shortened for the polarities in which it stands."""
        look()
        if isinstance(formula, Atom):
            return Sized(formula, 1, 1, 1)
        if isinstance(formula, Not):
            return _negated(self._sized(formula.body, negative, positive))
        if isinstance(formula, Forall | Exists):
            body = self._sized(formula.body, positive, negative)
            return body._replace(formula=type(formula)(formula.variables, body.formula))
        if isinstance(formula, Iff):
            return self._equivalence(formula, positive, negative)
        if isinstance(formula, Implies):
            premise = self._sized(formula.premise, negative, positive)
            conclusion = self._sized(formula.conclusion, positive, negative)
            return self._joined(Or, [_negated(premise), conclusion], positive, negative)
        parts = [self._sized(part, positive, negative) for part in formula.parts]
        return self._joined(type(formula), parts, positive, negative)

    def _joined(
        self, kind: type[And | Or], parts: list[Sized], positive: bool, negative: bool
    ) -> Sized:
        """The parts joined; the largest get names while their clauses would be multiplied."""
        fields = ("clauses", "negated") if kind is Or else ("negated", "clauses")
        factor, summand = map(attrgetter, fields)
        multiplies = positive if kind is Or else negative
        while multiplies and prod(map(factor, parts)) > _most(parts):
            largest = max(range(len(parts)), key=lambda i: factor(parts[i]))
            parts[largest] = self._named(parts[largest].formula, positive, negative)
        counts = {fields[0]: prod(map(factor, parts)), fields[1]: max(1, sum(map(summand, parts)))}
        formula = kind(tuple(part.formula for part in parts))
        return Sized(formula, atoms=max(1, sum(part.atoms for part in parts)), **counts)

    def _equivalence(self, formula: Iff, positive: bool, negative: bool) -> Sized:
        sides = [self._sized(side, True, True) for side in formula]
        while True:
            (_, a, not_a, _), (_, b, not_b, _) = sides
            clauses, negated = a * not_b + not_a * b, a * b + not_a * not_b
            if max(clauses * positive, negated * negative) <= _most(sides):
                break
            larger = 0 if a + not_a > b + not_b else 1
            sides[larger] = self._named(sides[larger].formula, True, True)
        whole = Iff(sides[0].formula, sides[1].formula)
        return Sized(whole, clauses, negated, sides[0].atoms + sides[1].atoms)

    def _named(self, part: Formula, positive: bool, negative: bool) -> Sized:
        """A new atom in place of the part."""
        variables = free_variables(part)
        name = self._names.name()
        self._written.append(Definition(name, variables, part, positive, negative, ()))
        return Sized(Atom(name, tuple(map(Variable, variables))), 1, 1, 1)


def stated(definition: Definition) -> Formula:
    """What a definition says."""
    name, variables, part, positive, negative, _ = definition
    atom = Atom(name, tuple(map(Variable, variables)))
    meaning: Formula = Implies(atom, part) if positive else Implies(part, atom)
    if positive and negative:
        meaning = Iff(atom, part)
    return Forall(variables, meaning) if variables else meaning


def _negated(part: Sized) -> Sized:
    return Sized(Not(part.formula), part.negated, part.clauses, part.atoms)


def _most(parts: list[Sized]) -> int:
    """How many clauses may come of the parts joined."""
    return max(BLOW_UP, sum(part.atoms for part in parts))


def negation_normal_form(formula: Formula, positive: bool = True) -> Formula:
    """The equivalent (of the negation unless ``positive``) of atoms, Not of atoms, And and Or
    under quantifiers.

    Truth and falsehood occur only as the whole.  Existential quantifiers stand around just those
    parts of a conjunction or disjunction that mention their variables.
    """
    look()
    if isinstance(formula, Atom):
        return formula if positive else Not(formula)
    if isinstance(formula, Not):
        return negation_normal_form(formula.body, not positive)
    if isinstance(formula, And | Or):
        parts = [negation_normal_form(part, positive) for part in formula.parts]
        return _junction(And if isinstance(formula, And) == positive else Or, parts)
    if isinstance(formula, Implies):
        return negation_normal_form(Or((Not(formula.premise), formula.conclusion)), positive)
    if isinstance(formula, Iff):
        left, right = (negation_normal_form(side) for side in formula)
        not_left, not_right = (negation_normal_form(side, False) for side in formula)
        one_way = (not_left, right) if positive else (left, right)
        other_way = (left, not_right) if positive else (not_left, not_right)
        return _junction(And, [_junction(Or, list(one_way)), _junction(Or, list(other_way))])
    body = negation_normal_form(formula.body, positive)
    free = free_variables(body)
    variables = tuple(name for name in formula.variables if name in free)
    if isinstance(formula, Forall) == positive:
        return Forall(variables, body) if variables else body
    for name in reversed(variables):
        body = _exists(name, body)
    return body


def _junction(kind: type[And] | type[Or], parts: list[Formula]) -> Formula:
    """The conjunction or disjunction, flat and without truth and falsehood inside."""
    flat: list[Formula] = []
    neutral, absorbing = (TRUE, FALSE) if kind is And else (FALSE, TRUE)
    for part in parts:
        if part == absorbing:
            return absorbing
        if part != neutral:
            flat.extend(part.parts if isinstance(part, kind) else (part,))
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _exists(variable: str, body: Formula) -> Formula:
    """The quantifier around those parts of the body that mention its variable."""
    if isinstance(body, And | Or):
        inside = [variable in free_variables(part) for part in body.parts]
        if not all(inside):
            kind, first = type(body), inside.index(True)
            bound = _junction(kind, list(compress(body.parts, inside)))
            outside = list(compress(body.parts, map(not_, inside)))
            # the bound part comes where the first of those within it stood
            return _junction(kind, [*outside[:first], _exists(variable, bound), *outside[first:]])
    if isinstance(body, Exists):
        return Exists((variable, *body.variables), body.body)
    return Exists((variable,), body)


def skolemised(formula: Formula, functions: FreshNames) -> tuple[Formula, tuple[Term, ...]]:
    """A closed formula in negation normal form without its quantifiers, and what stands for what
    these bind, outermost first and left to right.

    Variables are universal, each bound by one quantifier only.  What exists is a new function of
    the variables that its subformula depends on.
    """
    skolemisation = _Skolemisation(functions)
    return skolemisation.without_quantifiers(formula, {}), tuple(skolemisation.terms)


class _Skolemisation:
    def __init__(self, functions: FreshNames) -> None:
        self.functions = functions
        self.used: set[str] = set()
        self.terms: list[Term] = []

    def without_quantifiers(self, formula: Formula, meaning: dict[str, Term]) -> Formula:
        """The formula with its free variables replaced by what they mean."""
        look()
        if isinstance(formula, Atom):
            return substituted(formula, meaning)
        if isinstance(formula, Not) and isinstance(formula.body, Atom):
            return Not(substituted(formula.body, meaning))
        if isinstance(formula, And | Or):
            parts = (self.without_quantifiers(part, meaning) for part in formula.parts)
            return type(formula)(tuple(parts))
        assert isinstance(formula, Forall | Exists), "expected negation normal form"
        if isinstance(formula, Forall):
            new: dict[str, Term] = {name: self.variable(name) for name in formula.variables}
        else:
            arguments = variables_of(meaning[name] for name in free_variables(formula))
            new = {name: Function(self.functions.name(), arguments) for name in formula.variables}
        self.terms.extend(new.values())
        return self.without_quantifiers(formula.body, {**meaning, **new})

    def variable(self, name: str) -> Variable:
        """A variable that the formula does not have yet, called ``name`` if possible."""
        names = chain([name], (f"{name}_{number}" for number in count(1)))
        unused = next(one for one in names if one not in self.used)
        self.used.add(unused)
        return Variable(unused)


def distributed(formula: Formula) -> list[tuple[Literal, ...]]:
    """The clauses of a formula without quantifiers in negation normal form.

    No literal occurs twice in a clause, no clause twice, and no clause holds a literal and its
    complement.
    """
    clauses = dict.fromkeys(tuple(dict.fromkeys(clause)) for clause in _products(formula))
    # an atom that stands twice stands with its negation
    return [clause for clause in clauses if len({one.atom for one in clause}) == len(clause)]


def _products(formula: Formula) -> list[tuple[Literal, ...]]:
    look()
    if isinstance(formula, Atom):
        return [(Literal(True, formula),)]
    if isinstance(formula, Not) and isinstance(formula.body, Atom):
        return [(Literal(False, formula.body),)]
    if isinstance(formula, And):
        return [clause for part in formula.parts for clause in _products(part)]
    assert isinstance(formula, Or), "expected no quantifier"
    if all(isinstance(part, Atom | Not) for part in formula.parts):
        return [tuple(clause[0] for part in formula.parts for clause in _products(part))]
    clauses: list[tuple[Literal, ...]] = [()]
    for part in formula.parts:
        further = _products(part)
        look()
        clauses = [clause + more for clause in clauses for more in further]
    return clauses
