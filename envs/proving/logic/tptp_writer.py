"""Writing formulas, clauses and terms back in TPTP's syntax."""

from __future__ import annotations

from collections.abc import Iterable

from envs.proving.logic.formula import (
    EQUALITY,
    And,
    Atom,
    Clause,
    Exists,
    Forall,
    Formula,
    Function,
    Iff,
    Implies,
    Literal,
    Not,
    Or,
    Statement,
    Term,
    Variable,
)
from envs.proving.logic.recursion import deep, look
from envs.proving.logic.symbols import TermTable


def term_text(term: Term) -> str:
    """The term as TPTP writes it: ``f(X,c)``."""
    written: list[str] = []
    waiting: list[Term | str] = [term]
    while waiting:
        look()
        part = waiting.pop()
        if isinstance(part, str):
            written.append(part)
        elif isinstance(part, Variable) or not part.arguments:
            written.append(part.name)
        else:
            written += (part.name, "(")
            waiting.append(")")
            waiting += [one for argument in part.arguments[::-1] for one in (argument, ",")][:-1]
    return "".join(written)


def length_of(literals: Iterable[Literal]) -> int:
    """How many names it takes to write the literals; no term is looked at twice."""
    table = TermTable()
    rows = [table.literal(literal).arguments for literal in literals]
    lengths: list[int] = []
    for _, arguments in table.rows:  # the arguments of a term come before it
        lengths.append(1 + sum(lengths[argument] for argument in arguments or ()))
    return sum(1 + sum(lengths[argument] for argument in arguments) for arguments in rows)


def literal_text(literal: Literal) -> str:
    """The literal as TPTP writes it: ``p(X)``, ``~ p(X)``, ``X = c`` or ``X != c``."""
    positive, (predicate, arguments) = literal
    if predicate == EQUALITY:
        return (" = " if positive else " != ").join(map(term_text, arguments))
    return ("" if positive else "~ ") + term_text(Function(predicate, arguments))


def clause_text(clause: Clause) -> str:
    """The literals with | between them; the empty clause is ``$false``."""
    return " | ".join(map(literal_text, clause.literals)) or "$false"


@deep
def formula_text(formula: Formula) -> str:
    """The formula as TPTP writes it, without parentheses around the whole.

    Reading the text gives the formula again, if none of its conjunctions and disjunctions has
    exactly one part.
    """
    look()
    if isinstance(formula, And | Or):
        if not formula.parts:
            return "$true" if isinstance(formula, And) else "$false"
        joint = " & " if isinstance(formula, And) else " | "
        return joint.join(map(_unit_text, formula.parts))
    if isinstance(formula, Implies | Iff):
        joint = " => " if isinstance(formula, Implies) else " <=> "
        return joint.join(map(_unit_text, formula))
    return _unit_text(formula)


def statement_text(statement: Statement) -> str:
    """The whole annotated formula on one line, full stop included."""
    formula = statement.formula
    if statement.language == "cnf" and isinstance(formula, Forall):
        formula = formula.body  # the variables of a clause are bound without a quantifier
    return f"{statement.language}({statement.name}, {statement.role}, {formula_text(formula)})."


def _unit_text(formula: Formula) -> str:
    """The formula so that it can stand beside any connective."""
    if isinstance(formula, Atom):
        return literal_text(Literal(True, formula))
    if isinstance(formula, Not):
        if isinstance(formula.body, Atom):
            return literal_text(Literal(False, formula.body))
        return f"~ {_unit_text(formula.body)}"
    if isinstance(formula, Forall | Exists):
        quantifier = "!" if isinstance(formula, Forall) else "?"
        return f"{quantifier} [{','.join(formula.variables)}] : {_unit_text(formula.body)}"
    if isinstance(formula, And | Or) and len(formula.parts) < 2:
        return _unit_text(formula.parts[0]) if formula.parts else formula_text(formula)
    return f"( {formula_text(formula)} )"
