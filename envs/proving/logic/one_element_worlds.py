"""Worlds of one thing in which every predicate says yes, or every one no."""

from __future__ import annotations

from envs.proving.logic.formula import EQUALITY, Atom, Formula, Iff, Implies, Not, Or, Problem
from envs.proving.logic.recursion import deep, look
from envs.proving.logic.symbols import inner_formulas, stands_for_itself, symbols_of


@deep
def refuting_world(problem: Problem) -> str:
    """A world that shows that the conjecture does not follow, as a sentence; "" if none does.

    What is stated holds there, and the conjecture does not; without a conjecture, that the
    statements do not contradict each other.
    """
    symbols = symbols_of(one.formula for one in problem.statements)
    if any(stands_for_itself(name) for name in symbols):  # one thing is not enough for two
        return ""
    asked = [one.formula for one in problem.statements if one.role == "conjecture"]
    stated = [one.formula for one in problem.statements if one.role != "conjecture"]
    for says, atoms in (("true", True), ("false", False)):
        follows = asked and all(_holds(formula, atoms) for formula in asked)
        if not follows and all(_holds(formula, atoms) for formula in stated):
            return f"a world of one thing, where every predicate is {says}, is a model"
    return ""


def _holds(formula: Formula, atoms: bool) -> bool:
    """Whether the formula is true where there is one thing and all atoms but equations say so."""
    look()
    if isinstance(formula, Atom):
        return atoms or formula.predicate == EQUALITY
    inner = (_holds(part, atoms) for part in inner_formulas(formula))
    match formula:
        case Not():
            return not next(inner)
        case Or():
            return any(inner)
        case Implies():
            return not next(inner) or next(inner)
        case Iff():
            return next(inner) == next(inner)
    return all(inner)  # of a quantifier: its one body
