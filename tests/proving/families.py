"""Families of toy problems that grade from trivial to hopeless, for learning and its tests.

Every problem is a theorem by construction.  Predicates and constants get new names and statements
a new order each time, so that nothing can be learned from either; the predicates that every problem
of a family has (sure, doubtful, edge, reached) keep theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from envs.proving.logic.formula import (
    Atom,
    Forall,
    Formula,
    Function,
    Implies,
    Not,
    Or,
    Problem,
    Statement,
    Variable,
)

_Named = tuple[str, str, Formula]  # name, role, formula
X, Y = Variable("X"), Variable("Y")
FALSE_LEADS = 3  # ways towards each statement besides the one that can be proved
FURTHER = 2  # ways towards each statement that cannot be proved


def toy_family(name: str, sizes: Sequence[int], rng: np.random.Generator) -> list[Problem]:
    """One problem of the family for each size, called NAME_SIZE_NUMBER.

    ``chain``: a chain of SIZE implications from the fact to the goal, and beside each link
    implications from statements that cannot be proved; the true links are those that ask for
    what is sure, which is what can be learned.
    ``path``: a path of SIZE edges in a graph from which dead ends branch off backwards.
    ``tower``: a number of 2 x SIZE successors is even, by a rule of two steps; other rules, of
    one to three, lead astray or back.
    Raises ValueError for another name, and for a size below 1.
    """
    if name not in FAMILIES:
        raise ValueError(f"the families are {', '.join(FAMILIES)}; you asked for {name}")
    if any(size < 1 for size in sizes):
        raise ValueError(f"a {name} has a size of at least 1; you asked for {min(sizes)}")
    return [
        _problem(f"{name}_{size}_{number}", FAMILIES[name](size, rng), rng)
        for number, size in enumerate(sizes, 1)
    ]


def _problem(name: str, statements: list[_Named], rng: np.random.Generator) -> Problem:
    """The statements in random order, the conjecture last."""
    order = [*rng.permutation(len(statements) - 1), len(statements) - 1]
    named = [statements[i] for i in order]
    return Problem(name, tuple(Statement(label, role, said, "fof") for label, role, said in named))


def _chain(size: int, rng: np.random.Generator) -> list[_Named]:
    """p0(c) and p(i-1)(X) & true(X) => p(i)(X), against implications from unsupported ones."""
    names = _names(size + 1 + FALSE_LEADS * size, rng)
    links, astray = names[: size + 1], names[size + 1 :]
    sure, doubtful = "sure", "doubtful"
    thing = Function("c")
    statements: list[_Named] = [
        ("start", "axiom", Atom(links[0], (thing,))),
        ("supported", "axiom", Forall(("X",), Atom(sure, (X,)))),
    ]
    for i in range(size):
        goal = Atom(links[i + 1], (X,))
        statements.append((f"link_{i}", "axiom", _rule(sure, links[i], goal)))
        for j in range(FALSE_LEADS):
            lead = astray[FALSE_LEADS * i + j]
            statements.append((f"lead_{i}_{j}", "axiom", _rule(doubtful, lead, goal)))
            for k, further in enumerate(rng.choice(astray, FURTHER, replace=False)):
                rule = _rule(doubtful, str(further), Atom(lead, (X,)))
                statements.append((f"far_{i}_{j}_{k}", "axiom", rule))
    statements.append(("goal", "conjecture", Atom(links[size], (thing,))))
    return statements


def _rule(mark: str, lead: str, conclusion: Atom) -> Formula:
    """lead(X) & mark(X) => conclusion, the lead first."""
    denied = (Not(Atom(lead, (X,))), Not(Atom(mark, (X,))))
    return Forall(("X",), Or((conclusion, *denied)))


def _path(size: int, rng: np.random.Generator) -> list[_Named]:
    """Edges of one path and of dead ends that run into it; reach is found from its end."""
    nodes = _names(size + 1 + FALSE_LEADS * size, rng)
    path, dead = nodes[: size + 1], nodes[size + 1 :]
    edges = list(pairwise(path))
    for i, start in enumerate(dead):
        edges.append((start, path[1 + i // FALSE_LEADS]))
        edges.extend((str(further), start) for further in rng.choice(dead, FURTHER, replace=False))
    statements: list[_Named] = [
        ("start", "axiom", _fact("reached", path[0])),
        (
            "step",
            "axiom",
            Forall(
                ("X", "Y"),
                Or((Atom("reached", (Y,)), Not(Atom("edge", (X, Y))), Not(Atom("reached", (X,))))),
            ),
        ),
    ]
    for i, (one, other) in enumerate(edges):
        statements.append((f"edge_{i}", "axiom", _fact("edge", one, other)))
    statements.append(("goal", "conjecture", _fact("reached", path[size])))
    return statements


def _fact(predicate: str, *constants: str) -> Atom:
    return Atom(predicate, tuple(Function(constant) for constant in constants))


def _tower(size: int, rng: np.random.Generator) -> list[_Named]:
    """even(s(s(X))) from even(X), beside rules over one and three steps from what is never so."""
    even, lonely, crowd = _names(3, rng)
    zero, successor = _names(2, rng, "f")

    def raised(predicate: str, steps: int) -> Atom:
        term: Variable | Function = X
        for _ in range(steps):
            term = Function(successor, (term,))
        return Atom(predicate, (term,))

    top: Function = Function(zero)
    for _ in range(2 * size):
        top = Function(successor, (top,))
    steps = [(even, 2, even), (lonely, 1, even), (crowd, 3, even), (even, 1, lonely)]
    steps += [(lonely, 2, crowd), (crowd, 1, crowd)]
    statements: list[_Named] = [("zero", "axiom", Atom(even, (Function(zero),)))]
    for i, (premise, count, conclusion) in enumerate(steps):
        rule = Implies(raised(premise, 0), raised(conclusion, count))
        statements.append((f"rule_{i}", "axiom", Forall(("X",), rule)))
    statements.append(("goal", "conjecture", Atom(even, (top,))))
    return statements


def _names(count: int, rng: np.random.Generator, letter: str = "p") -> list[str]:
    """Different names in random order."""
    return [f"{letter}{number}" for number in rng.permutation(count)]


FAMILIES: dict[str, Callable[[int, np.random.Generator], list[_Named]]] = {
    "chain": _chain,
    "path": _path,
    "tower": _tower,
}
