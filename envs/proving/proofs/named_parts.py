"""Parts of a formula with names: what the defined predicates of a clause form stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from envs.proving.logic.formula import (
    And,
    Atom,
    Clause,
    ClauseForm,
    Exists,
    Forall,
    Formula,
    Iff,
    Implies,
    Not,
    Or,
    Variable,
)
from envs.proving.logic.interrupt import look
from envs.proving.proofs.following import confirm
from envs.proving.proofs.textbook import WITNESS, in_order, narrowed, normal_form, skolemised


class Named(NamedTuple):
    """A formula in which atoms of defined predicates stand for parts, and what they stand for.

    With the definitions it says what it said before; they are equivalences, each of a predicate
    that nothing else is said of, and so hold for a fitting choice of the predicates.
    """

    formula: Formula
    definitions: Mapping[str, Formula]  # by predicate


def name_parts(
    named: Named, written: Sequence[Clause], form: ClauseForm, taken: frozenset[str]
) -> Iterator[Named]:
    """The formula with those of its parts named whose definitions are among the clauses.

    Every way to do it, one after the other: two parts can be equivalent.  Predicates are looked
    at in the order of their definitions, so that one that mentions others comes after them; one
    whose part is not found stays unnamed, as do those ``taken``.
    """
    about: dict[str, list[Clause]] = {}
    for clause in written:
        if clause.role == "definition":
            own = {one.atom.predicate for one in clause.literals} & form.defined
            new = sorted(own - about.keys())
            late = new or [name for name in about if name in own]
            if late:
                about.setdefault(late[-1], []).append(clause)
    todo = [(name, clauses) for name, clauses in about.items() if name not in taken]
    waiting = [(named, 0)]
    while waiting:
        named, done = waiting.pop()
        if done == len(todo):
            yield named
            continue
        ways = list(_name_part(named, *todo[done], form.skolem)) or [named]
        waiting += [(way, done + 1) for way in reversed(ways)]


def _name_part(
    named: Named, predicate: str, clauses: Sequence[Clause], skolem: frozenset[str]
) -> Iterator[Named]:
    """The formula with one part named, for each part that makes these clauses true."""
    atoms = [one.atom for clause in clauses for one in clause.literals]
    others = {atom.predicate for atom in atoms} - {predicate}
    arity = next(len(atom.arguments) for atom in atoms if atom.predicate == predicate)
    plain = _without_implications(named.formula)
    for part in _parts(plain):
        look()
        variables = _free(part)
        if len(variables) != arity or not others <= {atom.predicate for atom in atoms_of(part)}:
            continue
        atom = Atom(predicate, tuple(Variable(name) for name in variables))
        definition = Forall(variables, Iff(atom, part))
        view = skolemised(narrowed(normal_form(definition, True)), f"{WITNESS}{predicate}:")
        if confirm(view, clauses, {}, skolem).clauses == len(clauses):
            formula = _exchanged(plain, part, atom)
            yield Named(formula, {**named.definitions, predicate: definition})


def _inner(formula: Formula) -> tuple[Formula, ...]:
    """What the formula is made of."""
    match formula:
        case And(parts) | Or(parts):
            return parts
        case Not(body) | Forall(_, body) | Exists(_, body):
            return (body,)
        case Implies(left, right) | Iff(left, right):
            return (left, right)
    return ()


def _rebuilt(formula: Formula, inner: Sequence[Formula]) -> Formula:
    """The formula made of something else."""
    match formula:
        case And() | Or():
            return type(formula)(tuple(inner))
        case Not():
            return Not(inner[0])
        case Forall(variables, _) | Exists(variables, _):
            return type(formula)(variables, inner[0])
        case Implies() | Iff():
            return type(formula)(inner[0], inner[1])
    return formula


def _without_implications(formula: Formula) -> Formula:
    """The equivalent in which premises are negated parts of disjunctions."""
    inner = [_without_implications(part) for part in _inner(formula)]
    if isinstance(formula, Implies):
        return Or((Not(inner[0]), inner[1]))
    return _rebuilt(formula, inner)


def _exchanged(formula: Formula, part: Formula, atom: Atom) -> Formula:
    """The formula with the atom in place of the part, which is told by identity."""
    if formula is part:
        return atom
    return _rebuilt(formula, [_exchanged(inner, part, atom) for inner in _inner(formula)])


def _parts(formula: Formula) -> list[Formula]:
    """The formula and all within it."""
    found = [formula]
    for part in found:
        found.extend(_inner(part))
    return found


def atoms_of(formula: Formula) -> Iterator[Atom]:
    return (part for part in _parts(formula) if isinstance(part, Atom))


def _free(formula: Formula) -> tuple[str, ...]:
    """The variables that nothing within binds, in the order they stand in."""
    if isinstance(formula, Atom):
        return in_order(formula.arguments)
    names = dict.fromkeys(name for part in _inner(formula) for name in _free(part))
    bound = formula.variables if isinstance(formula, Forall | Exists) else ()
    return tuple(name for name in names if name not in bound)
