"""Clausification as a textbook has it, to confirm the clauses that a proof stands on.

It imports nothing of the prover's own clausification and makes no clauses.  It brings a statement
into negation normal form, moves quantifiers inwards, puts Skolem terms for what exists (Nonnengart
and Weidenbach 2001), and then asks of a given clause whether it follows: of a conjunction one part
has to be found in the clause, of a disjunction every part, of a literal the literal itself under a
substitution for its variables.

What the prover made up is given a meaning as it is met, once for all clauses of a statement.  A
Skolem function stands for one Skolem term of the textbook, each argument of which is the argument
of the function at a fixed place; it may have more arguments, not fewer.  Then a model of the
statements is one of the confirmed clauses too, so that clauses without a model refute the
statements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice
from typing import NamedTuple

from envs.proving.formula import (
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
    Statement,
    Term,
    Variable,
)

LITERAL, ALL, ANY, EVERY, SOME = "literal", "all", "any", "every", "some"
WITNESS = "?"  # how the names of the textbook's Skolem functions begin; no name of TPTP does
STEPS = 100_000  # ways to look at before a clause counts as not confirmed

ORDERS = 200  # orders of a Skolem function's arguments to look at

Symbol = tuple[str, int]  # a name and its number of arguments


class Part(NamedTuple):
    """A formula in negation normal form, every variable bound once."""

    kind: str  # LITERAL, ALL (a conjunction), ANY (a disjunction), EVERY or SOME
    free: frozenset[str]
    parts: tuple[Part, ...] = ()  # of a quantifier: its one body
    literal: Literal | None = None
    variable: str = ""


class Meaning(NamedTuple):
    """What a Skolem function of the prover stands for."""

    witness: str  # a Skolem function of the textbook
    places: tuple[int, ...]  # which of the function's arguments are the witness's


Bound = Mapping[str, Term]
Meanings = Mapping[Symbol, Meaning]


# the normal form


def normal_form(formula: Formula, positive: bool) -> Part:
    """The formula, or its negation, in negation normal form."""
    return _normal(formula, positive, {}, count())


def _normal(
    formula: Formula, positive: bool, names: Mapping[str, str], fresh: Iterator[int]
) -> Part:
    if isinstance(formula, Atom):
        arguments = tuple(_renamed(argument, names) for argument in formula.arguments)
        return _leaf(Literal(positive, Atom(formula.predicate, arguments)))
    if isinstance(formula, Not):
        return _normal(formula.body, not positive, names, fresh)
    if isinstance(formula, And | Or):
        parts = [_normal(part, positive, names, fresh) for part in formula.parts]
        return _joint(ALL if isinstance(formula, And) == positive else ANY, parts)
    if isinstance(formula, Implies):
        premise = _normal(formula.premise, not positive, names, fresh)
        return _joint(
            ANY if positive else ALL, [premise, _normal(formula.conclusion, positive, names, fresh)]
        )
    if isinstance(formula, Iff):
        halves = [
            _joint(
                ANY,
                [
                    _normal(formula.left, left, names, fresh),
                    _normal(formula.right, right, names, fresh),
                ],
            )
            for left, right in ((False, positive), (True, not positive))
        ]
        return _joint(ALL, halves)
    inner = dict(names)
    for variable in formula.variables:
        inner[variable] = f"X{next(fresh)}"
    part = _normal(formula.body, positive, inner, fresh)
    kind = EVERY if isinstance(formula, Forall) == positive else SOME
    for variable in reversed(formula.variables):
        part = _quantified(kind, inner[variable], part)
    return part


def _renamed(term: Term, names: Mapping[str, str]) -> Term:
    if isinstance(term, Variable):
        return Variable(names[term.name])
    return Function(term.name, tuple(_renamed(argument, names) for argument in term.arguments))


def _leaf(literal: Literal) -> Part:
    return Part(LITERAL, frozenset(_variables(literal.atom.arguments)), literal=literal)


def _joint(kind: str, parts: Sequence[Part]) -> Part:
    """A conjunction or disjunction; one of one part is that part."""
    if len(parts) == 1:
        return parts[0]
    return Part(kind, frozenset().union(*(part.free for part in parts)), tuple(parts))


def _quantified(kind: str, variable: str, body: Part) -> Part:
    if variable not in body.free:
        return body
    return Part(kind, body.free - {variable}, (body,), variable=variable)


def _variables(terms: Sequence[Term]) -> Iterator[str]:
    waiting = list(terms)
    while waiting:
        term = waiting.pop()
        if isinstance(term, Variable):
            yield term.name
        else:
            waiting.extend(term.arguments)


# quantifiers inwards


def narrowed(part: Part, split: bool) -> Part:
    """The same with every quantifier around as little as it must be.

    ``split``: what exists such that one of several things holds is looked for in each of them.
    """
    parts = [narrowed(inner, split) for inner in part.parts]
    if part.kind in (ALL, ANY):
        return _joint(part.kind, parts)
    if part.kind == LITERAL:
        return part
    return _pushed(part.kind, part.variable, parts[0], split)


def _pushed(kind: str, variable: str, body: Part, split: bool) -> Part:
    """The quantifier around a part that is narrowed already."""
    if variable not in body.free:
        return body
    if body.kind == kind:  # two quantifiers of one kind change places
        return _quantified(kind, body.variable, _pushed(kind, variable, body.parts[0], split))
    if body.kind == (ALL if kind == EVERY else ANY) and (kind == EVERY or split):
        return _joint(body.kind, [_pushed(kind, variable, part, split) for part in body.parts])
    if body.kind in (ALL, ANY):
        outside = [part for part in body.parts if variable not in part.free]
        inside = _joint(body.kind, [part for part in body.parts if variable in part.free])
        if outside:
            return _joint(body.kind, [*outside, _pushed(kind, variable, inside, split)])
    return _quantified(kind, variable, body)


# Skolem terms


def skolemised(part: Part, prefix: str) -> Part:
    """The part without quantifiers: a variable that is left stands for everything.

    What exists becomes a Skolem function, named by the prefix and a number, of those variables
    that are free in what it is said to exist for.
    """
    return _skolemised(part, {}, prefix, count())


def _skolemised(part: Part, terms: Mapping[str, Term], prefix: str, fresh: Iterator[int]) -> Part:
    if part.kind == LITERAL:
        assert part.literal is not None
        atom = part.literal.atom
        arguments = tuple(_substituted(argument, terms) for argument in atom.arguments)
        return _leaf(Literal(part.literal.positive, Atom(atom.predicate, arguments)))
    if part.kind in (ALL, ANY):
        return _joint(part.kind, [_skolemised(inner, terms, prefix, fresh) for inner in part.parts])
    term: Term = Variable(part.variable)
    if part.kind == SOME:
        outer = [term for name, term in terms.items() if name in part.free]
        free = tuple(Variable(name) for name in dict.fromkeys(_variables(outer)))
        term = Function(f"{prefix}{next(fresh)}", free)
    return _skolemised(part.parts[0], {**terms, part.variable: term}, prefix, fresh)


def _substituted(term: Term, terms: Mapping[str, Term]) -> Term:
    if isinstance(term, Variable):
        return terms[term.name]
    return Function(term.name, tuple(_substituted(argument, terms) for argument in term.arguments))


# what follows


class _Attempt(NamedTuple):
    """Clauses half confirmed: what is left to find, and what was taken for what."""

    clause: int  # the one looked at
    goals: tuple[Part, ...]  # to be found in it, the last first
    bound: Bound  # the statement's variables
    meanings: Meanings


class Confirmed(NamedTuple):
    """How many of the clauses, from the first on, follow together."""

    clauses: int
    meanings: Meanings  # of what the prover made up, those given included


def confirm(
    part: Part, clauses: Sequence[Clause], meanings: Meanings, made_up: frozenset[str]
) -> Confirmed:
    """As many of the clauses as follow from the part, in order, under one set of meanings.

    The part has no quantifiers.  ``made_up`` names the prover's Skolem functions.
    """
    relevant = [_relevant(part, clause.literals, made_up) for clause in clauses]
    best = Confirmed(0, meanings)
    if not relevant or relevant[0] is None:
        return best
    waiting = [_Attempt(0, (relevant[0],), {}, meanings)]
    for _ in range(STEPS):
        if not waiting:
            break
        attempt = waiting.pop()
        if attempt.goals:
            waiting.extend(_next(attempt, clauses[attempt.clause].literals, made_up))
            continue
        done = attempt.clause + 1
        best = max(best, Confirmed(done, attempt.meanings), key=lambda found: found.clauses)
        if done == len(clauses):
            break
        goal = relevant[done]
        if goal is not None:
            waiting.append(_Attempt(done, (goal,), {}, attempt.meanings))
    return best


def _next(
    attempt: _Attempt, literals: Sequence[Literal], made_up: frozenset[str]
) -> Iterator[_Attempt]:
    """The ways to go on, the most promising last."""
    *others, goal = attempt.goals
    rest = tuple(others)
    if goal.kind == ALL:
        for part in reversed(goal.parts):
            yield attempt._replace(goals=(*rest, part))
    elif goal.kind == ANY:
        yield attempt._replace(goals=(*rest, *goal.parts))
    else:
        assert goal.literal is not None
        for literal in literals:
            if literal.positive == goal.literal.positive:
                for bound, meanings in _matches(
                    goal.literal.atom, literal.atom, attempt.bound, attempt.meanings, made_up
                ):
                    yield attempt._replace(goals=rest, bound=bound, meanings=meanings)


def _relevant(part: Part, literals: Sequence[Literal], made_up: frozenset[str]) -> Part | None:
    """The part without what cannot be found in the clause; None if nothing is left.

    In disjunctions that with the fewest ways comes last.
    """
    if part.kind == LITERAL:
        found = any(True for _ in _next(_Attempt(0, (part,), {}, {}), literals, made_up))
        return part if found else None
    parts = [_relevant(inner, literals, made_up) for inner in part.parts]
    left = [inner for inner in parts if inner is not None]
    if part.kind == ALL:
        return part._replace(parts=tuple(left)) if left else None
    if len(left) < len(parts):
        return None
    return part._replace(parts=tuple(sorted(left, key=_ways, reverse=True)))


def _ways(part: Part) -> int:
    """How many choices a part leaves, roughly."""
    if part.kind == ALL:
        return sum(map(_ways, part.parts))
    return max(map(_ways, part.parts), default=1)


def _matches(
    own: Atom, given: Atom, bound: Bound, meanings: Meanings, made_up: frozenset[str]
) -> Iterator[tuple[Bound, Meanings]]:
    """Every way to turn the textbook's atom into the given one that agrees with what is known."""
    if own.predicate != given.predicate or len(own.arguments) != len(given.arguments):
        return
    pairs = tuple(zip(own.arguments, given.arguments, strict=True))
    waiting: list[tuple[tuple[tuple[Term, Term], ...], Bound, Meanings]] = [
        (pairs, bound, meanings)
    ]
    while waiting:
        pairs, bound, meanings = waiting.pop()
        if not pairs:
            yield bound, meanings
            continue
        (one, other), pairs = pairs[0], pairs[1:]
        if isinstance(one, Variable):
            if one.name not in bound:
                waiting.append((pairs, {**bound, one.name: other}, meanings))
            elif bound[one.name] == other:
                waiting.append((pairs, bound, meanings))
        elif isinstance(other, Variable):
            continue
        elif one.name.startswith(WITNESS):
            for places, known in _readings(one, other, bound, meanings, made_up):
                inner = [
                    (argument, other.arguments[place])
                    for argument, place in zip(one.arguments, places, strict=True)
                ]
                waiting.append(((*inner, *pairs), bound, known))
        elif one.name == other.name and len(one.arguments) == len(other.arguments):
            waiting.append(
                ((*zip(one.arguments, other.arguments, strict=True), *pairs), bound, meanings)
            )


