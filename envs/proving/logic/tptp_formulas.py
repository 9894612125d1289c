"""The tokens of a text in TPTP's syntax, and its formulas and terms by recursive descent."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import TypeVar

from envs.proving.logic.formula import (
    EQUALITY,
    And,
    Atom,
    Exists,
    Forall,
    Formula,
    Function,
    Iff,
    Implies,
    Not,
    Or,
    Term,
    Variable,
)
from envs.proving.logic.recursion import DEEPEST, look
from envs.proving.logic.symbols import NUMBER_START, stands_for_itself

TOKEN = re.compile(
    r"""(?>\s+|%[^\n]*|/\*.*?\*/)*+    # blanks and comments
    ( [A-Za-z_][A-Za-z0-9_]*
    | [(),&|:\[\].]
    | <=> | <~> | => | <= | != | ~\| | ~& | = | ~ | ! | \?
    | '(?:[^\\'\n]|\\['\\])*'
    | "(?:[^\\"\n]|\\["\\])*"
    | \$\$?[a-z][A-Za-z0-9_]*
    | [+-]?[0-9]+(?:/[0-9]+|(?:\.[0-9]+)?(?:[Ee][+-]?[0-9]+)?)
    | . | \Z )""",
    re.VERBOSE | re.DOTALL,
)
NO_TOKENS = {
    "": "the end of the text",
    "'": "a quote that is not closed on its line",
    '"': "a double quote that is not closed on its line",
    "/": "a slash, or a comment that is not closed",
}
CONNECTIVES = ("&", "|", "=>", "<=", "<=>", "<~>", "~|", "~&")  # of two formulas or more
MOST_DISTINCT = 500  # terms of one $distinct
LOWER_WORD = re.compile(r"[a-z][A-Za-z0-9_]*\Z")
NAME_START = frozenset("abcdefghijklmnopqrstuvwxyz'")
VARIABLE_START = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SHOWN = 60  # characters of a token in a sentence

T = TypeVar("T")


class TptpError(ValueError):
    """What is wrong with a problem's text, and where, in one sentence."""


class UnreadableError(TptpError):
    """Why there is no text to be read, in one sentence."""


