"""Reading problems in TPTP's languages fof and cnf (Sutcliffe 2017, "The TPTP Problem Library").

Names are kept as TPTP writes them: 'a b' and "a b" keep their quotes, 'abc' is abc.  The parser is
written by hand, by recursive descent over the tokens of one regular expression.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from envs.proving.formula import (
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
    Problem,
    Statement,
    Term,
    Variable,
)

ROLES = (
    "axiom",
    "hypothesis",
    "definition",
    "assumption",
    "lemma",
    "theorem",
    "corollary",
    "conjecture",
    "negated_conjecture",
    "plain",
)
OTHER_LANGUAGES = {
    "tff": "typed first-order logic",
    "thf": "higher-order logic",
    "tcf": "typed clauses",
    "tpi": "instructions to TPTP's own tools",
}
DEEPEST = 200  # levels of nesting; Python's stack holds 1,000 calls, some of them the caller's
TOKEN = re.compile(
    r"""(?>\s+|%[^\n]*|/\*.*?\*/)*+    # blanks and comments
    ( [A-Za-z_][A-Za-z0-9_]*
    | [(),&|:\[\].]
    | <=> | <~> | => | <= | != | ~\| | ~& | = | ~ | ! | \?
    | '(?:[^\\'\n]|\\['\\])+'
    | "(?:[^\\"\n]|\\["\\])*"
    | \$\$?[a-z][A-Za-z0-9_]*
    | [+-]?[0-9]+(?:/[0-9]+|(?:\.[0-9]+)?(?:[Ee][+-]?[0-9]+)?)
    | . | \Z )""",
    re.VERBOSE | re.DOTALL,
)
LOWER_WORD = re.compile(r"[a-z][A-Za-z0-9_]*\Z")
NAME_START = frozenset("abcdefghijklmnopqrstuvwxyz'")
VARIABLE_START = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
NUMBER_START = frozenset("0123456789+-")
UNCLOSED = {
    "'": "a quote that is not closed on its line",
    '"': "a double quote that is not closed on its line",
    "/": "a slash, or a comment that is not closed",
}


class TptpError(ValueError):
    """What is wrong with a problem's text, and where, in one sentence."""


def problem_files(place: Path) -> list[Path]:
    """The file itself, or every .p file below the folder, sorted; ValueError if there is none."""
    if place.is_dir():
        found = sorted(path for path in place.rglob("*.p") if path.is_file())
        if not found:
            raise ValueError(
                f"{place} has no problems: name a folder with TPTP files that end in .p"
            )
        return found
    if not place.exists():
        raise ValueError(
            f"there is no file or folder {place}: name a TPTP file or a folder of them"
        )
    return [place]


def read_problem(path: Path) -> Problem:
    """The problem of one TPTP file, with the files it includes; raises TptpError."""
    return _problem(_read(path), path.name.removesuffix(".p"), path.parent, str(path), (path,))


def parse_problem(text: str, name: str, folder: Path | None = None) -> Problem:
    """The problem that a text in TPTP's syntax states; includes are looked up from ``folder``.

    Raises TptpError, which calls the text by ``name``.
    """
    return _problem(text, name, folder, name, ())


def _problem(
    text: str, name: str, folder: Path | None, file: str, reading: tuple[Path, ...]
) -> Problem:
    statements = tuple(_Parser(text, file, folder, reading).statements())
    if not statements:
        raise TptpError(f"{file} states nothing: expected at least one fof(...) or cnf(...)")
    return Problem(name, statements)


def _read(path: Path) -> str:
    """The text of a file; TptpError says what keeps it from being read."""
    if path.is_dir():
        raise TptpError(f"{path} is a folder: expected one TPTP file, say one of those in it")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise TptpError(f"there is no file {path}: expected a TPTP file") from None
    except OSError as error:
        raise TptpError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise TptpError(
            f"{path}, line {line}, column {column}: found the byte 0x{content[error.start]:02x}, "
            "expected text in UTF-8"
        ) from None


