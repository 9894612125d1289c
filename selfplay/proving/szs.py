"""What provers say of a problem, in the words of the SZS ontology.

Sutcliffe 2008, "The SZS ontologies for automated reasoning software".  A search that found nothing
never says that there is nothing: CounterSatisfiable and Satisfiable are not among these.
"""

from __future__ import annotations

from envs.proving.formula import Problem

THEOREM = "Theorem"  # the conjecture follows from the axioms
UNSATISFIABLE = "Unsatisfiable"  # what is stated, without a conjecture, contradicts itself
TIMEOUT = "Timeout"  # the seconds are used up
GAVE_UP = "GaveUp"  # the inferences are used up, or all that the limits allow was tried
USER = "User"  # Ctrl-C
INPUT_ERROR = "InputError"  # there is nothing to read
SYNTAX_ERROR = "SyntaxError"  # what there is cannot be read


def proved_status(problem: Problem) -> str:
    """What a refutation of the problem's clauses says of it."""
    conjecture = any(statement.role == "conjecture" for statement in problem.statements)
    return THEOREM if conjecture else UNSATISFIABLE


def status_line(status: str, name: str) -> str:
    """The line that scripts look for."""
    return f"% SZS status {status} for {name}"
