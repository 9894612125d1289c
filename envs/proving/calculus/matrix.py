"""Clause forms as flat arrays: what the compiled prover reads.

A library holds many problems side by side; terms, literals, clauses and symbols are numbered
through all of them, so that a position needs to know no more than the numbers it stands on.
Terms are shared by structure (Boyer and Moore 1972): a term of the library and the offset of a
clause copy's variables denote an instance, and taking a copy of a clause copies nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.proving.calculus.unify import Scratch, new_scratch, unifiable_apart
from envs.proving.logic.formula import Clause, ClauseForm, Term, Variable
from envs.proving.logic.recursion import deep, look
from selfplay.jit import kernel
from selfplay.types import Bool, Int

_MOST_PAIRS = 4_000_000  # pairs of literals looked at in a problem before their lists are shared
_MOST_VARIABLES = 2048  # of a clause
_MOST_ARGUMENTS = 2048  # of a symbol


class Terms(NamedTuple):
    """The terms and atoms of all problems."""

    head: Int  # [T] i32, the symbol; -1 - v for variable v of the clause
    first: Int  # [T] i32, where the term's arguments begin in ``arguments``
    arity: Int  # [T] i32
    arguments: Int  # [...] i32, terms


class Matrix(NamedTuple):
    """The clauses of a library of P problems."""

    terms: Terms
    atom: Int  # [L] i32, of each literal, as a term whose head is the predicate
    side: Int  # [L] i32, 2 * predicate, + 1 if negated
    clause: Int  # [L] i32, where the literal stands
    clause_start: Int  # [C + 1] i32, a clause's literals are clause_start[c] .. clause_start[c + 1]
    clause_variables: Int  # [C] i32
    link_start: Int  # [L] i32, the literals that may be connected to literal l are
    link_end: Int  # [L] i32, links[link_start[l] : link_end[l]], in the order of the clauses
    links: Int  # [...] i32
    clause_first: Int  # [P + 1] i32, the clauses of each problem
    symbol_first: Int  # [P + 1] i32, the symbols of each problem
    start_first: Int  # [P + 1] i32, where its start clauses begin in ``starts``
    starts: Int  # [...] i32, clauses: those of the goal, then the others without positive literal
    goal_starts: Int  # [P] i32, how many are of the goal
    symbol_hash: NDArray[np.uint64]  # [S] u64, of a symbol's name; all that is made up are alike
    symbol_arity: Int  # [S] i32
    symbol_predicate: Bool  # [S]
    clause_role: Int  # [C] i32, index in ROLES


ROLES = ("axiom", "negated_conjecture", "equality", "definition")


class Library(NamedTuple):
    """Problems in the order of their numbers, with their arrays."""

    forms: tuple[ClauseForm, ...]
    matrix: Matrix
    symbols: tuple[str, ...]  # [S], names

    def clause_at(self, clause: int) -> Clause:
        """The clause with this number."""
        problem = int(np.searchsorted(self.matrix.clause_first, clause, side="right")) - 1
        return self.forms[problem].clauses[clause - int(self.matrix.clause_first[problem])]


@deep
def build_library(forms: Sequence[ClauseForm]) -> Library:
    """The library of these problems; ValueError where there is none, or a clause is too wide."""
    if not forms:
        raise ValueError("a library needs at least one problem")
    build = _Builder()
    for form in forms:
        build.add(form)
    matrix = build.matrix()
    return Library(tuple(forms), _linked(matrix), tuple(build.symbols))


class _Builder:
    """Numbers what it is given, problem after problem; a row for each, in the order of the fields
    of Terms and Matrix."""

    def __init__(self) -> None:
        self.terms: list[tuple[int, int, int]] = []  # head, first, arity
        self.arguments: list[int] = []
        self.literals: list[tuple[int, int, int]] = []  # atom, side, clause
        self.clauses: list[tuple[int, int, int]] = []  # end, variables, role
        self.ends = [(0, 0, 0)]  # of the clauses, symbols and starts of each problem
        self.starts: list[int] = []
        self.goal_starts: list[int] = []
        self.symbols: list[str] = []
        self.symbol_hash: list[int] = []
        self.symbol_arity: list[int] = []
        self.symbol_predicate: list[bool] = []
        self._known: dict[tuple[str, int, bool], int] = {}  # symbols of the present problem
        self._shared: dict[object, int] = {}  # terms of the present clause
        self._variables: dict[str, int] = {}  # of the present clause

    def add(self, form: ClauseForm) -> None:
        self._known, made_up = {}, form.skolem | form.defined
        begin = len(self.clauses)
        for clause in form.clauses:
            self._variables, self._shared = {}, {}
            for positive, (name, arguments) in clause.literals:
                symbol = self._symbol(name, len(arguments), True, made_up)
                atom = self._node(symbol, [self._term(part, made_up) for part in arguments])
                self.literals.append((atom, 2 * symbol + (not positive), len(self.clauses)))
            variables = len(self._variables)
            if variables > _MOST_VARIABLES:
                raise ValueError(
                    f"{form.name}: clause {clause.name} has {variables:,} variables; "
                    f"more than {_MOST_VARIABLES:,} are not supported"
                )
            self.clauses.append((len(self.literals), variables, ROLES.index(clause.role)))
        goals, others = start_clauses(form)
        self.starts += [begin + number for number in goals + others]
        self.goal_starts.append(len(goals))
        self.ends.append((len(self.clauses), len(self.symbols), len(self.starts)))

    def _term(self, term: Term, made_up: frozenset[str]) -> int:
        look()
        if isinstance(term, Variable):
            number = self._variables.setdefault(term.name, len(self._variables))
            return self._node(-1 - number, [])
        symbol = self._symbol(term.name, len(term.arguments), False, made_up)
        return self._node(symbol, [self._term(part, made_up) for part in term.arguments])

    def _node(self, head: int, parts: list[int]) -> int:
        """The term's number; equal terms of a clause are one."""
        key = (head, *parts)
        if key not in self._shared:
            self._shared[key] = len(self.terms)
            self.terms.append((head, len(self.arguments), len(parts)))
            self.arguments += parts
        return self._shared[key]

    def _symbol(self, name: str, arity: int, predicate: bool, made_up: frozenset[str]) -> int:
        key = (name, arity, predicate)
        if arity > _MOST_ARGUMENTS:
            raise ValueError(
                f"{name} has {arity:,} arguments; more than {_MOST_ARGUMENTS:,} are not supported"
            )
        if key not in self._known:
            self._known[key] = len(self.symbols)
            self.symbols.append(name)
            told = "" if name in made_up else name
            digest = hashlib.blake2b(f"{told}/{arity}/{predicate}".encode(), digest_size=8)
            self.symbol_hash.append(int.from_bytes(digest.digest(), "little"))
            self.symbol_arity.append(arity)
            self.symbol_predicate.append(predicate)
        return self._known[key]

    def matrix(self) -> Matrix:
        """The arrays; the links are still empty."""
        head, first, arity = _columns(self.terms)
        atom, side, clause = _columns(self.literals)
        clause_end, clause_variables, clause_role = _columns(self.clauses)
        clause_first, symbol_first, start_first = _columns(self.ends)
        return Matrix(
            terms=Terms(head, first, arity, _ints(self.arguments)),
            atom=atom,
            side=side,
            clause=clause,
            clause_start=np.concatenate([_ints([0]), clause_end]),
            clause_variables=clause_variables,
            link_start=np.zeros_like(atom),
            link_end=np.zeros_like(atom),
            links=_ints([]),
            clause_first=clause_first,
            symbol_first=symbol_first,
            start_first=start_first,
            starts=_ints(self.starts),
            goal_starts=_ints(self.goal_starts),
            symbol_hash=np.array(self.symbol_hash, np.uint64),
            symbol_arity=_ints(self.symbol_arity),
            symbol_predicate=np.array(self.symbol_predicate, np.bool_),
            clause_role=clause_role,
        )


