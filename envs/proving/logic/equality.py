"""The axioms of equality for a set of clauses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from envs.proving.logic.distinct_objects import are_distinct, stands_for_itself
from envs.proving.logic.formula import EQUALITY, Atom, Clause, Function, Literal, Term, Variable
from envs.proving.logic.interrupt import look
from envs.proving.logic.symbols import subterms

MOST_INEQUALITIES = 100_000
X, Y, Z = Variable("X"), Variable("Y"), Variable("Z")


def equality_axioms(
    clauses: Iterable[Clause], without: frozenset[str] = frozenset()
) -> Iterator[tuple[str, tuple[Literal, ...]]]:
    """Names and literals of the axioms: reflexivity, symmetry, transitivity, congruence for every
    function and predicate, and that distinct objects and numbers are not equal.

    Functions and predicates named in ``without`` get none: those of clausification need none, as
    what it made equal without them it makes equal with a fitting choice of them.
    Raises ValueError where the distinct objects are too many for their inequalities.
    """
    functions: dict[tuple[str, int], None] = {}
    predicates: dict[tuple[str, int], None] = {}
    objects: dict[str, None] = {}
    for clause in clauses:
        for literal in clause.literals:
            predicates[literal.atom.predicate, len(literal.atom.arguments)] = None
            for term in subterms(literal.atom.arguments):
                if isinstance(term, Function):
                    functions[term.name, len(term.arguments)] = None
                    if not term.arguments and stands_for_itself(term.name):
                        objects[term.name] = None
    yield "reflexivity", (_equal(X, X),)
    yield "symmetry", (_unequal(X, Y), _equal(Y, X))
    yield "transitivity", (_unequal(X, Y), _unequal(Y, Z), _equal(X, Z))
    for name, arity in functions:
        if arity and name not in without:
            left, right, premises = _congruent(arity)
            conclusion = _equal(Function(name, left), Function(name, right))
            yield _congruence_of(name), (*premises, conclusion)
    for name, arity in predicates:
        if arity and name not in without and name != EQUALITY:
            left, right, premises = _congruent(arity)
            moved = (Literal(False, Atom(name, left)), Literal(True, Atom(name, right)))
            yield _congruence_of(name), (*premises, *moved)
    pairs = len(objects) * (len(objects) - 1) // 2
    if pairs > MOST_INEQUALITIES:
        raise ValueError(
            f"the problem has {len(objects)} distinct objects, which takes {pairs} inequalities; "
            f"at most {MOST_INEQUALITIES} are written: leave out objects or equality"
        )
    for first, second in combinations(objects, 2):
        look()
        if not are_distinct(first, second):
            continue
        yield "distinct_objects", (_unequal(Function(first), Function(second)),)


def _congruent(
    arity: int,
) -> tuple[tuple[Variable, ...], tuple[Variable, ...], tuple[Literal, ...]]:
    """Two rows of variables and the literals that deny that they are equal one by one."""
    left = tuple(Variable(f"X{i}") for i in range(1, arity + 1))
    right = tuple(Variable(f"Y{i}") for i in range(1, arity + 1))
    return left, right, tuple(_unequal(x, y) for x, y in zip(left, right, strict=True))


def _congruence_of(name: str) -> str:
    return f"congruence_of_{name}" if name.replace("_", "a").isalnum() else "congruence"


def _equal(left: Term, right: Term) -> Literal:
    return Literal(True, Atom(EQUALITY, (left, right)))


def _unequal(left: Term, right: Term) -> Literal:
    return Literal(False, Atom(EQUALITY, (left, right)))
