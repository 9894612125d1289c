"""What is true of equality alone, by congruence closure (Nelson and Oppen 1980)."""

from __future__ import annotations

from collections.abc import Sequence

from envs.proving.logic.formula import EQUALITY, Literal
from envs.proving.logic.interrupt import look
from envs.proving.logic.numbers import Numbers, Signed


def equality_valid(literals: Sequence[Literal]) -> bool:
    """Whether the clause is true whatever its symbols mean, if = is equality.

    Its variables are as good as constants, and what it denies holds: then two terms that it calls
    equal must be equal by congruence, or two atoms that it denies and asserts the same.
    """
    numbers = Numbers()
    signed = [numbers.literal(literal) for literal in literals]
    classes = _Classes(numbers)
    for literal in signed:
        if not literal.positive and literal.predicate == EQUALITY:
            classes.merge(*literal.arguments)
    facts = {classes.of(literal) for literal in signed if not literal.positive}
    for literal in signed:
        if literal.positive:
            predicate, arguments = classes.of(literal)
            if predicate == EQUALITY and arguments[0] == arguments[1]:
                return True
            if (predicate, arguments) in facts:
                return True
    return False


class _Classes:
    """Terms by their numbers, those that are equal in one class."""

    def __init__(self, numbers: Numbers) -> None:
        self._rows = numbers.rows
        self._class = list(range(len(self._rows)))
        self._members = [[number] for number in self._class]
        self._users: list[list[int]] = [[] for _ in self._rows]  # of a class: the terms around it
        self._seen: dict[tuple[str, tuple[int, ...]], int] = {}
        for number, (name, arguments) in enumerate(self._rows):
            for argument in set(arguments or ()):
                self._users[argument].append(number)
            if arguments:
                self._seen[name, arguments] = number

    def of(self, literal: Signed) -> tuple[str, tuple[int, ...]]:
        """The predicate and the classes of its arguments."""
        return literal.predicate, tuple(self._class[number] for number in literal.arguments)

    def merge(self, left: int, right: int) -> None:
        """Makes two terms equal, and all terms that are equal then."""
        waiting = [(left, right)]
        while waiting:
            look()
            one, other = (self._class[number] for number in waiting.pop())
            if one == other:
                continue
            if len(self._members[one]) < len(self._members[other]):
                one, other = other, one
            for number in self._members[other]:
                self._class[number] = one
            self._members[one] += self._members[other]
            users, self._users[other] = self._users[other], []
            for number in users:
                name, arguments = self._rows[number]
                key = name, tuple(self._class[argument] for argument in arguments or ())
                same = self._seen.setdefault(key, number)
                if same != number:
                    waiting.append((same, number))
            self._users[one] += users
