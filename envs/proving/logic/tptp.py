"""Reading problems in TPTP's languages fof and cnf (Sutcliffe 2017, "The TPTP Problem Library").

Names are kept as TPTP writes them: 'a b' and "a b" keep their quotes, 'abc' is abc.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from envs.proving.logic.formula import Problem, Statement
from envs.proving.logic.recursion import deep, look
from envs.proving.logic.tptp_formulas import (
    NAME_START,
    NO_TOKENS,
    Formulas,
    TptpError,
    UnreadableError,
)
from selfplay.system.text import read_text

MOST_FILES = 1000  # that a problem may include
MOST_STATEMENTS = 500_000
MOST_BYTES, MOST_IN_ALL = 1 << 26, 1 << 28  # of a file; of a file with all that it includes

AXIOM_LIKE = ("axiom", "hypothesis", "definition", "assumption", "lemma", "theorem", "corollary")
ROLES = (*AXIOM_LIKE, "conjecture", "negated_conjecture", "plain", "unknown")
QUESTION = "question"  # a conjecture of which the witnesses are wanted too
NOT_READ = {
    "type": "the type of a symbol",
    "logic": "what a modal logic is",
    "interpretation": "an interpretation",
}
OTHER_LANGUAGES = {
    "tff": "typed first-order logic",
    "thf": "higher-order logic",
    "tcf": "typed clauses",
    "tpi": "instructions to TPTP's own tools",
    "txf": "typed first-order logic with tuples",
}


def problem_files(place: Path) -> list[Path]:
    """The file itself, or every .p file below the folder, sorted; ValueError if there is none."""
    if place.is_dir():
        files = sorted(path for path in place.rglob("*.p") if path.is_file())
        if not files:
            raise ValueError(
                f"{place} has no problems: name a folder with TPTP files that end in .p"
            )
        return files
    if not place.exists():
        raise ValueError(
            f"there is no file or folder {place}: name a TPTP file or a folder of them"
        )
    return [place]


@deep
def read_problem(path: Path) -> Problem:
    """The problem of one TPTP file, with the files it includes; raises TptpError."""
    reading = _Reading([path.resolve()])
    parser = _Parser(reading, reading.text(path), str(path), path.parent)
    return parser.problem(path.name.replace("\n", "?").removesuffix(".p"))


@deep
def parse_problem(
    text: str, name: str, folder: Path | None = None, may_include: bool = True
) -> Problem:
    """The problem that a text in TPTP's syntax states; includes are looked up from ``folder``.

    Raises TptpError, which calls the text by ``name``; for an include too, unless it ``may``.
    """
    return _Parser(_Reading([], may_include), text, name, folder).problem(name)


class _Reading:
    """What has been read for one problem so far, so that its files have an end."""

    def __init__(self, within: list[Path], may_include: bool = True) -> None:
        self.may_include = may_include
        self.within = within  # the file that is read now, after those whose includes led there
        self.files = 0
        self.statements = 0
        self.left = MOST_IN_ALL

    def text(self, path: Path) -> str:
        """The text of one more file; TptpError says what keeps it from being read."""
        self.files += 1
        try:
            if path.is_dir():
                raise UnreadableError(
                    f"{path} is a folder: expected one TPTP file, say one of those in it"
                )
            if not path.exists():
                raise UnreadableError(f"there is no file {path}: expected a TPTP file")
            text = read_text(path, limit=min(MOST_BYTES, self.left))
        except OSError as error:
            raise UnreadableError(f"{path} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise UnreadableError(str(error)) from None
        self.left -= len(text)
        return text


class _Parser(Formulas):
    """One text on its way to statements."""

    def __init__(self, reading: _Reading, text: str, file: str, folder: Path | None) -> None:
        super().__init__(text, file)
        self.reading = reading
        self.folder = folder

    def problem(self, name: str) -> Problem:
        statements = tuple(self.statements())
        if not statements:
            raise TptpError(
                f"{self.file} states nothing: expected at least one fof(...) or cnf(...)"
            )
        return Problem(name, statements)

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
        self.reading.statements += 1
        if self.reading.statements > MOST_STATEMENTS:
            raise self.wrong(
                f"found more than {MOST_STATEMENTS:,} statements with what is included, "
                "expected fewer"
            )
        formula = self.whole_formula() if language == "fof" else self.clause()
        if self.tokens[self.at] == ",":
            self.annotations()
        elif self.tokens[self.at] != ")":
            raise self.unexpected("a connective, a comma or )" if language == "fof" else "| or )")
        self.take(")")
        self.take(".", "the full stop after a statement")
        return Statement(name, role, formula, language)

    def statement_name(self) -> str:
        token = self.tokens[self.at]
        named = token[:1] in NAME_START or token.lstrip("+-").isdecimal()
        if not named or token == "'":
            raise self.unexpected("the name of a statement")
        name = self.unquoted(token)
        self.at += 1
        return name

    def role(self) -> str:
        """The role of a statement; what stands after a hyphen only narrows it."""
        role = self.unquoted(self.tokens[self.at])
        if role in NOT_READ or role.startswith("fi_"):
            meaning = NOT_READ.get(role, "a finite interpretation")
            raise self.wrong(f"found the role {role} ({meaning}), which is not read")
        if role not in ROLES and role != QUESTION:
            raise self.unexpected(f"a role ({', '.join(ROLES)})")
        self.at += 1
        if self.took("-"):
            if self.tokens[self.at][:1] not in NAME_START:
                raise self.unexpected("what narrows the role")
            self.at += 1
            if self.took("("):
                self.annotations()
                self.take(")")
        return "conjecture" if role == QUESTION else role

    def annotations(self) -> None:
        """Steps over source and useful info: anything whose brackets match, up to the last )."""
        closing: list[str] = []
        while True:
            look()
            token = self.tokens[self.at]
            if token in ("(", "["):
                closing.append(")" if token == "(" else "]")
            elif token in (")", "]"):
                if not closing and token == ")":
                    return
                if not closing or token != closing.pop():
                    raise self.unexpected("matching brackets")
            elif token in NO_TOKENS:
                raise self.unexpected(closing[-1] if closing else ")")
            self.at += 1

    def include(self) -> Iterator[Statement]:
        """The statements of the file that is named, or those of the names in the list."""
        start = self.at
        if not self.reading.may_include:
            raise self.wrong("found an include, expected fof or cnf: no file is opened from here")
        self.at += 1
        self.take("(")
        quoted = self.tokens[self.at]
        if len(quoted) < 3 or quoted[0] != "'":
            raise self.unexpected("the name of a file in single quotes")
        name_at = self.at
        self.at += 1
        names: dict[str, int] | None = None
        if self.took(",") and not self.took("*"):  # which stands for all of them
            self.take("[", "a list of names in [ ]")
            names = dict(self.separated(",", lambda: (self.statement_name(), self.at - 1)))
            self.take("]", "a comma or ]")
        if self.took(","):  # a name for what is included
            self.statement_name()
        self.take(")")
        self.take(".", "the full stop after an include")
        path = self.included(re.sub(r"\\(.)", r"\1", quoted[1:-1]), name_at)
        if path.resolve() in self.reading.within:
            raise self.wrong(f"found an include of {path}, which is being read already", start)
        if self.reading.files > MOST_FILES:
            raise self.wrong(f"found more than {MOST_FILES:,} includes, expected fewer", start)
        try:
            text = self.reading.text(path)
        except UnreadableError as error:
            raise UnreadableError(f"{self.place(name_at)}: {error}") from None
        self.reading.within.append(path.resolve())
        inner = _Parser(self.reading, text, str(path), path.parent)
        missing = dict(names or {})
        for statement in inner.statements():
            if names is None or statement.name in names:
                missing.pop(statement.name, None)
                yield statement
        self.reading.within.pop()
        for name, token in missing.items():
            raise self.wrong(f"{path} has no statement {name}", token)

    def included(self, name: str, token: int) -> Path:
        """Where an included file lies: below the file's own folder, then below $TPTP."""
        library = os.environ.get("TPTP")
        places = [folder for folder in (self.folder, Path(library) if library else None) if folder]
        for folder in places:
            if (folder / name).exists():
                return folder / name
        looked = " or ".join(str(folder) for folder in places)
        raise UnreadableError(
            f"{self.place(token)}: there is no file {name}{f' in {looked}' if looked else ''}: "
            "set the environment variable TPTP to the folder that includes start from"
        )