class Tokens:
    """The tokens of one text, and the one that is looked at.  After the last comes ""."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.tokens: list[str] = []
        self.at = 0
        for match in TOKEN.finditer(text):
            look()
            self.tokens.append(match[1])
        self.tokens.append("")

    def wrong(self, what: str, token: int | None = None) -> TptpError:
        """The error about a token (the current one unless said)."""
        return TptpError(f"{self.place(token)}: {what}")

    def place(self, token: int | None = None) -> str:
        """File, line and column of a token."""
        wanted = self.at if token is None else token
        start = len(self.text)
        for index, match in enumerate(TOKEN.finditer(self.text)):
            look()
            if index == wanted:
                start = match.start(1)
                break
        line = self.text.count("\n", 0, start) + 1
        column = start - self.text.rfind("\n", 0, start)
        return f"{self.file}, line {line}, column {column}"

    def unexpected(self, what: str) -> TptpError:
        """The error that the current token is not ``what``."""
        token = self.tokens[self.at]
        found = token if token.isprintable() else repr(token)
        found = found if len(found) <= _SHOWN else f"{found[:_SHOWN]}..."
        return self.wrong(f"found {NO_TOKENS.get(token, found)}, expected {what}")

    def take(self, token: str, what: str = "") -> None:
        """Steps over the token, which has to be there."""
        if not self.took(token):
            raise self.unexpected(what or token)

    def took(self, token: str) -> bool:
        """Steps over the token if it is there, and says whether it was."""
        is_there = self.tokens[self.at] == token
        self.at += is_there
        return is_there

    def separated(self, separator: str, read: Callable[[], T]) -> list[T]:
        """What is read once and again after each separator."""
        parts = [read()]
        while self.took(separator):
            parts.append(read())
        return parts


class Formulas(Tokens):
    """The tokens of a text that are read as formulas."""

    def __init__(self, text: str, file: str) -> None:
        super().__init__(text, file)
        self.depth = 0  # of nesting; 0 where a formula begins
        self.bound: Counter[str] = Counter()  # quantifiers around the token, by variable
        self.free: dict[str, None] | None = None  # of a clause, in order; None: not allowed

    def deeper(self) -> None:
        look()
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"found more than {DEEPEST:,} levels of nesting, expected fewer")

    # formulas

    def whole_formula(self) -> Formula:
        """A formula without free variables."""
        self.depth, self.bound, self.free = 0, Counter(), None
        return self.formula()

    def formula(self) -> Formula:
        """A formula with binary connectives; stops at the token that cannot go on with it."""
        first = self.unit()
        operator = self.tokens[self.at]
        if operator not in CONNECTIVES:
            return first
        self.at += 1
        if operator in ("&", "|"):
            parts = (first, *self.separated(operator, self.unit))
            whole: Formula = And(parts) if operator == "&" else Or(parts)
        else:
            whole = _binary(operator, first, self.unit())
        further = self.tokens[self.at]
        if further in CONNECTIVES:
            which = "& and |" if {operator, further} == {"&", "|"} else "connectives"
            raise self.wrong(
                f"found {further} after {operator}, expected parentheses: "
                f"{which} have no order of precedence"
            )
        return whole

    def unit(self) -> Formula:
        """A negated, quantified, bracketed or atomic formula."""
        token = self.tokens[self.at]
        if token not in ("(", "~", "!", "?"):
            return self.atom()
        self.at += 1
        self.deeper()
        if token == "(":
            inside = self.formula()
            self.take(")", "a connective or )")
        elif token == "~":
            inside = Not(self.unit())
        else:
            inside = self.quantified(token)
        self.depth -= 1
        return inside

    def quantified(self, quantifier: str) -> Formula:
        self.take("[", "[ and the variables that the quantifier binds")
        names = tuple(dict.fromkeys(self.separated(",", self.variable)))
        self.take("]", "a comma or ]")
        self.take(":")
        self.bound.update(names)
        body = self.unit()
        self.bound.subtract(names)
        return Forall(names, body) if quantifier == "!" else Exists(names, body)

    def variable(self) -> str:
        token = self.tokens[self.at]
        if token[:1] not in VARIABLE_START:
            raise self.unexpected("a variable, which begins with a capital")
        self.at += 1
        return token

    def atom(self) -> Formula:
        """An atom, an equation or a negated equation, $true or $false."""
        token = self.tokens[self.at]
        if token[:1] == "$" and token[1:2] != "$":
            if token == "$distinct" and self.free is None:
                return self.distinct()
            if token not in ("$true", "$false"):
                raise self.wrong(
                    f"found {token}, expected $true, $false or a predicate of the problem"
                )
            self.at += 1
            return And(()) if token == "$true" else Or(())
        start = self.at
        left = self.term("a formula")
        relation = self.tokens[self.at]
        if relation in ("=", "!="):
            self.at += 1
            equation = Atom(EQUALITY, (left, self.term()))
            return equation if relation == "=" else Not(equation)
        if isinstance(left, Variable) or stands_for_itself(left.name):
            if isinstance(left, Variable) and relation == "(":
                raise self.wrong(
                    f"found the variable {left.name} as a predicate, expected a name", start
                )
            raise self.unexpected("= or !=")
        return Atom(left.name, left.arguments)

    def distinct(self) -> Formula:
        """$distinct(...): no two of the terms are equal."""
        start = self.at
        self.at += 1
        terms = self.arguments()
        if len(terms) > MOST_DISTINCT:
            raise self.wrong(
                f"found $distinct of {len(terms):,} terms, expected at most {MOST_DISTINCT}", start
            )
        return And(tuple(Not(Atom(EQUALITY, pair)) for pair in combinations(terms, 2)))

    def clause(self) -> Formula:
        """The universal closure of a disjunction of literals."""
        self.depth, self.bound, self.free = 0, Counter(), {}
        literals = [literal for literal in self.literals() if literal != Or(())]
        disjunction = literals[0] if len(literals) == 1 else Or(tuple(literals))
        return Forall(tuple(self.free), disjunction) if self.free else disjunction

    def literals(self) -> Iterator[Formula]:
        """The literals of a disjunction, parts of which may stand in parentheses."""
        while True:
            if self.took("("):
                self.deeper()
                yield from self.literals()
                self.take(")", "| or )")
                self.depth -= 1
            else:
                yield self.literal()
            if not self.took("|"):
                return

    def literal(self) -> Formula:
        """An atom or its negation; either may stand in parentheses."""
        token = self.tokens[self.at]
        if token in ("!", "?"):
            raise self.unexpected("a literal: a clause is a disjunction of atoms and negated atoms")
        if token not in ("~", "("):
            return self.atom()
        self.at += 1
        self.deeper()
        inside = self.literal()
        self.depth -= 1
        if token == "~":
            return Not(inside)
        self.take(")", ") after the literal that is negated")
        return inside

    # terms

    def term(self, what: str = "a term") -> Term:
        """A variable, constant or function with its arguments."""
        look()
        token = self.tokens[self.at]
        first = token[:1]
        if first in VARIABLE_START:
            if self.free is not None:
                self.free[token] = None
            elif not self.bound[token]:
                raise self.wrong(
                    f"found the free variable {token}, expected a quantifier that binds it"
                )
            self.at += 1
            return Variable(token)
        if (first in NAME_START and token != "'") or token[:2] == "$$":
            name = self.unquoted(token)
            self.at += 1
            return Function(name, self.arguments() if self.tokens[self.at] == "(" else ())
        if (first in NUMBER_START and token not in ("+", "-")) or (first == '"' and len(token) > 1):
            self.at += 1
            return Function(token.removeprefix("+"))
        raise self.unexpected(what)

    def unquoted(self, name: str) -> str:
        """The name without quotes where TPTP needs none."""
        if name == "''":
            raise self.wrong("found '', expected a name between the quotes")
        if name[:1] == "'" and LOWER_WORD.match(name[1:-1]):
            return name[1:-1]
        return name

    def arguments(self) -> tuple[Term, ...]:
        """What stands in parentheses, which have to be there."""
        self.take("(", "( and the terms that differ")
        self.deeper()
        terms = self.separated(",", self.term)
        self.take(")", "a comma or )")
        self.depth -= 1
        return tuple(terms)


def _binary(operator: str, left: Formula, right: Formula) -> Formula:
    match operator:
        case "=>":
            return Implies(left, right)
        case "<=":
            return Implies(right, left)
        case "<=>":
            return Iff(left, right)
        case "<~>":
            return Not(Iff(left, right))
    return Not(Or((left, right)) if operator == "~|" else And((left, right)))
