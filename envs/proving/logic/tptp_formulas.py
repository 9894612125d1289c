"""Formulas, clauses and terms of TPTP's languages fof and cnf, by recursive descent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from envs.proving.logic.deep_recursion import DEEPEST
from envs.proving.logic.distinct_objects import NUMBER_START
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
from envs.proving.logic.interrupt import look
from envs.proving.logic.tokens import Tokens

CONNECTIVES = ("&", "|", "=>", "<=", "<=>", "<~>", "~|", "~&")  # of two formulas or more
MOST_DISTINCT = 500  # terms of one $distinct
LOWER_WORD = re.compile(r"[a-z][A-Za-z0-9_]*\Z")
NAME_START = frozenset("abcdefghijklmnopqrstuvwxyz'")
VARIABLE_START = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Formulas(Tokens):
    """The tokens of a text that are read as formulas."""

    def __init__(self, text: str, file: str) -> None:
        super().__init__(text, file)
        self.depth = 0  # of nesting; 0 where a formula begins
        self.bound: dict[str, int] = {}  # how many quantifiers around the token bind a variable
        self.free: dict[str, None] | None = None  # of a clause, in order; None: not allowed

    def deeper(self) -> None:
        look()
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"found more than {DEEPEST:,} levels of nesting, expected fewer")

    # formulas

    def whole_formula(self) -> Formula:
        """A formula without free variables."""
        self.depth, self.bound, self.free = 0, {}, None
        return self.formula()

    def formula(self) -> Formula:
        """A formula with binary connectives; stops at the token that cannot go on with it."""
        first = self.unit()
        operator = self.tokens[self.at]
        if operator in ("&", "|"):
            parts = [first]
            while self.tokens[self.at] == operator:
                self.at += 1
                parts.append(self.unit())
            whole: Formula = And(tuple(parts)) if operator == "&" else Or(tuple(parts))
        elif operator in CONNECTIVES:
            self.at += 1
            whole = _binary(operator, first, self.unit())
        else:
            return first
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
        if token == "(":
            self.at += 1
            self.deeper()
            inside = self.formula()
            self.take(")", "a connective or )")
        elif token == "~":
            self.at += 1
            self.deeper()
            inside = Not(self.unit())
        elif token in ("!", "?"):
            self.at += 1
            self.deeper()
            inside = self.quantified(token)
        else:
            return self.atom()
        self.depth -= 1
        return inside

    def quantified(self, quantifier: str) -> Formula:
        self.take("[", "[ and the variables that the quantifier binds")
        variables: list[str] = []
        while True:
            token = self.tokens[self.at]
            if token[:1] not in VARIABLE_START:
                raise self.unexpected("a variable, which begins with a capital")
            variables.append(token)
            self.at += 1
            if self.tokens[self.at] != ",":
                break
            self.at += 1
        self.take("]", "a comma or ]")
        self.take(":")
        for name in variables:
            self.bound[name] = self.bound.get(name, 0) + 1
        body = self.unit()
        for name in variables:
            self.bound[name] -= 1
        names = tuple(dict.fromkeys(variables))
        return Forall(names, body) if quantifier == "!" else Exists(names, body)

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
            equation = Atom(EQUALITY, (left, self.term("a term")))
            return equation if relation == "=" else Not(equation)
        if isinstance(left, Variable) or left.name[0] in NUMBER_START or left.name[0] == '"':
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
        if self.tokens[self.at] != "(":
            raise self.unexpected("( and the terms that differ")
        terms = self.arguments()
        if len(terms) > MOST_DISTINCT:
            raise self.wrong(
                f"found $distinct of {len(terms):,} terms, expected at most {MOST_DISTINCT}", start
            )
        return And(tuple(Not(Atom(EQUALITY, pair)) for pair in combinations(terms, 2)))

    def clause(self) -> Formula:
        """The universal closure of a disjunction of literals."""
        self.depth, self.bound, self.free = 0, {}, {}
        literals = [literal for literal in self.literals() if literal != Or(())]
        disjunction = literals[0] if len(literals) == 1 else Or(tuple(literals))
        return Forall(tuple(self.free), disjunction) if self.free else disjunction

    def literals(self) -> Iterator[Formula]:
        """The literals of a disjunction, parts of which may stand in parentheses."""
        while True:
            if self.tokens[self.at] == "(":
                self.at += 1
                self.deeper()
                yield from self.literals()
                self.take(")", "| or )")
                self.depth -= 1
            else:
                yield self.literal()
            if self.tokens[self.at] != "|":
                return
            self.at += 1

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

    def term(self, what: str) -> Term:
        """A variable, constant or function with its arguments."""
        look()
        token = self.tokens[self.at]
        first = token[:1]
        if first in VARIABLE_START:
            if self.free is not None:
                self.free[token] = None
            elif not self.bound.get(token):
                raise self.wrong(
                    f"found the free variable {token}, expected a quantifier that binds it"
                )
            self.at += 1
            return Variable(token)
        if (first in NAME_START and token != "'") or token[:2] == "$$":
            name = self.unquoted(token)
            self.at += 1
            if self.tokens[self.at] != "(":
                return Function(name)
            return Function(name, self.arguments())
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
        self.at += 1
        self.deeper()
        terms = [self.term("a term")]
        while self.tokens[self.at] == ",":
            self.at += 1
            terms.append(self.term("a term"))
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
        case "~|":
            return Not(Or((left, right)))
    return Not(And((left, right)))
