"""From a problem to its clause form, in the order of the statements, axioms of equality last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, count

from envs.proving.logic.formula import (
    EQUALITY,
    And,
    Atom,
    Clause,
    ClauseForm,
    Formula,
    Function,
    Literal,
    Not,
    Problem,
    Statement,
    Term,
    Translation,
    Variable,
)
from envs.proving.logic.normal_form import (
    Definitions,
    FreshNames,
    distributed,
    negation_normal_form,
    skolemised,
    stated,
)
from envs.proving.logic.recursion import deep, look
from envs.proving.logic.symbols import are_distinct, stands_for_itself, subterms, symbols_of

MOST_INEQUALITIES = 100_000
X, Y, Z = Variable("X"), Variable("Y"), Variable("Z")


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
    names = _ClauseNames(frozenset(statement.name for statement in problem.statements))
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
        for name, literals in list(_equality_axioms(clauses, made_up)):
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


class _ClauseNames:
    """Unique names for clauses: the statement's own for its first, then with _2, _3, ..."""

    def __init__(self, statements: frozenset[str]) -> None:
        self._reserved = statements
        self._given: set[str] = set()
        self._numbers: dict[str, Iterator[int]] = {}

    def next(self, name: str) -> str:
        """A name for the next clause of the statement ``name``."""
        if name in self._given:
            stem, quote = (name[:-1], "'") if name[-1] == "'" else (name, "")
            numbers = self._numbers.setdefault(name, count(2))
            numbered = (f"{stem}_{number}{quote}" for number in numbers)
            taken = (self._given, self._reserved)
            name = next(one for one in numbered if not any(one in names for names in taken))
        self._given.add(name)
        return name


# axioms of equality


def _equality_axioms(
    clauses: Sequence[Clause], without: frozenset[str]
) -> Iterator[tuple[str, tuple[Literal, ...]]]:
    """Names and literals of the axioms: reflexivity, symmetry, transitivity, congruence for every
    function and predicate, and that distinct objects and numbers are not equal.

    Functions and predicates named in ``without`` get none: those of clausification need none, as
    what it made equal without them it makes equal with a fitting choice of them.
    """
    atoms = [literal.atom for clause in clauses for literal in clause.literals]
    terms = (term for atom in atoms for term in subterms(atom.arguments))
    functions = dict.fromkeys(
        (term.name, len(term.arguments)) for term in terms if isinstance(term, Function)
    )
    predicates = dict.fromkeys((atom.predicate, len(atom.arguments)) for atom in atoms)
    yield "reflexivity", (_equation(X, X),)
    yield "symmetry", (_equation(X, Y, False), _equation(Y, X))
    yield "transitivity", (_equation(X, Y, False), _equation(Y, Z, False), _equation(X, Z))
    for name, arity in functions:
        if arity and name not in without:
            left, right, premises = _equal_arguments(arity)
            conclusion = _equation(Function(name, left), Function(name, right))
            yield _congruence_of(name), (*premises, conclusion)
    for name, arity in predicates:
        if arity and name not in without and name != EQUALITY:
            left, right, premises = _equal_arguments(arity)
            moved = (Literal(False, Atom(name, left)), Literal(True, Atom(name, right)))
            yield _congruence_of(name), (*premises, *moved)
    objects = [name for name, arity in functions if not arity and stands_for_itself(name)]
    pairs = len(objects) * (len(objects) - 1) // 2
    if pairs > MOST_INEQUALITIES:
        raise ValueError(
            f"the problem has {len(objects)} distinct objects, which takes {pairs} inequalities; "
            f"at most {MOST_INEQUALITIES} are written: leave out objects or equality"
        )
    for first, second in combinations(objects, 2):
        look()
        if are_distinct(first, second):
            yield "distinct_objects", (_equation(Function(first), Function(second), False),)


def _equal_arguments(arity: int) -> tuple[tuple[Term, ...], tuple[Term, ...], list[Literal]]:
    """Two rows of variables and the literals that deny that they are equal one by one."""
    left = tuple(Variable(f"X{i}") for i in range(1, arity + 1))
    right = tuple(Variable(f"Y{i}") for i in range(1, arity + 1))
    return left, right, [_equation(x, y, False) for x, y in zip(left, right, strict=True)]


def _congruence_of(name: str) -> str:
    return f"congruence_of_{name}" if name.replace("_", "a").isalnum() else "congruence"


def _equation(left: Term, right: Term, positive: bool = True) -> Literal:
    return Literal(positive, Atom(EQUALITY, (left, right)))