class _Parser:
    """One text on its way to statements."""

    def __init__(
        self, text: str, file: str, folder: Path | None, reading: tuple[Path, ...]
    ) -> None:
        self.text = text
        self.file = file
        self.folder = folder
        self.reading = reading  # the files whose includes led here
        self.tokens: list[str] = TOKEN.findall(text)
        self.tokens.append("")
        self.at = 0
        self.depth = 0
        self.bound: list[str] = []  # variables of the quantifiers around the token
        self.free: dict[str, None] | None = None  # of a clause, in order; None: not allowed

    # errors

    def wrong(self, what: str, token: int | None = None) -> TptpError:
        """The error about a token (the current one unless said)."""
        wanted = self.at if token is None else token
        start = len(self.text)
        for index, match in enumerate(TOKEN.finditer(self.text)):
            if index == wanted:
                start = match.start(1)
                break
        line = self.text.count("\n", 0, start) + 1
        column = start - self.text.rfind("\n", 0, start)
        return TptpError(f"{self.file}, line {line}, column {column}: {what}")

    def unexpected(self, what: str) -> TptpError:
        """The error that the current token is not ``what``."""
        token = self.tokens[self.at]
        if not token:
            found = "the end of the text"
        elif token in UNCLOSED:
            found = UNCLOSED[token]
        else:
            found = token if token.isprintable() else repr(token)
        return self.wrong(f"found {found}, expected {what}")

    def take(self, token: str, what: str = "") -> None:
        """Steps over the token, which has to be there."""
        if self.tokens[self.at] != token:
            raise self.unexpected(what or token)
        self.at += 1

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"found more than {DEEPEST} levels of nesting, expected fewer")

    # statements

    def statements(self) -> Iterator[Statement]:
        """Every statement in order, those of included files where they are included."""
        while token := self.tokens[self.at]:
            if token in ("fof", "cnf"):
                yield self.statement(token)
            elif token == "include":
                yield from self.include()
            elif token in OTHER_LANGUAGES:
                raise self.wrong(
                    f"found {token} ({OTHER_LANGUAGES[token]}), expected fof or cnf: "
                    "other languages are not read"
                )
            else:
                raise self.unexpected("fof, cnf or include")

    def statement(self, language: str) -> Statement:
        self.at += 1
        self.take("(")
        name = self.statement_name()
        self.take(",")
        role = self.role()
        self.take(",")
        self.depth, self.bound = 0, []
        if language == "fof":
            self.free = None
            formula = self.formula()
        else:
            formula = self.clause()
        if self.tokens[self.at] == ",":
            self.annotations()
        elif self.tokens[self.at] != ")":
            raise self.unexpected("a connective, a comma or )" if language == "fof" else "| or )")
        self.take(")")
        self.take(".", "the full stop after a statement")
        return Statement(name, role, formula, language)

    def statement_name(self) -> str:
        token = self.tokens[self.at]
        if (token[:1] not in NAME_START and not token[:1].isdigit()) or token == "'":
            raise self.unexpected("the name of a statement")
        self.at += 1
        return _unquoted(token)

    def role(self) -> str:
        role = self.tokens[self.at]
        if role == "type" or role.startswith("fi_"):
            meaning = "the type of a symbol" if role == "type" else "a finite interpretation"
            raise self.wrong(f"found the role {role} ({meaning}), which is not read")
        if role not in ROLES:
            raise self.unexpected(f"a role ({', '.join(ROLES)})")
        self.at += 1
        return role

    def annotations(self) -> None:
        """Steps over source and useful info: anything whose brackets match, up to the last )."""
        closing: list[str] = []
        while True:
            token = self.tokens[self.at]
            if token in ("(", "["):
                closing.append(")" if token == "(" else "]")
            elif token in (")", "]"):
                if not closing and token == ")":
                    return
                if not closing or token != closing.pop():
                    raise self.unexpected("matching brackets")
            elif not token or token in UNCLOSED:
                raise self.unexpected(closing[-1] if closing else ")")
            self.at += 1

    def include(self) -> Iterator[Statement]:
        """The statements of the file that is named, or those of the names in the list."""
        start = self.at
        self.at += 1
        self.take("(")
        quoted = self.tokens[self.at]
        if len(quoted) < 3 or quoted[0] != "'":
            raise self.unexpected("the name of a file in single quotes")
        name_at = self.at
        self.at += 1
        names: dict[str, int] | None = None
        if self.tokens[self.at] == ",":
            self.at += 1
            names = self.names()
        self.take(")")
        self.take(".", "the full stop after an include")
        path = self.included(re.sub(r"\\(.)", r"\1", quoted[1:-1]), name_at)
        if any(path.samefile(other) for other in self.reading):
            raise self.wrong(f"found an include of {path}, which is being read already", start)
        inner = _Parser(_read(path), str(path), path.parent, (*self.reading, path))
        missing = dict(names or {})
        for statement in inner.statements():
            if names is None or statement.name in names:
                missing.pop(statement.name, None)
                yield statement
        for name, token in missing.items():
            raise self.wrong(f"{path} has no statement {name}", token)

    def names(self) -> dict[str, int]:
        """The names in a bracketed list, with the tokens they stand at."""
        self.take("[", "a list of names in [ ]")
        found: dict[str, int] = {}
        while True:
            at = self.at
            found[self.statement_name()] = at
            if self.tokens[self.at] != ",":
                break
            self.at += 1
        self.take("]", "a comma or ]")
        return found

    def included(self, name: str, token: int) -> Path:
        """Where an included file lies: below the file's own folder, then below $TPTP."""
        library = os.environ.get("TPTP")
        places = [folder for folder in (self.folder, Path(library) if library else None) if folder]
        for folder in places:
            if (folder / name).is_file():
                return folder / name
        looked = " or ".join(str(folder) for folder in places)
        raise self.wrong(
            f"there is no file {name}{f' in {looked}' if looked else ''}: "
            "set the environment variable TPTP to the folder that includes start from",
            token,
        )

    # formulas

    def formula(self) -> Formula:
        """A formula with binary connectives; stops at the token that cannot go on with it."""
        first = self.unit()
        operator = self.tokens[self.at]
        if operator in ("&", "|"):
            parts = [first]
            while self.tokens[self.at] == operator:
                self.at += 1
                parts.append(self.unit())
            if self.tokens[self.at] in ("&", "|"):
                raise self.wrong(
                    f"found {self.tokens[self.at]} after {operator}, expected parentheses: "
                    "& and | have no order of precedence"
                )
            whole: Formula = And(tuple(parts)) if operator == "&" else Or(tuple(parts))
        elif operator in ("=>", "<=", "<=>", "<~>", "~|", "~&"):
            self.at += 1
            whole = _binary(operator, first, self.unit())
        else:
            return first
        if self.tokens[self.at] in ("&", "|", "=>", "<=", "<=>", "<~>", "~|", "~&"):
            raise self.wrong(
                f"found {self.tokens[self.at]} after {operator}, expected parentheses: "
                "connectives have no order of precedence"
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
        self.bound.extend(variables)
        body = self.unit()
        del self.bound[len(self.bound) - len(variables) :]
        names = tuple(dict.fromkeys(variables))
        return Forall(names, body) if quantifier == "!" else Exists(names, body)

    def atom(self) -> Formula:
        """An atom, an equation or a negated equation, $true or $false."""
        token = self.tokens[self.at]
        if token[:1] == "$" and token[1:2] != "$":
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

    def clause(self) -> Formula:
        """The universal closure of a disjunction of literals, which may stand in parentheses."""
        self.free = {}
        bracketed = self.tokens[self.at] == "("
        if bracketed:
            self.at += 1
        literals = [self.literal()]
        while self.tokens[self.at] == "|":
            self.at += 1
            literals.append(self.literal())
        if bracketed:
            self.take(")", "| or )")
        literals = [literal for literal in literals if literal != Or(())]
        disjunction = literals[0] if len(literals) == 1 else Or(tuple(literals))
        return Forall(tuple(self.free), disjunction) if self.free else disjunction

    def literal(self) -> Formula:
        if self.tokens[self.at] in ("(", "!", "?"):
            raise self.unexpected("a literal: a clause is a disjunction of atoms and negated atoms")
        if self.tokens[self.at] == "~":
            self.at += 1
            return Not(self.atom())
        return self.atom()

    # terms

    def term(self, what: str) -> Term:
        """A variable, constant or function with its arguments."""
        token = self.tokens[self.at]
        first = token[:1]
        if first in VARIABLE_START:
            if self.free is not None:
                self.free[token] = None
            elif token not in self.bound:
                raise self.wrong(
                    f"found the free variable {token}, expected a quantifier that binds it"
                )
            self.at += 1
            return Variable(token)
        if (first in NAME_START and token != "'") or token[:2] == "$$":
            self.at += 1
            name = _unquoted(token)
            if self.tokens[self.at] != "(":
                return Function(name)
            return Function(name, self.arguments())
        if (first in NUMBER_START and token not in ("+", "-")) or (first == '"' and len(token) > 1):
            self.at += 1
            return Function(token)
        raise self.unexpected(what)

    def arguments(self) -> tuple[Term, ...]:
        self.at += 1
        self.deeper()
        found = [self.term("a term")]
        while self.tokens[self.at] == ",":
            self.at += 1
            found.append(self.term("a term"))
        self.take(")", "a comma or )")
        self.depth -= 1
        return tuple(found)


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


def _unquoted(name: str) -> str:
    """The name without quotes where TPTP needs none."""
    if name[0] == "'" and LOWER_WORD.match(name[1:-1]):
        return name[1:-1]
    return name
