"""From a problem to its clause form, in the order of the statements."""

from __future__ import annotations

from collections.abc import Iterator

from envs.proving.logic.deep_recursion import deep
from envs.proving.logic.equality import equality_axioms
from envs.proving.logic.formula import (
    EQUALITY,
    And,
    Clause,
    ClauseForm,
    Formula,
    Not,
    Problem,
    Statement,
    Term,
    Translation,
)
from envs.proving.logic.interrupt import look
from envs.proving.logic.normal_form import (
    Definitions,
    distributed,
    negation_normal_form,
    skolemised,
    stated,
)
from envs.proving.logic.symbols import FreshNames, symbols_of


@deep
def clausify(problem: Problem) -> ClauseForm:
    """Clauses that are satisfiable together exactly if the conjecture does not follow.

    Several conjectures are denied together, where the first of them stands.  A formula that
    distribution would blow up gets defined predicates; all others are distributed plainly.  If
    an equation occurs, the axioms of equality come last.
    Raises ValueError where these would be too many.
    """
    symbols = symbols_of(statement.formula for statement in problem.statements)
    functions, predicates = FreshNames("sk", symbols), FreshNames("def", symbols)
    definitions = Definitions(predicates)
    names = ClauseNames(frozenset(statement.name for statement in problem.statements))
    clauses: list[Clause] = []
    certificate: list[Translation] = []

    def translated(formula: Formula, source: str, role: str) -> tuple[Term, ...]:
        """Adds the clauses of the formula."""
        without_quantifiers, terms = skolemised(negation_normal_form(formula), functions)
        for literals in distributed(without_quantifiers):
            clauses.append(Clause(literals, names.next(source), source, role))
        return terms

    for statement in _refuted(problem):
        look()
        shortened, written = definitions.shortened(statement.formula)
        role = "negated_conjecture" if statement.role == "negated_conjecture" else "axiom"
        terms = translated(shortened, statement.name, role)
        written = tuple(
            one._replace(terms=translated(stated(one), statement.name, "definition"))
            for one in written
        )
        certificate.append(Translation(shortened if written else None, terms, written))
    equality = any(one.atom.predicate == EQUALITY for clause in clauses for one in clause.literals)
    if equality:
        made_up = frozenset((*functions.made, *predicates.made))
        for name, literals in list(equality_axioms(clauses, made_up)):
            clauses.append(Clause(literals, names.next(name), "", "equality"))
    conjecture = any(s.role in ("conjecture", "negated_conjecture") for s in problem.statements)
    return ClauseForm(
        problem.name,
        tuple(clauses),
        conjecture,
        equality,
        frozenset(functions.made),
        frozenset(predicates.made),
        tuple(certificate),
    )


def _refuted(problem: Problem) -> Iterator[Statement]:
    """The statements, in place of the conjectures one that denies them."""
    conjectures = [s for s in problem.statements if s.role == "conjecture"]
    for statement in problem.statements:
        if statement.role != "conjecture":
            yield statement
        elif statement is conjectures[0]:
            formulas = tuple(conjecture.formula for conjecture in conjectures)
            denied = Not(formulas[0] if len(formulas) == 1 else And(formulas))
            yield statement._replace(role="negated_conjecture", formula=denied)


class ClauseNames:
    """Unique names for clauses: the statement's own for its first, then with _2, _3, ..."""

    def __init__(self, statements: frozenset[str]) -> None:
        self._reserved = statements
        self._given: set[str] = set()
        self._numbers: dict[str, int] = {}

    def next(self, name: str) -> str:
        """A name for the next clause of the statement ``name``."""
        if name not in self._given:
            self._given.add(name)
            return name
        number = self._numbers.get(name, 1)
        while True:
            number += 1
            numbered = f"{name[:-1]}_{number}'" if name[-1] == "'" else f"{name}_{number}"
            if numbered not in self._given and numbered not in self._reserved:
                break
        self._numbers[name] = number
        self._given.add(numbered)
        return numbered
