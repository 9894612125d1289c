"""What provers say of a problem, in the words of the SZS ontology.

Sutcliffe 2008, "The SZS ontologies for automated reasoning software".  A search that found nothing
never says that there is nothing: CounterSatisfiable and Satisfiable are said of a model only.
"""

from __future__ import annotations

from envs.proving.logic.formula import Problem
from envs.proving.logic.tptp_formulas import UnreadableError
from selfplay.system.printable import in_one_line

THEOREM = "Theorem"  # the conjecture follows from the axioms
UNSATISFIABLE = "Unsatisfiable"  # what is stated, without a conjecture, contradicts itself
COUNTER_SATISFIABLE = "CounterSatisfiable"  # the conjecture does not follow: a model shows it
SATISFIABLE = "Satisfiable"  # what is stated, without a conjecture, has a model
TIMEOUT = "Timeout"  # the seconds are used up
GAVE_UP = "GaveUp"  # the inferences are used up, or all that the limits allow was tried
USER = "User"  # Ctrl-C
INPUT_ERROR = "InputError"  # there is nothing to read
SYNTAX_ERROR = "SyntaxError"  # what there is cannot be read


def proved_status(problem: Problem) -> str:
    """What a refutation of the problem's clauses says of it."""
    return THEOREM if _has_conjecture(problem) else UNSATISFIABLE


def refuted_status(problem: Problem) -> str:
    """What a model of the problem's clauses says of it."""
    return COUNTER_SATISFIABLE if _has_conjecture(problem) else SATISFIABLE


def reading_status(error: ValueError) -> str:
    """What is said of a problem that cannot be read."""
    return INPUT_ERROR if isinstance(error, UnreadableError) else SYNTAX_ERROR


def _has_conjecture(problem: Problem) -> bool:
    return any(statement.role == "conjecture" for statement in problem.statements)


def status_line(status: str, name: str) -> str:
    """The line that scripts look for."""
    return f"% SZS status {status} for {in_one_line(name)}"