def _readings(
    witness: Function, term: Function, bound: Bound, meanings: Meanings, made_up: frozenset[str]
) -> Iterator[tuple[tuple[int, ...], Meanings]]:
    """Where the arguments of the textbook's Skolem function may stand in the prover's term.

    One way if the prover's function has its meaning already, none if that is another one.
    """
    symbol = (term.name, len(term.arguments))
    if term.name not in made_up:
        return
    if symbol in meanings:
        if meanings[symbol].witness == witness.name:
            yield meanings[symbol].places, meanings
        return
    candidates = [
        [
            place
            for place, given in enumerate(term.arguments)
            if isinstance(argument, Variable)
            and (argument.name not in bound or bound[argument.name] == given)
        ]
        for argument in witness.arguments
    ]
    ways = list(islice(_distinct(candidates), ORDERS))
    for places in reversed(ways):  # at the end the order they stand in
        yield places, {**meanings, symbol: Meaning(witness.name, places)}


def _distinct(candidates: Sequence[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    """Every choice of one number of each, no number twice."""
    if not candidates:
        yield ()
        return
    for first in candidates[0]:
        rest = [[number for number in others if number != first] for others in candidates[1:]]
        for others in _distinct(rest):
            yield (first, *others)


# a problem's statements


def first_doubt(problem: Problem, form: ClauseForm, clauses: Sequence[Clause]) -> str:
    """Which of the clauses is not confirmed, and why, as a sentence; "" if all are.

    Clauses must follow from the statements they name, the conjecture negated, or be true by the
    laws of equality.
    """
    taken = (form.skolem | form.defined) & _names_used(problem)
    if taken:
        return f"the name {min(taken)} was not made up: {problem.name} has it"
    meanings: Meanings = {}
    sources: dict[str, list[Clause]] = {}
    for clause in clauses:
        if not equality_valid(clause.literals):
            sources.setdefault(clause.source, []).append(clause)
    for source, own in sources.items():
        statements = [one for one in problem.statements if one.name == source]
        if not statements:
            return f"clause {own[0].name}: {problem.name} has no statement {source!r}"
        best = Confirmed(0, meanings)
        for number, view in enumerate(_views(statements)):
            part = skolemised(view, f"{WITNESS}{source}:{number}:")
            found = confirm(part, own, meanings, form.skolem)
            best = max(best, found, key=lambda one: one.clauses)
            if best.clauses == len(own):
                break
        else:
            return (
                f"clause {own[best.clauses].name}: the textbook clausification of statement "
                f"{source} does not confirm it"
            )
        meanings = best.meanings
    return ""


def _views(statements: Sequence[Statement]) -> Iterator[Part]:
    """What the statements together say, by where quantifiers may stand."""
    plain = _joint(ALL, [normal_form(one.formula, one.role != "conjecture") for one in statements])
    yield plain
    yield narrowed(plain, split=True)
    yield narrowed(plain, split=False)


def _names_used(problem: Problem) -> frozenset[str]:
    """The names of the problem's functions and predicates."""
    names: set[str] = set()
    formulas: list[Formula] = [statement.formula for statement in problem.statements]
    terms: list[Term] = []
    while formulas:
        formula = formulas.pop()
        match formula:
            case Atom(predicate, arguments):
                names.add(predicate)
                terms.extend(arguments)
            case And(parts) | Or(parts):
                formulas.extend(parts)
            case Not(body) | Forall(_, body) | Exists(_, body):
                formulas.append(body)
            case Implies(left, right) | Iff(left, right):
                formulas.extend((left, right))
    while terms:
        term = terms.pop()
        if isinstance(term, Function):
            names.add(term.name)
            terms.extend(term.arguments)
    return frozenset(names)


def equality_valid(literals: Sequence[Literal]) -> bool:
    """Whether the clause is true whatever its symbols mean, if = is equality.

    Its variables are as good as constants, and what it denies holds: then two terms that it calls
    equal must be equal by congruence, or two atoms that it denies and asserts the same.
    """
    classes: dict[Term, Term] = {}
    denied = [literal.atom for literal in literals if not literal.positive]
    for literal in literals:
        _subterms(literal.atom.arguments, classes)
    for atom in denied:
        if atom.predicate == EQUALITY:
            left, right = atom.arguments
            _merge(classes, left, right)
    while _merge_congruent(classes):
        pass
    facts = {_class_of(classes, atom) for atom in denied}
    for literal in literals:
        if literal.positive:
            predicate, *arguments = _class_of(classes, literal.atom)
            if predicate == EQUALITY and arguments[0] == arguments[1]:
                return True
            if (predicate, *arguments) in facts:
                return True
    return False


def _subterms(terms: Sequence[Term], classes: dict[Term, Term]) -> None:
    """Puts the terms and all in them into classes of their own."""
    waiting = list(terms)
    while waiting:
        term = waiting.pop()
        if term not in classes:
            classes[term] = term
            if isinstance(term, Function):
                waiting.extend(term.arguments)


def _merge(classes: dict[Term, Term], left: Term, right: Term) -> bool:
    """Makes two classes one; whether they were two."""
    kept, gone = classes[left], classes[right]
    for term, name in classes.items():
        if name == gone:
            classes[term] = kept
    return kept != gone


def _merge_congruent(classes: dict[Term, Term]) -> bool:
    """Makes terms equal whose arguments are; whether there were any."""
    seen: dict[tuple[str | Term, ...], Term] = {}
    for term in list(classes):
        if isinstance(term, Function):
            key = (term.name, *(classes[argument] for argument in term.arguments))
            if _merge(classes, seen.setdefault(key, term), term):
                return True
    return False


def _class_of(classes: Mapping[Term, Term], atom: Atom) -> tuple[str | Term, ...]:
    return (atom.predicate, *(classes[argument] for argument in atom.arguments))
