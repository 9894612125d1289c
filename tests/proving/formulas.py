"""Random small formulas, and their truth in small worlds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from itertools import chain, product
from math import prod
from random import Random

import numpy as np
from numpy.typing import NDArray

from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import (
    EQUALITY,
    And,
    Atom,
    Clause,
    ClauseForm,
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
from envs.proving.logic.symbols import atoms_of, subterms, variables_of
from envs.proving.logic.tptp import parse_problem

VARIABLES = "WXYZ"
FUNCTIONS = {"a": 0, "b": 0, "f": 1, "g": 2}  # and their numbers of arguments

Symbol = tuple[str, int]  # its name and number of arguments
Values = NDArray[np.int64]  # [W], things in W worlds; [1] where it is the same in all
Truth = NDArray[np.bool_]  # [W] or [1]
World = Mapping[Symbol, Values]  # W worlds at once: [W, size, ...], what each symbol means there


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
        whole = {
            "conjecture": ("({} | {})", "({} <= {})", "(~ {} => {})"),
            "axiom": ("({} ~| {})", "~ ({} | {})", "({1} & ~ {0})"),
        }
        formulas[-1] = rng.choice(whole[roles[-1]]).format(formulas[0], formulas[-1])
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


def random_worlds(
    rng: Random, functions: set[Symbol], predicates: set[Symbol], size: int, count: int
) -> World:
    """So many worlds of so many things in which the symbols mean anything."""
    world: dict[Symbol, Values] = {}
    for symbols, values in ((functions, size), (predicates, 2)):
        for symbol in sorted(symbols):
            cells = rng.choices(range(values), k=count * size ** symbol[1])
            world[symbol] = np.array(cells).reshape(count, *[size] * symbol[1])
    return world


def worlds(functions: set[Symbol], predicates: set[Symbol], size: int) -> World:
    """All worlds of so many things, one for every way to give the symbols a meaning."""
    symbols = [(symbol, size) for symbol in sorted(functions)]
    symbols += [(symbol, 2) for symbol in sorted(predicates)]
    numbers = np.arange(prod(values**size ** symbol[1] for symbol, values in symbols))
    world: dict[Symbol, Values] = {}
    for symbol, values in symbols:
        cells = size ** symbol[1]
        digits = numbers[:, None] // values ** np.arange(cells) % values
        world[symbol] = digits.reshape(-1, *[size] * symbol[1])
        numbers //= values**cells
    return world


def holds(formula: Formula, world: World, size: int, meaning: Mapping[str, Values]) -> Truth:
    """Whether the formula is true in each of the worlds of things 0 .. size - 1."""
    match formula:
        case Atom(predicate, arguments):
            things = [_things(term, world, meaning) for term in arguments]
            if predicate == EQUALITY:
                return np.asarray(things[0] == things[1])
            return _meant(world[predicate, len(things)], things) != 0
        case Not(body):
            return ~holds(body, world, size, meaning)
        case Implies(left, right):
            return holds(Or((Not(left), right)), world, size, meaning)
        case Iff(left, right):
            return ~(holds(left, world, size, meaning) ^ holds(right, world, size, meaning))
        case And(parts) | Or(parts):
            truths = (holds(part, world, size, meaning) for part in parts)
        case Forall(names, body) | Exists(names, body):
            rows = product([np.array([thing]) for thing in range(size)], repeat=len(names))
            bound = ({**meaning, **dict(zip(names, row, strict=True))} for row in rows)
            truths = (holds(body, world, size, values) for values in bound)
    if isinstance(formula, And | Forall):
        return reduce(np.logical_and, truths, np.array([True]))
    return reduce(np.logical_or, truths, np.array([False]))


def clauses_hold(clauses: Iterable[tuple[Literal, ...]], world: World, size: int) -> Truth:
    """Whether all clauses are true in each world for all that their variables may mean."""
    closed: list[Formula] = []
    for clause in clauses:
        terms = variables_of(term for literal in clause for term in literal.atom.arguments)
        parts = tuple(lit.atom if lit.positive else Not(lit.atom) for lit in clause)
        closed.append(Forall(tuple(term.name for term in terms), Or(parts)))
    return holds(And(tuple(closed)), world, size, {})


def symbols_in(*formulas: Formula) -> tuple[set[Symbol], set[Symbol]]:
    """The functions and the predicates of the formulas, equality left out."""
    functions, predicates = set(), set()
    for atom in chain.from_iterable(map(atoms_of, formulas)):
        if atom.predicate != EQUALITY:
            predicates.add((atom.predicate, len(atom.arguments)))
        for term in subterms(atom.arguments):
            if isinstance(term, Function):
                functions.add((term.name, len(term.arguments)))
    return functions, predicates


def _things(term: Term, world: World, meaning: Mapping[str, Values]) -> Values:
    if isinstance(term, Variable):
        return meaning[term.name]
    things = [_things(argument, world, meaning) for argument in term.arguments]
    return _meant(world[term.name, len(things)], things)


def _meant(table: Values, things: Sequence[Values]) -> Values:
    """What stands in the table of each world for these things."""
    return np.asarray(table[(np.arange(len(table)), *things)])
