"""Whether clauses follow from the statements they come from, by the clause form's certificate.

The certificate says what the made-up names stand for, and here that is verified, not looked for;
nothing of the prover's own clausification is imported.  Why what is accepted is sound (Nonnengart
and Weidenbach 2001, "Computing Small Clause Normal Forms"): take a model of the problem.

A made-up predicate may mean whatever part of a statement it is the name of, since nothing else has
that name and all that the part depends on is among its arguments; with the names put in, the
statement says what it said.  That a part and its name are equivalent holds then, and so does the
half of it that is written down.

A made-up function may choose, for each value of its arguments, a thing of which its formula is true
if there is one: it answers one quantifier, and all that the formula depends on is among its
arguments.  So without its quantifiers the formula still holds for all that its variables may mean.

A clause follows from such a formula if the formula is false where all the clause's literals are: a
conjunction is false where one of its parts is, a disjunction where all are.  That is found in one
pass upwards from the literals (Dowling and Gallier 1984), in a time linear in the places where
they stand.  The laws of equality hold in every model, whatever functions and predicates mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from envs.proving.logic.formula import (
    EQUALITY,
    And,
    Atom,
    Clause,
    ClauseForm,
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
    Problem,
    Term,
    Translation,
    Variable,
)
from envs.proving.logic.recursion import look
from envs.proving.logic.symbols import (
    Signed,
    TermTable,
    free_variables,
    inner_formulas,
    stands_for_itself,
    substituted,
    symbols_of,
    variables_of,
)
from envs.proving.proofs.equality_laws import is_valid

LITERAL, ALL, ANY, EVERY, SOME = "literal", "all", "any", "every", "some"


class DoubtError(Exception):
    """Why the clauses are not confirmed, as a sentence."""


def confirm(problem: Problem, form: ClauseForm, clauses: Sequence[Clause]) -> None:
    """Raises DoubtError unless each of the clauses follows.

    It has to follow from the statements it names as its source, the conjectures denied, or be true
    by the laws of equality or because distinct objects or numbers are not equal.
    """
    stated = list(_stated(problem))
    if len(stated) != len(form.certificate):
        raise DoubtError(
            f"the certificate of {form.name} is for {len(form.certificate)} statements, "
            f"{problem.name} has {len(stated)}"
        )
    names = _Names(problem)
    wanted = {clause.source for clause in clauses}
    sources: dict[str, _Source] = {}
    for (name, formula), translation in zip(stated, form.certificate, strict=True):
        if name in wanted:
            source = sources.setdefault(name, _Source())
            _add_statement(source, f"statement {name}", formula, translation, names)
    for clause in clauses:
        look()
        known = sources.get(clause.source)
        if (known and known.yields(clause.literals)) or is_valid(clause.literals):
            continue
        if not known:
            raise DoubtError(
                f"clause {clause.name}: {problem.name} has no statement {clause.source!r}"
            )
        raise DoubtError(
            f"clause {clause.name} does not follow from statement {clause.source} as the "
            "certificate reads it"
        )


def _stated(problem: Problem) -> Iterator[tuple[str, Formula]]:
    """What the statements say, by their names; where the first conjecture stands, that not all
    of them hold."""
    conjectures = [one for one in problem.statements if one.role == "conjecture"]
    for statement in problem.statements:
        if statement.role != "conjecture":
            yield statement.name, statement.formula
        elif statement is conjectures[0]:
            parts = tuple(one.formula for one in conjectures)
            yield statement.name, Not(parts[0] if len(parts) == 1 else And(parts))


class _Names:
    """The names that the problem has, and those made up so far."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem.name
        self._used = symbols_of(one.formula for one in problem.statements)
        self._made: set[str] = set()

    def make(self, name: str) -> None:
        """Takes one more name; DoubtError unless it is new."""
        if name in self._used:
            raise DoubtError(f"the name {name} was not made up: {self._problem} has it")
        if name == EQUALITY or stands_for_itself(name):
            raise DoubtError(f"the name {name} was not made up: it has a meaning of its own")
        if name in self._made:
            raise DoubtError(f"the name {name} was made up twice")
        self._made.add(name)


# names for parts


def _add_statement(
    source: _Source, what: str, formula: Formula, translation: Translation, names: _Names
) -> None:
    """Adds what the statement says and what the names for its parts mean."""
    naming = _Naming(what, translation.definitions, names)
    given = formula if translation.formula is None else translation.formula
    naming.compare(formula, given, f"the certificate reads {what} as another formula")
    if naming.left:
        raise DoubtError(f"the name {min(naming.left)} stands for no part of {what}")
    _Reading(source, what, translation.terms, names).add(given)
    for definition in translation.definitions:
        what = f"the definition of {definition.predicate}"
        _Reading(source, what, definition.terms, names).add(_said(definition))


