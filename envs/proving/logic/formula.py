"""Terms, formulas and clauses of first-order logic: what the reader writes and the prover reads.

All are NamedTuples without behaviour, so they compare and hash by what they say.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

EQUALITY = "="  # the predicate of equations
Kind = TypeVar("Kind", bound=type)


def _told_apart(kind: Kind) -> Kind:
    """The class, changed so that its members equal only members of it.

    Without this truth would equal falsehood, and a conjunction the disjunction of its parts:
    tuples are equal if what they hold is.
    """

    def equal(one: tuple[object, ...], other: object) -> bool:
        return type(one) is type(other) and tuple.__eq__(one, other)

    def unequal(one: tuple[object, ...], other: object) -> bool:
        return not equal(one, other)

    setattr(kind, "__eq__", equal)  # noqa: B010  a plain assignment is a type error
    setattr(kind, "__ne__", unequal)  # noqa: B010
    return kind


class Variable(NamedTuple):
    name: str


class Function(NamedTuple):
    """A function applied to terms; a constant has none.

    Symbols are told apart by name and number of arguments.  A distinct object of TPTP is a
    constant whose name keeps its double quotes; numbers are constants too.
    """

    name: str
    arguments: tuple[Term, ...] = ()


Term = Variable | Function


class Atom(NamedTuple):
    """A predicate applied to terms; ``a = b`` is the predicate EQUALITY on (a, b)."""

    predicate: str
    arguments: tuple[Term, ...] = ()


@_told_apart
class Not(NamedTuple):
    body: Formula


@_told_apart
class And(NamedTuple):
    """True where all parts are; without parts it is truth itself."""

    parts: tuple[Formula, ...]


@_told_apart
class Or(NamedTuple):
    """True where one part is; without parts it is falsehood itself."""

    parts: tuple[Formula, ...]


@_told_apart
class Implies(NamedTuple):
    premise: Formula
    conclusion: Formula


@_told_apart
class Iff(NamedTuple):
    left: Formula
    right: Formula


@_told_apart
class Forall(NamedTuple):
    variables: tuple[str, ...]
    body: Formula


@_told_apart
class Exists(NamedTuple):
    variables: tuple[str, ...]
    body: Formula


Formula = Atom | Not | And | Or | Implies | Iff | Forall | Exists


class Statement(NamedTuple):
    """One annotated formula of a TPTP file."""

    name: str
    role: str  # "axiom", "conjecture", "negated_conjecture", ...
    formula: Formula  # of a cnf statement: the universal closure of its disjunction
    language: str  # "fof" or "cnf"


class Problem(NamedTuple):
    """What one file asks, includes read."""

    name: str  # the file's name without folder and .p
    statements: tuple[Statement, ...]


class Literal(NamedTuple):
    positive: bool
    atom: Atom


class Clause(NamedTuple):
    """A disjunction of literals, its variables universally quantified."""

    literals: tuple[Literal, ...]
    name: str  # unique in the clause form: the statement's, numbered where it gave several
    source: str  # name of the statement it comes from; "" for axioms of equality
    role: str  # "axiom", "negated_conjecture", "equality" or "definition"


class Definition(NamedTuple):
    """What a made-up predicate stands for: a part of a statement."""

    predicate: str
    variables: tuple[str, ...]  # those free in the part, in the order of the predicate's arguments
    part: Formula  # smaller parts of it may have names too
    positive: bool  # the part stands where the name has to imply it
    negative: bool  # it stands where it has to imply the name
    terms: tuple[Term, ...]  # as in a Translation, of "name => part", "part => name" or "<=>"


class Translation(NamedTuple):
    """What stands in a statement's clauses for what is bound in it, and for parts of it.

    ``terms``: for each quantifier of its negation normal form that mentions its variable, the
    existential ones moved inwards, outermost first and left to right: a variable for "all", and for
    "some" a made-up function (a Skolem function) of the variables that it depends on.
    """

    formula: Formula | None  # the statement with names in place of parts; None: as it is
    terms: tuple[Term, ...]
    definitions: tuple[Definition, ...]


class ClauseForm(NamedTuple):
    """Clauses that are satisfiable together exactly if the problem's conjecture does not follow."""

    name: str
    clauses: tuple[Clause, ...]  # in the order of the statements, axioms of equality last
    conjecture: bool  # the problem has a conjecture, or clauses of the role negated_conjecture
    equality: bool  # axioms of equality were added
    skolem: frozenset[str]  # names of the functions that clausification made up
    defined: frozenset[str]  # names of the predicates that clausification made up
    certificate: tuple[Translation, ...] = ()  # one a statement; several conjectures are denied in
    # one, where the first of them stands
