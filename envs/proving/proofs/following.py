"""Whether clauses follow from a formula without quantifiers, whatever the prover's names mean.

Of a conjunction one part has to be found in the clause, of a disjunction every part, of a literal
the literal itself under a substitution for its variables.

A Skolem function of the prover is given a meaning as it is met, one for all clauses: a Skolem term
of the textbook, each argument of which is the argument of the function at a fixed place.  It may
have more arguments, not fewer.  So a model of the formula is one of the confirmed clauses too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from envs.proving.logic.formula import (
    Atom,
    Clause,
    Function,
    Literal,
    Term,
    Variable,
)
from envs.proving.logic.interrupt import look
from envs.proving.proofs.textbook import ALL, ANY, LITERAL, WITNESS, Part

STEPS = 100_000  # ways to look at before a clause counts as not confirmed
ORDERS = 200  # orders of a Skolem function's arguments to look at

Symbol = tuple[str, int]  # a name and its number of arguments


class Meaning(NamedTuple):
    """What a Skolem function of the prover stands for."""

    witness: str  # a Skolem function of the textbook
    places: tuple[int, ...]  # which of the function's arguments are the witness's


Bound = Mapping[str, Term]
Meanings = Mapping[Symbol, Meaning]


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
    begun = tuple(_needed(part))
    given = [_Given(clause.literals) for clause in clauses]
    waiting = [_Attempt(0, begun, {}, meanings)] if clauses else []
    for _ in range(STEPS):
        look()
        if not waiting:
            break
        attempt = waiting.pop()
        if attempt.goals:
            waiting.extend(_next(attempt, given[attempt.clause], made_up))
            continue
        done = attempt.clause + 1
        best = max(best, Confirmed(done, attempt.meanings), key=lambda found: found.clauses)
        if done == len(clauses):
            break
        waiting.append(_Attempt(done, begun, {}, attempt.meanings))
    return best


class _Given:
    """The literals of a clause, by what they have in common."""

    def __init__(self, literals: Sequence[Literal]) -> None:
        self.all = frozenset(literals)
        self._alike: dict[tuple[bool, str, int], list[Literal]] = {}
        for literal in literals:
            self._alike.setdefault(_kind(literal), []).append(literal)

    def alike(self, literal: Literal) -> Sequence[Literal]:
        """Those with the sign, the predicate and the number of arguments of another literal."""
        return self._alike.get(_kind(literal), ())


def _number(name: str) -> int:
    """The number that a made-up name ends in; 0 if it ends in none."""
    digits = name[len(name.rstrip("0123456789")) :]
    return int(digits) if digits else 0


def _kind(literal: Literal) -> tuple[bool, str, int]:
    return literal.positive, literal.atom.predicate, len(literal.atom.arguments)


def _needed(part: Part) -> Iterator[Part]:
    """The literals and conjunctions that must all be found to find the part."""
    if part.kind == ANY:
        for inner in part.parts:
            yield from _needed(inner)
    else:
        yield part


def _next(attempt: _Attempt, given: _Given, made_up: frozenset[str]) -> list[_Attempt]:
    """The ways to go on with the goal that has the fewest, the most promising last.

    Goals that nothing else depends on come first, all at once: it does not matter how they are
    found.
    """
    alone = _alone(attempt)
    if not all(_possible(attempt.goals[number], given, attempt, made_up) for number in alone):
        return []
    alone |= {
        number
        for number, goal in enumerate(attempt.goals)
        if number not in alone and _is_there(goal, given, attempt, made_up)
    }
    if alone:
        rest = tuple(goal for number, goal in enumerate(attempt.goals) if number not in alone)
        return [attempt._replace(goals=rest)]
    fewest: list[_Attempt] = []
    for number, goal in enumerate(attempt.goals):
        rest = attempt.goals[:number] + attempt.goals[number + 1 :]
        if goal.kind == LITERAL:
            ways = [
                attempt._replace(goals=rest, bound=bound, meanings=meanings)
                for bound, meanings in _findings(goal, given, attempt, made_up)
            ]
        else:
            ways = [
                attempt._replace(goals=(*rest, *_needed(part)))
                for part in goal.parts
                if _possible(part, given, attempt, made_up)
            ]
        if number == 0 or len(ways) < len(fewest):
            fewest = ways
        if len(fewest) < 2:
            break
    fewest.reverse()
    return sorted(fewest, key=lambda way: -_oddity(way.meanings, attempt.meanings))


def _oddity(meanings: Meanings, before: Meanings) -> int:
    """How unlikely what is new is: the more, the further down in the list of what to try.

    Both sides number their functions as they meet them, and most have the same arguments.
    """
    count = 0
    for symbol in meanings.keys() - before.keys():
        witness, places = meanings[symbol]
        count += symbol[1] != len(places)
        for other in meanings:
            ahead = _number(symbol[0]) - _number(other[0])
            count += ahead * (_number(witness) - _number(meanings[other].witness)) < 0
    return count


def _alone(attempt: _Attempt) -> set[int]:
    """The goals for which it is enough that they are possible, by their numbers.

    Nothing in them is open, or they are literals with variables that no other goal has.
    """
    open_names = [
        [name for name in goal.free if name not in attempt.bound] for goal in attempt.goals
    ]
    often = Counter(name for names in open_names for name in names)
    return {
        number
        for number, (goal, names) in enumerate(zip(attempt.goals, open_names, strict=True))
        if not names
        or (
            goal.kind == LITERAL
            and all(often[name] == 1 and not name.startswith(WITNESS) for name in names)
        )
    }


def _is_there(part: Part, given: _Given, attempt: _Attempt, made_up: frozenset[str]) -> bool:
    """Whether the part is found whatever is still open in it is taken for."""
    look()
    if all(name in attempt.bound for name in part.free):
        return _possible(part, given, attempt, made_up)
    found = (_is_there(inner, given, attempt, made_up) for inner in part.parts)
    return part.kind != LITERAL and (any(found) if part.kind == ALL else all(found))


def _possible(part: Part, given: _Given, attempt: _Attempt, made_up: frozenset[str]) -> bool:
    """Whether each thing that the part needs can be found in the clause, taken by itself."""
    look()
    if part.kind == LITERAL:
        return any(True for _ in _findings(part, given, attempt, made_up))
    found = (_possible(inner, given, attempt, made_up) for inner in part.parts)
    return any(found) if part.kind == ALL else all(found)


def _findings(
    part: Part, given: _Given, attempt: _Attempt, made_up: frozenset[str]
) -> Iterator[tuple[Bound, Meanings]]:
    """Every way to find a literal of the statement in the clause."""
    own = part.literal
    assert own is not None
    if not part.free:
        if own in given.all:
            yield attempt.bound, attempt.meanings
        return
    for literal in given.alike(own):
        look()
        yield from _matches(own.atom, literal.atom, attempt.bound, attempt.meanings, made_up)


def _matches(
    own: Atom, given: Atom, bound: Bound, meanings: Meanings, made_up: frozenset[str]
) -> Iterator[tuple[Bound, Meanings]]:
    """Every way to turn the textbook's atom into one of the same kind that agrees with what is
    known."""
    pairs = tuple(zip(own.arguments, given.arguments, strict=True))
    # Skolem terms last: what their arguments are is known then
    pairs = tuple(sorted(pairs, key=lambda pair: _is_witness(pair[0])))
    waiting: list[tuple[tuple[tuple[Term, Term], ...], Bound, Meanings]] = [
        (pairs, bound, meanings)
    ]
    while waiting:
        look()
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
