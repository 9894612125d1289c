"""Random small formulas, and their truth in worlds of one or two things by going through all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from hypothesis import strategies as st

from envs.proving.formula import (
    EQUALITY,
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
from envs.proving.symbols import atoms_of, subterms

LETTERS = ("p", "q", "r", "s")
Symbol = tuple[str, int]  # its name and number of arguments
World = Mapping[Symbol, Mapping[tuple[int, ...], int]]  # what each symbol means there


def propositional() -> st.SearchStrategy[Formula]:
    """Formulas of all connectives over four letters and the two constants."""
    letters: list[Formula] = [Atom(letter) for letter in LETTERS]
    leaves = st.sampled_from([*letters, *letters, And(()), Or(())])
    return st.recursive(leaves, _connected, max_leaves=9)


def first_order() -> st.SearchStrategy[Formula]:
    """Formulas over two variables, free ones among them, a constant, p/1 and q/2."""
    terms: st.SearchStrategy[Term] = st.sampled_from([Variable("X"), Variable("Y"), Function("c")])
    leaves = st.one_of(
        st.builds(lambda x: Atom("p", (x,)), terms),
        st.builds(lambda x, y: Atom("q", (x, y)), terms, terms),
    )
    return st.recursive(leaves, lambda inner: _connected(inner) | _quantified(inner), max_leaves=4)


def _connected(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Not, inner),
        st.builds(And, several),
        st.builds(Or, several),
        st.builds(Implies, inner, inner),
        st.builds(Iff, inner, inner),
    )


def _quantified(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    variables = st.sampled_from([("X",), ("Y",), ("X", "Y")])
    return st.builds(Forall, variables, inner) | st.builds(Exists, variables, inner)


def holds(formula: Formula, world: World, size: int, meaning: Mapping[str, int]) -> bool:
    """Whether the formula is true in the world of things 0 .. size - 1."""
    if isinstance(formula, Atom):
        things = tuple(_thing(term, world, meaning) for term in formula.arguments)
        if formula.predicate == EQUALITY:
            return things[0] == things[1]
        return bool(world[formula.predicate, len(things)][things])
    if isinstance(formula, Not):
        return not holds(formula.body, world, size, meaning)
    if isinstance(formula, And):
        return all(holds(part, world, size, meaning) for part in formula.parts)
    if isinstance(formula, Or):
        return any(holds(part, world, size, meaning) for part in formula.parts)
    if isinstance(formula, Implies):
        return not holds(formula.premise, world, size, meaning) or holds(
            formula.conclusion, world, size, meaning
        )
    if isinstance(formula, Iff):
        return holds(formula.left, world, size, meaning) == holds(
            formula.right, world, size, meaning
        )
    every = all if isinstance(formula, Forall) else any
    return every(
        holds(
            formula.body, world, size, {**meaning, **dict(zip(formula.variables, row, strict=True))}
        )
        for row in product(range(size), repeat=len(formula.variables))
    )


def clauses_hold(clauses: Iterable[tuple[Literal, ...]], world: World, size: int) -> bool:
    """Whether every clause is true in the world for all that its variables may mean."""
    for clause in clauses:
        literals = [lit.atom if lit.positive else Not(lit.atom) for lit in clause]
        names = {
            term.name
            for lit in clause
            for term in subterms(lit.atom.arguments)
            if isinstance(term, Variable)
        }
        if not holds(Forall(tuple(sorted(names)), Or(tuple(literals))), world, size, {}):
            return False
    return True


def worlds(functions: set[Symbol], predicates: set[Symbol], size: int) -> Iterator[World]:
    """Every way to give the symbols a meaning."""
    symbols = [(symbol, size) for symbol in sorted(functions)]
    symbols += [(symbol, 2) for symbol in sorted(predicates)]
    tables = []
    for (_, arity), values in symbols:
        rows = list(product(range(size), repeat=arity))
        tables.append(
            [
                dict(zip(rows, column, strict=True))
                for column in product(range(values), repeat=len(rows))
            ]
        )
    for choice in product(*tables):
        yield {symbol: table for (symbol, _), table in zip(symbols, choice, strict=True)}


def symbols_in(atoms: Iterable[Atom]) -> tuple[set[Symbol], set[Symbol]]:
    """The functions and the predicates of the atoms, equality left out."""
    functions, predicates = set(), set()
    for atom in atoms:
        if atom.predicate != EQUALITY:
            predicates.add((atom.predicate, len(atom.arguments)))
        for term in subterms(atom.arguments):
            if isinstance(term, Function):
                functions.add((term.name, len(term.arguments)))
    return functions, predicates


def formula_symbols(formula: Formula) -> tuple[set[Symbol], set[Symbol]]:
    """The functions and the predicates of a formula."""
    return symbols_in(atoms_of(formula))


def _thing(term: Term, world: World, meaning: Mapping[str, int]) -> int:
    if isinstance(term, Variable):
        return meaning[term.name]
    things = tuple(_thing(argument, world, meaning) for argument in term.arguments)
    return world[term.name, len(things)][things]
