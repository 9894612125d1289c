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
    free: tuple[str, ...]  # the variables that nothing within binds, in the order they stand in
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
    return Part(LITERAL, _in_order(literal.atom.arguments), literal=literal)


def _joint(kind: str, parts: Sequence[Part]) -> Part:
    """A conjunction or disjunction; one of one part is that part."""
    if len(parts) == 1:
        return parts[0]
    free = dict.fromkeys(name for part in parts for name in part.free)
    return Part(kind, tuple(free), tuple(parts))


def _quantified(kind: str, variable: str, body: Part) -> Part:
    if variable not in body.free:
        return body
    free = tuple(name for name in body.free if name != variable)
    return Part(kind, free, (body,), variable=variable)


def _in_order(terms: Sequence[Term]) -> tuple[str, ...]:
    """The variables of the terms, left to right."""
    found: dict[str, None] = {}
    waiting = list(terms)[::-1]
    while waiting:
        term = waiting.pop()
        if isinstance(term, Variable):
            found[term.name] = None
        else:
            waiting.extend(term.arguments[::-1])
    return tuple(found)


# quantifiers inwards


def narrowed(part: Part) -> Part:
    """The same with every quantifier around as little as it must be.

    Only what exists such that one of several things holds is not looked for in each of them: that
    would take more Skolem functions.
    """
    parts = [narrowed(inner) for inner in part.parts]
    if part.kind in (ALL, ANY):
        return _joint(part.kind, parts)
    if part.kind == LITERAL:
        return part
    return _pushed(part.kind, part.variable, parts[0])


def _pushed(kind: str, variable: str, body: Part) -> Part:
    """The quantifier around a part that is narrowed already."""
    if variable not in body.free:
        return body
    if body.kind == kind:  # two quantifiers of one kind change places
        return _quantified(kind, body.variable, _pushed(kind, variable, body.parts[0]))
    if kind == EVERY and body.kind == ALL:
        return _joint(ALL, [_pushed(kind, variable, part) for part in body.parts])
    if body.kind in (ALL, ANY):
        outside = [part for part in body.parts if variable not in part.free]
        inside = _joint(body.kind, [part for part in body.parts if variable in part.free])
        if outside:
            return _joint(body.kind, [*outside, _pushed(kind, variable, inside)])
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
        free = tuple(map(Variable, _in_order([terms[name] for name in part.free])))
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
    goals: tuple[Part, ...]  # to be found in it: literals and conjunctions
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
    best = Confirmed(0, meanings)
    waiting = [_Attempt(0, tuple(_needed(part)), {}, meanings)] if clauses else []
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
        waiting.append(_Attempt(done, tuple(_needed(part)), {}, attempt.meanings))
    return best


def _needed(part: Part) -> Iterator[Part]:
    """The literals and conjunctions that must all be found to find the part."""
    if part.kind == ANY:
        for inner in part.parts:
            yield from _needed(inner)
    else:
        yield part


def _next(
    attempt: _Attempt, literals: Sequence[Literal], made_up: frozenset[str]
) -> list[_Attempt]:
    """The ways to go on with the goal that has the fewest, the most promising last."""
    fewest: list[_Attempt] = []
    for number, goal in enumerate(attempt.goals):
        rest = attempt.goals[:number] + attempt.goals[number + 1 :]
        if goal.kind == LITERAL:
            ways = [
                attempt._replace(goals=rest, bound=bound, meanings=meanings)
                for bound, meanings in _findings(goal, literals, attempt, made_up)
            ]
        else:
            ways = [
                attempt._replace(goals=(*rest, *_needed(part)))
                for part in goal.parts
                if _possible(part, literals, attempt, made_up)
            ]
        if number == 0 or len(ways) < len(fewest):
            fewest = ways
        if not fewest:
            break
    return fewest[::-1]


def _possible(
    part: Part, literals: Sequence[Literal], attempt: _Attempt, made_up: frozenset[str]
) -> bool:
    """Whether each thing that the part needs can be found in the clause, taken by itself."""
    if part.kind == LITERAL:
        return any(True for _ in _findings(part, literals, attempt, made_up))
    found = (_possible(inner, literals, attempt, made_up) for inner in part.parts)
    return any(found) if part.kind == ALL else all(found)


def _findings(
    part: Part, literals: Sequence[Literal], attempt: _Attempt, made_up: frozenset[str]
) -> Iterator[tuple[Bound, Meanings]]:
    """Every way to find a literal of the statement in the clause."""
    own = part.literal
    assert own is not None
    for literal in literals:
        if literal.positive == own.positive:
            yield from _matches(own.atom, literal.atom, attempt.bound, attempt.meanings, made_up)


def _matches(
    own: Atom, given: Atom, bound: Bound, meanings: Meanings, made_up: frozenset[str]
) -> Iterator[tuple[Bound, Meanings]]:
    """Every way to turn the textbook's atom into the given one that agrees with what is known."""
    if own.predicate != given.predicate or len(own.arguments) != len(given.arguments):
        return
    pairs = tuple(zip(own.arguments, given.arguments, strict=True))
    # Skolem terms last: what their arguments are is known then
    pairs = tuple(sorted(pairs, key=lambda pair: _is_witness(pair[0])))
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
        elif _is_witness(one):
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