class _Naming:
    """The definitions of one statement."""

    def __init__(self, what: str, definitions: Sequence[Definition], names: _Names) -> None:
        for definition in definitions:
            names.make(definition.predicate)
        self._what = what
        self._definitions = {one.predicate: one for one in definitions}
        self.left = set(self._definitions)  # the names that stand for no part yet
        self._open: set[str] = set()  # those whose part is being compared

    def compare(self, stated: Formula, given: Formula, doubt: str) -> None:
        """DoubtError with these words unless the formulas are the same, names put in.

        A premise is the same as a negated part of a disjunction.  Every name stands once.
        """
        look()
        if isinstance(given, Atom) and given.predicate in self._definitions:
            self._compare_part(stated, given)
            return
        stated, given = _without_implication(stated), _without_implication(given)
        if stated is given and not self._definitions:
            return
        if type(stated) is not type(given):
            raise DoubtError(doubt)
        if isinstance(stated, Atom) and stated != given:
            raise DoubtError(doubt)
        if isinstance(stated, Forall | Exists) and stated[:1] != given[:1]:  # the variables
            raise DoubtError(doubt)
        inner, given_inner = inner_formulas(stated), inner_formulas(given)
        if len(inner) != len(given_inner):
            raise DoubtError(doubt)
        for one, other in zip(inner, given_inner, strict=True):
            self.compare(one, other, doubt)

    def _compare_part(self, stated: Formula, given: Atom) -> None:
        name, variables, part, *_ = self._definitions[given.predicate]
        if name in self._open:
            raise DoubtError(f"the definition of {name} is circular")
        if name not in self.left:
            raise DoubtError(f"the name {name} stands for two parts of {self._what}")
        self.left.remove(name)
        if given.arguments != tuple(map(Variable, variables)):
            raise DoubtError(f"{name} stands with other arguments than it is defined with")
        for variable in free_variables(part):
            if variable not in variables:
                raise DoubtError(f"the definition of {name} leaves out the variable {variable}")
        doubt = f"the definition of {name} is not of the part of {self._what} that it stands for"
        self._open.add(name)
        self.compare(stated, part, doubt)
        self._open.remove(name)


def _without_implication(formula: Formula) -> Formula:
    if isinstance(formula, Implies):
        return Or((Not(formula.premise), formula.conclusion))
    return formula


def _said(definition: Definition) -> Formula:
    """The half of the equivalence of name and part that is written down, or both."""
    name = Atom(definition.predicate, tuple(map(Variable, definition.variables)))
    part = definition.part
    ways = ((definition.positive, name, part), (definition.negative, part, name))
    halves = tuple(Implies(premise, conclusion) for wanted, premise, conclusion in ways if wanted)
    return Forall(definition.variables, And(halves))


# formulas without quantifiers


class NormalFormula(NamedTuple):
    """A formula in negation normal form, existential quantifiers moved inwards."""

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


class _Source:
    """The formulas that clauses of one source follow from, without their quantifiers."""

    def __init__(self) -> None:
        self._table = TermTable()
        self._above = [-1]  # for each conjunction and disjunction the one that it is a part of
        self._needed = [1]  # how many of its parts are false before it is
        self._places: dict[Signed, list[int]] = {}  # of a literal: the junctions it is a part of
        self._false: list[int] = []  # junctions with a part that is false anyway

    def add_junction(self, above: int, needed: int) -> int:
        """The number of a junction; 0 is the conjunction of all formulas."""
        if not needed:
            self._false.append(above)
        self._above.append(above)
        self._needed.append(needed)
        return len(self._above) - 1

    def add_literal(self, literal: Literal, above: int) -> None:
        self._places.setdefault(self._table.literal(literal), []).append(above)

    def yields(self, literals: Sequence[Literal]) -> bool:
        """Whether one of the formulas is false where all these literals are."""
        denied = {self._table.literal(literal) for literal in literals}
        waiting = [above for one in denied for above in self._places.get(one, ())]
        waiting += self._false
        needed: dict[int, int] = {}
        while waiting:
            look()
            junction = waiting.pop()
            needed[junction] = needed.get(junction, self._needed[junction]) - 1
            if needed[junction] == 0:
                if junction == 0:
                    return True
                waiting.append(self._above[junction])
        return False


class _Reading:
    """One formula on its way into a source, with what stands for what its quantifiers bind."""

    def __init__(self, source: _Source, what: str, terms: Sequence[Term], names: _Names) -> None:
        self._source, self._what, self._names = source, what, names
        self._terms: Iterator[Term] = iter(terms)

    def add(self, formula: Formula) -> None:
        """Adds the formula; DoubtError if one of the terms does not fit its quantifier."""
        self._add(normal_form(formula), 0, {})
        if next(self._terms, None) is not None:
            raise DoubtError(f"the certificate has more terms than {self._what} has quantifiers")

    def _add(self, part: NormalFormula, above: int, bound: Mapping[str, Term]) -> None:
        look()
        if part.kind == LITERAL:
            assert part.literal is not None
            positive, atom = part.literal
            self._source.add_literal(Literal(positive, substituted(atom, bound)), above)
        elif part.kind in (EVERY, SOME):
            self._add(part.parts[0], above, {**bound, part.variable: self._term(part, bound)})
        else:
            needed = len(part.parts) if part.kind == ANY else 1
            junction = self._source.add_junction(above, needed)
            for inner in part.parts:
                self._add(inner, junction, bound)

    def _term(self, part: NormalFormula, bound: Mapping[str, Term]) -> Term:
        """What stands for the variable of a quantifier."""
        term = next(self._terms, None)
        if term is None:
            raise DoubtError(f"the certificate has fewer terms than {self._what} has quantifiers")
        if part.kind == EVERY:
            if not isinstance(term, Variable):
                raise DoubtError(
                    f"{term.name} stands for every {part.variable} of {self._what}, "
                    "expected a variable"
                )
            return term
        if not isinstance(term, Function):
            raise DoubtError(
                f"the variable {term.name} stands for some {part.variable} of {self._what}, "
                "expected a function"
            )
        self._names.make(term.name)
        for variable in variables_of(bound[name] for name in sorted(part.free)):
            if variable not in term.arguments:
                raise DoubtError(
                    f"{term.name} leaves out the variable {variable.name}, on which the "
                    f"{part.variable} of {self._what} depends"
                )
        return term
