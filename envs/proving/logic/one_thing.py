"""Worlds of one thing in which every predicate says yes, or every one no."""

from __future__ import annotations

from envs.proving.logic.deep import deep
from envs.proving.logic.distinct_objects import stands_for_itself
from envs.proving.logic.formula import (
    EQUALITY,
    And,
    Atom,
    Exists,
    Forall,
    Formula,
    Function,
    Implies,
    Not,
    Or,
    Problem,
)
from envs.proving.logic.interrupt import look
from envs.proving.logic.symbols import atoms_of, subterms


@deep
def refuting_world(problem: Problem) -> str:
    """A world that shows that the conjecture does not follow, as a sentence; "" if none does.

    What is stated holds there, and the conjecture does not; without a conjecture, that the
    statements do not contradict each other.
    """
    if _two_things(problem):
        return ""
    asked = [one.formula for one in problem.statements if one.role == "conjecture"]
    told = [one.formula for one in problem.statements if one.role != "conjecture"]
    for atoms in (True, False):
        follows = asked and all(_holds(formula, atoms) for formula in asked)
        if not follows and all(_holds(formula, atoms) for formula in told):
            says = "true" if atoms else "false"
            return f"a world of one thing, where every predicate is {says}, is a model"
    return ""


def _two_things(problem: Problem) -> bool:
    """Whether there are constants that stand for themselves: one thing is not enough for two."""
    return any(
        isinstance(term, Function) and not term.arguments and stands_for_itself(term.name)
        for statement in problem.statements
        for atom in atoms_of(statement.formula)
        for term in subterms(atom.arguments)
    )


def _holds(formula: Formula, atoms: bool) -> bool:
    """Whether the formula is true where there is one thing and all atoms but equations say so."""
    look()
    if isinstance(formula, Atom):
        return atoms or formula.predicate == EQUALITY
    if isinstance(formula, Not):
        return not _holds(formula.body, atoms)
    if isinstance(formula, And):
        return all(_holds(part, atoms) for part in formula.parts)
    if isinstance(formula, Or):
        return any(_holds(part, atoms) for part in formula.parts)
    if isinstance(formula, Implies):
        return not _holds(formula.premise, atoms) or _holds(formula.conclusion, atoms)
    if isinstance(formula, Forall | Exists):
        return _holds(formula.body, atoms)
    return _holds(formula.left, atoms) == _holds(formula.right, atoms)