def _ints(values: Sequence[int]) -> Int:
    return np.array(values, np.int32)


def _columns(rows: Sequence[tuple[int, int, int]]) -> Int:
    """[3, len(rows)], the columns of a table."""
    return np.ascontiguousarray(np.array(rows, np.int32).reshape(-1, 3).T)


def start_clauses(form: ClauseForm) -> tuple[list[int], list[int]]:
    """The clauses of the goal, and the others without positive literal.

    A problem without conjecture has for its goal the clauses without positive literal.  Where there
    are none at all, the clauses are satisfiable: everything true is a model.
    """
    goals = [i for i, clause in enumerate(form.clauses) if clause.role == "negated_conjecture"]
    others = [
        i
        for i, clause in enumerate(form.clauses)
        if clause.role != "negated_conjecture"
        and not any(part.positive for part in clause.literals)
    ]
    return (goals, others) if goals else (others, [])


def _linked(matrix: Matrix) -> Matrix:
    """The matrix with its links: complementary literals that unify when renamed apart.

    In a problem with too many pairs to try, literals of one side share a list that is not sieved.
    """
    by_side: dict[int, list[int]] = defaultdict(list)
    for literal, side in enumerate(matrix.side.tolist()):
        by_side[side].append(literal)
    start, end = np.zeros_like(matrix.atom), np.zeros_like(matrix.atom)
    parts, filled = [_ints([])], 0
    scratch = new_scratch(2 * _MOST_VARIABLES)
    for low, high in pairwise(matrix.clause_start[matrix.clause_first]):
        pairs = sum(len(by_side.get(int(side) ^ 1, ())) for side in matrix.side[low:high])
        shared: dict[int, tuple[int, int]] = {}
        for literal in range(low, high):
            look()
            opposite = int(matrix.side[literal]) ^ 1
            if pairs > _MOST_PAIRS and opposite in shared:
                start[literal], end[literal] = shared[opposite]
                continue
            found = np.array(by_side.get(opposite, []), np.int32)
            if pairs <= _MOST_PAIRS:
                found = found[_sieve(matrix, literal, found, scratch)]
            shared[opposite] = start[literal], end[literal] = filled, filled + len(found)
            parts.append(found)
            filled += len(found)
    return matrix._replace(link_start=start, link_end=end, links=np.concatenate(parts))


