"""Random small formulas, and their truth in small worlds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from random import Random

import numpy as np

from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import (
    EQUALITY,
    And,
    Atom,
    Clause,
    ClauseForm,
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
from envs.proving.logic.symbols import atoms_of, subterms
from envs.proving.logic.tptp import parse_problem

VARIABLES = "WXYZ"
FUNCTIONS = {"a": 0, "b": 0, "f": 1, "g": 2}  # and their numbers of arguments

Symbol = tuple[str, int]  # its name and number of arguments
World = Mapping[Symbol, Mapping[tuple[int, ...], int]]  # what each symbol means there


def literals(text: str) -> tuple[Literal, ...]:
    """Those of the clause that TPTP writes so."""
    return clausify(parse_problem(f"cnf(c, axiom, {text}).", "t")).clauses[0].literals


def clause(text: str, name: str = "c", role: str = "axiom") -> Clause:
    """The clause of that name that TPTP writes so."""
    return Clause(literals(text), name, name, role)


def form_of(*clauses: Clause, certificate: tuple[Translation, ...] = ()) -> ClauseForm:
    """These clauses as those of a problem t with a conjecture, without equality."""
    return ClauseForm("t", clauses, True, False, frozenset(), frozenset(), certificate)


def random_term(rng: np.random.Generator, depth: int, variables: float = 0.35) -> Term:
    """A term of at most so many levels below it; the share ``variables`` of its parts are such."""
    if depth == 0 or rng.random() < variables:
        return Variable(VARIABLES[rng.integers(len(VARIABLES))])
    name = list(FUNCTIONS)[rng.integers(len(FUNCTIONS))]
    parts = (random_term(rng, depth - 1, variables) for _ in range(FUNCTIONS[name]))
    return Function(name, tuple(parts))


def random_literals(
    rng: np.random.Generator, predicates: Mapping[str, int], most: int, variables: float = 0.35
) -> tuple[Literal, ...]:
    """One literal or up to ``most``; the predicates come with their numbers of arguments."""
    literals = []
    for _ in range(rng.integers(1, most + 1)):
        predicate, arity = list(predicates.items())[rng.integers(len(predicates))]
        terms = tuple(random_term(rng, 2, variables) for _ in range(arity))
        literals.append(Literal(bool(rng.integers(2)), Atom(predicate, terms)))
    return tuple(literals)


def random_problem(rng: Random) -> str:
    """Up to three statements in TPTP's syntax, every connective and quantifier among them.

    Junctions of one kind are nested, variables shadowed, quantifiers vacuous; there are constants,
    a function, equations in a third of the problems, and truth and falsehood.  The last statement
    often has another in it, so that many of the problems have proofs.
    """
    random = _RandomFormulas(rng, equations=rng.random() < 0.3)
    roles = ["axiom"] * rng.randint(0, 2) + [rng.choice(["conjecture", "axiom"])]
    formulas = [random.formula(rng.randint(2, 5), ()) for _ in roles]
    if len(roles) > 1 and rng.random() < 0.6:
        whole = ["({} | {})", "({} <= {})", "(~ {} => {})"] if roles[-1] == "conjecture" else [
            "({} ~| {})", "~ ({} | {})", "({1} & ~ {0})"
        ]  # fmt: skip
        formulas[-1] = rng.choice(whole).format(formulas[0], formulas[-1])
    return "\n".join(
        f"fof(s{number}, {role}, {formula})."
        for number, (role, formula) in enumerate(zip(roles, formulas, strict=True))
    )


def denied(problem: Problem) -> Formula:
    """What the problem states; if it has conjectures, that not all of them hold."""
    stated = [one.formula for one in problem.statements if one.role != "conjecture"]
    asked = [one.formula for one in problem.statements if one.role == "conjecture"]
    return And((*stated, Not(And(tuple(asked))))) if asked else And(tuple(stated))


class _RandomFormulas:
    def __init__(self, rng: Random, equations: bool) -> None:
        self.rng, self.equations = rng, equations

    def formula(self, depth: int, bound: tuple[str, ...]) -> str:
        """A formula of at most so many levels that stands beside any connective."""
        rng = self.rng
        if depth == 0 or rng.random() < 0.08:
            return self.atom(bound)
        kind = rng.randrange(12)
        if kind > 6:
            names = rng.sample("XYZ", rng.randint(1, 2))
            inner = self.formula(depth - 1, tuple(dict.fromkeys((*bound, *names))))
            return f"{rng.choice('!?')} [{','.join(names)}] : {inner}"
        if kind == 0:
            return f"~ {self.formula(depth - 1, bound)}"
        parts = [self.formula(depth - 1, bound) for _ in range(3)]
        if kind < 3:
            joint = f" {rng.choice('&|')} "
            return f"({joint.join(parts[: rng.randint(2, 3)])})"
        if kind == 3:
            joint = rng.choice("&|")
            return f"({parts[0]} {joint} ({parts[1]} {joint} {parts[2]}))"
        connective = rng.choice(["=>", "<=", "<=>", "<=>", "<~>", "~|", "~&"])
        return f"({parts[0]} {connective} {parts[1]})"

    def atom(self, bound: tuple[str, ...]) -> str:
        rng, chance = self.rng, self.rng.random()
        if chance < 0.06:
            return rng.choice(["$true", "$false"])
        one, other = self.term(bound), self.term(bound)
        if self.equations and chance < 0.2:
            return f"({one} {rng.choice(['=', '!='])} {other})"
        if chance < 0.4:
            return f"{rng.choice('pq')}({one})"
        return f"r({one},{other})" if chance < 0.7 else rng.choice("st")

    def term(self, bound: tuple[str, ...]) -> str:
        rng, chance = self.rng, self.rng.random()
        if bound and chance < 0.65:
            return rng.choice(bound)
        constant = rng.choice([*"ab", *bound])
        return f"f({constant})" if chance < 0.78 else rng.choice("ab")


def random_world(
    rng: Random, functions: Iterable[Symbol], predicates: Iterable[Symbol], size: int
) -> World:
    """A world of so many things in which the symbols mean anything."""
    world: dict[Symbol, dict[tuple[int, ...], int]] = {}
    for symbols, values in ((functions, size), (predicates, 2)):
        for symbol in sorted(symbols):
            rows = product(range(size), repeat=symbol[1])
            world[symbol] = {row: rng.randrange(values) for row in rows}
    return world


def holds(formula: Formula, world: World, size: int, meaning: Mapping[str, int]) -> bool:
    """Whether the formula is true in the world of things 0 .. size - 1."""
    match formula:
        case Atom(predicate, arguments):
            things = tuple(_thing(term, world, meaning) for term in arguments)
            if predicate == EQUALITY:
                return things[0] == things[1]
            return bool(world[predicate, len(things)][things])
        case Not(body):
            return not holds(body, world, size, meaning)
        case And(parts):
            return all(holds(part, world, size, meaning) for part in parts)
        case Or(parts):
            return any(holds(part, world, size, meaning) for part in parts)
        case Implies(left, right):
            return not holds(left, world, size, meaning) or holds(right, world, size, meaning)
        case Iff(left, right):
            return holds(left, world, size, meaning) == holds(right, world, size, meaning)
    names, body = formula
    rows = (zip(names, row, strict=True) for row in product(range(size), repeat=len(names)))
    every = all if isinstance(formula, Forall) else any
    return every(holds(body, world, size, {**meaning, **dict(row)}) for row in rows)


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
