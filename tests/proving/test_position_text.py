"""Positions of the proving game as text, and the literals of a tableau as formulas."""

import numpy as np

from envs.proving.calculus.instantiate import clause_copy, literal_of
from envs.proving.calculus.matrix import build_library
from envs.proving.calculus.tableau import GOAL
from envs.proving.game import Proving
from envs.proving.logic.formula import Atom, Clause, ClauseForm, Function, Literal, Term, Variable
from selfplay import arrays

U, V = Variable("U"), Variable("V")
A = Function("a")


def clause(name: str, *literals: tuple[bool, str, tuple[Term, ...]]) -> Clause:
    parts = tuple(Literal(sign, Atom(symbol, terms)) for sign, symbol, terms in literals)
    return Clause(parts, name, name, "negated_conjecture" if name == "goal" else "axiom")


def game() -> Proving:
    """One start clause, whose first goal can be closed in three ways, none of which leads far."""
    clauses = (
        clause("goal", (False, "p", (U, V)), (False, "q", (U,))),
        clause("one", (True, "p", (Function("f", (U,)), A)), (True, "p", (U, A))),
        clause("two", (True, "p", (A, U)), (False, "q", (U,))),
    )
    form = ClauseForm("tiny", clauses, True, False, frozenset(), frozenset())
    return Proving(library=build_library([form]), nodes=32, variables=32, actions=8)


def test_a_position_drawn() -> None:
    proving = game()
    state = proving.start(np.zeros(1, np.int32))
    assert proving.text(state, 0) == (
        "tiny: open after 0 choices\n"
        "choose the clause to begin with\n"
        "inferences:\n"
        "   1  start goal: ~ p(X1,X2) | ~ q(X1)"
    )
    state, _ = proving.step(state, np.zeros(1, np.int32))
    assert proving.text(state, 0) == (
        "tiny: open after 1 choice\n"
        "branch:\n"
        "  ~ p(X1,X2)   <- goal\n"
        "still to come:\n"
        "  ~ q(X1)\n"
        "inferences:\n"
        "   1  extension one: [p(f(X3),a)] | p(X3,a)\n"
        "   2  extension one: p(f(X3),a) | [p(X3,a)]\n"
        "   3  extension two: [p(a,X3)] | ~ q(X3)"
    )
    bound = arrays.take(state.tableau, 0)
    matrix = proving.library.matrix
    state, _ = proving.step(state, np.ones(1, np.int32))  # and what follows from it
    assert proving.text(state, 0) == (
        "tiny: lost after 2 choices\n"
        "branch:\n"
        "  ~ p(X1,a)\n"
        "    p(f(X1),a)\n"
        "      ~ q(f(X1))   <- goal\n"
        "still to come:\n"
        "  ~ q(X1)"
    )
    assert literal_of(proving.library, bound, 0, 0) == Literal(
        False, Atom("p", (Variable("X0"), Variable("X1")))
    )
    assert bound.scalars[GOAL] == 1
    after = arrays.take(state.tableau, 0)
    one = clause_copy(proving.library, after, int(matrix.clause[2]), 2)
    first = literal_of(proving.library, after, 0, 0)
    assert one[1].atom == first.atom  # they have been connected
    assert one[0].atom.arguments == (Function("f", (one[1].atom.arguments[0],)), A)
