"""The tokens of a text in TPTP's syntax, and where in it they stand."""

from __future__ import annotations

import re

from envs.proving.logic.interrupt import look

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
UNCLOSED = {
    "'": "a quote that is not closed on its line",
    '"': "a double quote that is not closed on its line",
    "/": "a slash, or a comment that is not closed",
}
_SHOWN = 60  # characters of a token in a sentence


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
        if not token:
            found = "the end of the text"
        elif token in UNCLOSED:
            found = UNCLOSED[token]
        else:
            found = token if token.isprintable() else repr(token)
            found = found if len(found) <= _SHOWN else f"{found[:_SHOWN]}..."
        return self.wrong(f"found {found}, expected {what}")

    def take(self, token: str, what: str = "") -> None:
        """Steps over the token, which has to be there."""
        if self.tokens[self.at] != token:
            raise self.unexpected(what or token)
        self.at += 1