def shuffled(matrix: Matrix, problem: int, rng: np.random.Generator) -> Matrix:
    """The matrix with the clauses of a problem in a random order, as far as it decides what is
    tried first: numbers, and the order of literals in their clauses, stay as they are.

    Raths and Otten 2008, "randoCoP: randomizing the proof search order in the connection calculus".
    """
    first, end = matrix.clause_first[problem], matrix.clause_first[problem + 1]
    literals = slice(matrix.clause_start[first], matrix.clause_start[end])
    links = matrix.links.copy()
    if literals.start < literals.stop:
        begins = np.unique(matrix.link_start[literals])
        part = slice(begins[0], matrix.link_end[literals].max())
        of = np.searchsorted(begins, np.arange(part.start, part.stop), side="right")
        place = rng.permutation(end - first)[matrix.clause[matrix.links[part]] - first]
        links[part] = matrix.links[part][np.lexsort((place, of))]
    begin = matrix.start_first[problem]
    goals = slice(begin, begin + matrix.goal_starts[problem])
    others = slice(goals.stop, matrix.start_first[problem + 1])
    starts = matrix.starts.copy()
    for part in (goals, others):
        starts[part] = rng.permutation(matrix.starts[part])
    return matrix._replace(links=links, starts=starts)


@kernel
def _sieve(matrix: Matrix, literal: int, others: Int, scratch: Scratch) -> Bool:
    """[len(others)], True where the atoms unify when their variables are renamed apart."""
    fits = np.empty(len(others), np.bool_)
    variables = matrix.clause_variables[matrix.clause[literal]]
    for i in range(len(others)):
        fits[i] = unifiable_apart(
            matrix.terms, matrix.atom[literal], matrix.atom[others[i]], variables, scratch
        )
    return fits