def _is_witness(term: Term) -> bool:
    return isinstance(term, Function) and term.name.startswith(WITNESS)


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
    both = form.skolem & form.defined
    if both:
        return f"the name {min(both)} was made up twice"
    meanings: Meanings = {}
    defined: set[str] = set()
    for source, own in _by_source(clauses).items():
        stated = _stated(problem, source)
        if not stated:
            return f"clause {own[0].name}: {problem.name} has no statement {source!r}"
        named = _Named(And(tuple(stated)), {})
        if form.defined:
            written = [one for one in form.clauses if one.source == source]
            named = _name_parts(named, written, form, frozenset(defined))
            defined.update(named.definitions)
        whole = And((named.formula, *named.definitions.values()))
        part = skolemised(narrowed(normal_form(whole, True)), f"{WITNESS}{source}:")
        found = confirm(part, own, meanings, form.skolem)
        if found.clauses < len(own):
            return (
                f"clause {own[found.clauses].name}: the textbook clausification of statement "
                f"{source} does not confirm it"
            )
        meanings = found.meanings
    return ""


def _by_source(clauses: Sequence[Clause]) -> dict[str, list[Clause]]:
    """The clauses by the statement they name, the longest first; laws of equality left out."""
    sources: dict[str, list[Clause]] = {}
    for clause in sorted(clauses, key=_length, reverse=True):
        if not equality_valid(clause.literals):
            sources.setdefault(clause.source, []).append(clause)
    return sources


def _length(clause: Clause) -> int:
    """How many names the clause has, each as often as it stands there."""
    length, waiting = 0, [term for literal in clause.literals for term in literal.atom.arguments]
    while waiting:
        term = waiting.pop()
        length += 1
        if isinstance(term, Function):
            waiting.extend(term.arguments)
    return length + len(clause.literals)


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


# definitions


class _Named(NamedTuple):
    """A formula in which atoms of defined predicates stand for parts, and what they stand for.

    With the definitions it says what it said before; they are equivalences, each of a predicate
    that nothing else is said of, and so hold for a fitting choice of the predicates.
    """

    formula: Formula
    definitions: Mapping[str, Formula]  # by predicate


def _name_parts(
    named: _Named, written: Sequence[Clause], form: ClauseForm, taken: frozenset[str]
) -> _Named:
    """The formula with those of its parts named whose definitions are among the clauses.

    Predicates are looked at in the order of their definitions, so that one that mentions others
    comes after them; one whose part is not found stays unnamed, as do those ``taken``.
    """
    about: dict[str, list[Clause]] = {}
    for clause in written:
        if clause.role == "definition":
            own = {one.atom.predicate: one.atom for one in clause.literals}
            new = [name for name in own if name in form.defined and name not in about]
            late = new or [name for name in about if name in own]
            if late:
                about.setdefault(late[-1], []).append(clause)
    for predicate, clauses in about.items():
        if predicate not in taken:
            named = _name_part(named, predicate, clauses, form.skolem)
    return named


def _name_part(
    named: _Named, predicate: str, clauses: Sequence[Clause], skolem: frozenset[str]
) -> _Named:
    """The formula with the part named that makes these clauses true, if there is one."""
    atoms = [one.atom for clause in clauses for one in clause.literals]
    others = {atom.predicate for atom in atoms} - {predicate}
    arity = next(len(atom.arguments) for atom in atoms if atom.predicate == predicate)
    plain = _without_implications(named.formula)
    for part in _parts(plain):
        variables = _free(part)
        if len(variables) != arity or {atom.predicate for atom in _atoms(part)} != others:
            continue
        atom = Atom(predicate, tuple(Variable(name) for name in variables))
        definition = Forall(variables, Iff(atom, part))
        view = skolemised(narrowed(normal_form(definition, True)), f"{WITNESS}{predicate}:")
        if confirm(view, clauses, {}, skolem).clauses == len(clauses):
            formula = _exchanged(plain, part, atom)
            return _Named(formula, {**named.definitions, predicate: definition})
    return named


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


def _atoms(formula: Formula) -> Iterator[Atom]:
    return (part for part in _parts(formula) if isinstance(part, Atom))


def _free(formula: Formula) -> tuple[str, ...]:
    """The variables that nothing within binds, in the order they stand in."""
    if isinstance(formula, Atom):
        return _in_order(formula.arguments)
    names = dict.fromkeys(name for part in _inner(formula) for name in _free(part))
    bound = formula.variables if isinstance(formula, Forall | Exists) else ()
    return tuple(name for name in names if name not in bound)


def _names_used(problem: Problem) -> frozenset[str]:
    """The names of the problem's functions and predicates."""
    names: set[str] = set()
    terms: list[Term] = []
    for statement in problem.statements:
        for atom in _atoms(statement.formula):
            names.add(atom.predicate)
            terms.extend(atom.arguments)
    while terms:
        term = terms.pop()
        if isinstance(term, Function):
            names.add(term.name)
            terms.extend(term.arguments)
    return frozenset(names)


# equality


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
