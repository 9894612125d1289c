"""The second opinion on clauses: whether the statements they come from say so.

Nothing of the prover's own clausification is imported.  What is confirmed follows from the
statements, if the made-up functions and predicates are read fittingly; so clauses without a model
refute the statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from envs.proving.logic.distinct_objects import are_distinct
from envs.proving.logic.formula import (
    EQUALITY,
    And,
    Clause,
    ClauseForm,
    Formula,
    Function,
    Not,
    Problem,
    Term,
)
from envs.proving.proofs.congruence import equality_valid
from envs.proving.proofs.following import Meanings, confirm
from envs.proving.proofs.named_parts import Named, atoms_of, name_parts
from envs.proving.proofs.textbook import WITNESS, narrowed, normal_form, skolemised

NAMINGS = 20  # ways to read the definitions of one statement


def first_doubt(problem: Problem, form: ClauseForm, clauses: Sequence[Clause]) -> str:
    """Which of the clauses is not confirmed, and why, as a sentence; "" if all are.

    Clauses must follow from the statements they name, the conjecture negated, or be true by the
    laws of equality or because distinct objects or numbers are not equal.
    """
    taken = (form.skolem | form.defined) & _names_used(problem)
    if taken:
        return f"the name {min(taken)} was not made up: {problem.name} has it"
    both = form.skolem & form.defined
    if both:
        return f"the name {min(both)} was made up twice"
    meanings: Meanings = {}
    defined: frozenset[str] = frozenset()
    all_written: dict[str, list[Clause]] = {}
    for clause in form.clauses:
        all_written.setdefault(clause.source, []).append(clause)
    for source, own in _by_source(clauses).items():
        stated = _stated(problem, source)
        if not stated:
            return f"clause {own[0].name}: {problem.name} has no statement {source!r}"
        written = all_written[source]
        furthest = 0
        for named in islice(
            name_parts(Named(And(tuple(stated)), {}), written, form, defined), NAMINGS
        ):
            whole = And((named.formula, *named.definitions.values()))
            part = skolemised(narrowed(normal_form(whole, True)), f"{WITNESS}{source}:")
            found = confirm(part, own, meanings, form.skolem)
            furthest = max(furthest, found.clauses)
            if furthest == len(own):
                break
        else:
            return (
                f"clause {own[furthest].name}: the textbook clausification of statement "
                f"{source} does not confirm it"
            )
        meanings = found.meanings
        defined |= named.definitions.keys()
    return ""


def _by_source(clauses: Sequence[Clause]) -> dict[str, list[Clause]]:
    """The clauses by the statement they name; those true anyway left out.

    They keep their order: neighbours come of one part of the statement, so that a wrong reading of
    a made-up function is noticed soon.
    """
    sources: dict[str, list[Clause]] = {}
    for clause in clauses:
        if not equality_valid(clause.literals) and not _distinct(clause):
            sources.setdefault(clause.source, []).append(clause)
    return sources


def _distinct(clause: Clause) -> bool:
    """Whether the clause says that two objects or numbers that stand for themselves differ."""
    if len(clause.literals) != 1 or clause.literals[0].positive:
        return False
    predicate, arguments = clause.literals[0].atom
    names = [one.name for one in arguments if isinstance(one, Function) and not one.arguments]
    return predicate == EQUALITY and len(names) == 2 and are_distinct(*names)


def _stated(problem: Problem, source: str) -> list[Formula]:
    """What the statements of this name say; of conjectures, that not all of them hold."""
    conjectures = [one.formula for one in problem.statements if one.role == "conjecture"]
    stated: list[Formula] = []
    for statement in problem.statements:
        if statement.name == source:
            if statement.role == "conjecture":
                stated.append(Not(And(tuple(conjectures))))
            else:
                stated.append(statement.formula)
    return stated


def _names_used(problem: Problem) -> frozenset[str]:
    """The names of the problem's functions and predicates."""
    names: set[str] = set()
    terms: list[Term] = []
    for statement in problem.statements:
        for atom in atoms_of(statement.formula):
            names.add(atom.predicate)
            terms.extend(atom.arguments)
    while terms:
        term = terms.pop()
        if isinstance(term, Function):
            names.add(term.name)
            terms.extend(term.arguments)
    return frozenset(names)
