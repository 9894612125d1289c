"""Terms as numbers, so that comparing them takes no time (hash consing, Ershov 1958)."""

from __future__ import annotations

from typing import NamedTuple

from envs.proving.logic.formula import Function, Literal, Term
from envs.proving.logic.interrupt import look


class Signed(NamedTuple):
    """A literal whose terms are numbers."""

    positive: bool
    predicate: str
    arguments: tuple[int, ...]


class TermTable:
    """Numbers for terms: equal terms have the same.

    However deep terms are, and however often they hold the same term, each is looked at once.
    A variable is as good as a constant of its own.
    """

    def __init__(self) -> None:
        self.rows: list[tuple[str, tuple[int, ...] | None]] = []  # name, arguments; None: variable
        self._numbers: dict[tuple[str, tuple[int, ...] | None], int] = {}
        self._known: dict[int, tuple[Term, int]] = {}  # by identity

    def literal(self, literal: Literal) -> Signed:
        atom = literal.atom
        return Signed(literal.positive, atom.predicate, tuple(map(self.term, atom.arguments)))

    def term(self, term: Term) -> int:
        """The number of a term."""
        waiting = [term]
        while waiting:
            look()
            part = waiting[-1]
            arguments = part.arguments if isinstance(part, Function) else ()
            missing = [argument for argument in arguments if id(argument) not in self._known]
            if missing:
                waiting += missing
                continue
            waiting.pop()
            below = tuple(self._known[id(argument)][1] for argument in arguments)
            row = (part.name, below if isinstance(part, Function) else None)
            number = self._numbers.setdefault(row, len(self.rows))
            if number == len(self.rows):
                self.rows.append(row)
            self._known[id(part)] = part, number
        return self._known[id(term)][1]
