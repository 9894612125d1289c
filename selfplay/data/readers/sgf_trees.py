"""The game trees of an SGF file, read as bytes: each tree may declare an encoding of its own.

In Shift-JIS, Big5 and GBK a byte that is the second of a letter may look like the end of a value,
so that a tree can be cut into values only by its encoding.  It stands in the tree, as CA, wherever
in the root; it counts if the root, read by it, says so.  A tree without CA is UTF-8, else Latin-1;
where these leave no whole tree, one of the encodings named.
Source: red-bean.com/sgf, "SGF FF[4]".
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from selfplay.data.readers.importer import Broken
from selfplay.system.text import codec_of

# the letters of more than one byte that hold bytes of ASCII, by codec
_LETTERS = {
    "cp932": rb"[\x81-\x9f\xe0-\xfc].",
    "big5hkscs": rb"[\x81-\xfe].",
    "cp950": rb"[\x81-\xfe].",
    "gb18030": rb"[\x81-\xfe].",
    "cp949": rb"[\x81-\xfe].",
    "johab": rb"[\x84-\xf9].",
    "iso2022_jp_2": rb"\x1b\$\(?[@-D][^\x1b]*+",
    "iso2022_kr": rb"\x0e[^\x0f]*+",
    "hz": rb"~\{(?:[^~]++|~[^}])*+~\}",
}
_SEVEN_BITS = ("iso2022_jp_2", "iso2022_kr", "hz")  # look like ASCII, so like UTF-8
_GUESSES = ("cp932", "gb18030", "big5hkscs")
_CANDIDATES = 8  # declarations of a tree that are looked at, since some stand in comments
_MOST = 100_000  # properties that tell the game, their values, and trees in one another
_STEPS = 4096  # of a value read in one go: bounds what a match remembers

_SPACE = rb"(?:[\s\x1a\xa0\0]|\xc2\xa0|\xef\xbb\xbf)"
_TOKEN = re.compile(
    rb"(?P<skip>" + _SPACE + rb"++)|(?P<mark>[();])|(?P<name>[A-Za-z]++)|(?P<value>\[)"
)
_START = re.compile(rb"\(\s*+;?\s*+(?=[A-Z][A-Za-z]*+\s*+\[)")
_ROOT = re.compile(rb"\(\s*+;\s*+(?:GM|GaMe|FF|FileFormat|CA)\s*+\[")  # never of a variation
_DECLARED = re.compile(rb"(?<![A-Za-z])CA\s*+\[\s*+([^\]\[\\]{0,40}+)\]")
_OUTSIDE = re.compile(rb";\s*+(?:B|W|GM|FF)\s*+\[")  # of a tree that lost its beginning
# an escaped end of a value behind which no value goes on, so that nothing was escaped
_NO_ESCAPE = re.compile(rb"[\x81-\xfe]\\\]\s*+(?:[;()\[]|[A-Z]{1,2}\s*+\[)")
_KEPT = frozenset(("GM", "SZ", "RE", "B", "W", "AB", "AW", "AE"))


class Property(NamedTuple):
    """A property of a node with its values, escapes resolved."""

    name: str  # capitals only: FF[3] may write "White" for "W"
    values: list[str]


class Tree(NamedTuple):
    """The main line of one game tree."""

    line: int  # where it begins
    properties: list[Property]  # of its nodes, in order; those that tell the game
    end: int  # the byte behind it
    doubt: str = ""  # what is wrong, if the game may be whole all the same


class _Damage(ValueError):
    """A tree cannot be read on; ``at`` is the byte."""

    def __init__(self, sentence: str, at: int) -> None:
        super().__init__(sentence)
        self.at = at


def main_lines(content: bytes) -> Iterator[Tree | Broken]:
    """The main lines of the trees of a file; text around them, as of letters, is passed over."""
    return _File(content).trees()


class _File:
    """The trees of a file, one after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._declarations = _DECLARED.finditer(self._content)
        self._coming: deque[re.Match[bytes]] = deque()  # the next few of them
        self._is_utf8 = _text(self._content, "utf-8") is not None
        self._counted = 0  # lines before this byte are ``_line``
        self._line = 1

    def trees(self) -> Iterator[Tree | Broken]:
        content, at, found = self._content, 0, False
        while start := _START.search(content, at):
            yield from self._between(at, start.start())
            found = True
            try:
                tree = self._tree(start.start())
            except _Damage as damage:
                yield Broken(f"line {self._line_of(damage.at)}: {damage}")
                behind = _ROOT.search(content, max(damage.at, start.end()))
                if behind is None:
                    return
                at = behind.start()
            else:
                at = tree.end
                yield tree
        if not found and not _OUTSIDE.search(content, at):
            yield Broken("line 1: there is no game tree, which begins with '(;'")
        yield from self._between(at, len(content))

    def _between(self, at: int, end: int) -> Iterator[Broken]:
        """What is broken before the next tree: text is passed over, nodes are not."""
        lost = _OUTSIDE.search(self._content, at, end)
        if lost:
            yield Broken(f"line {self._line_of(lost.start())}: a node stands outside of a tree")

    def _tree(self, at: int) -> Tree:
        """The tree that begins at ``at``, by the first encoding that reads it; raises _Damage."""
        line = self._line_of(at)
        damages: list[_Damage] = []
        for codec in self._encodings(at):
            try:
                return _Reading(self._content, codec).tree(at, line)
            except _Damage as damage:
                damages.append(damage)
        raise damages[0]

    def _encodings(self, at: int) -> list[str]:
        """The codecs to try for the tree at ``at``; "" is UTF-8, else Latin-1."""
        declared = self._declared_at(at)
        if self._is_utf8:
            return [declared] if declared in _SEVEN_BITS else [""]
        if declared is not None:
            return [declared, ""]
        behind = _ROOT.search(self._content, at + 1)
        part = self._content[at : behind.start() if behind else len(self._content)]
        guesses = [codec for codec in _GUESSES if not part.isascii() and _fits(part, codec)]
        return [*guesses, ""] if _NO_ESCAPE.search(part) else ["", *guesses]

    def _declared_at(self, at: int) -> str | None:
        """The codec that the root of the tree at ``at`` declares, or None."""
        while self._coming and self._coming[0].start() < at:
            self._coming.popleft()
        while len(self._coming) < _CANDIDATES and (found := next(self._declarations, None)):
            if found.start() >= at:
                self._coming.append(found)
        for match in self._coming:
            codec = codec_of(match[1].decode("latin-1")) or ""
            if _Reading(self._content, codec).root_declares(at, match.end()):
                return codec
        return None

    def _line_of(self, at: int) -> int:
        """The line of a byte; they come in ascending order, but for a few."""
        if at < self._counted:
            return self._line - self._content.count(b"\n", at, self._counted)
        self._line += self._content.count(b"\n", self._counted, at)
        self._counted = at
        return self._line


class _Reading:
    """Reads trees by one encoding."""

    def __init__(self, content: bytes, codec: str) -> None:
        self._content, self._codec = content, codec
        letters = _LETTERS.get(codec)
        if letters is None:
            plain, escaped = rb"[^\]\\]++", rb"\\."
        else:
            plain = rb"[^\]\\\x0e\x1b~\x81-\xfe]++|(?:" + letters + rb")|[^\]\\]"
            escaped = rb"\\(?:(?:" + letters + rb")|.)"
        self._steps = re.compile(
            rb"(?:" + plain + rb"|" + escaped + rb"){1,%d}+" % _STEPS, re.DOTALL
        )

    def tree(self, at: int, line: int) -> Tree:
        """The main line of the tree at ``at``; raises _Damage."""
        content = self._content
        properties: list[Property] = []
        branches: list[int] = []  # for each open tree, how many variations it has so far
        aside = 0  # so many of the open trees, the innermost, are not of the main line
        kept: Property | None = None
        values = 0
        while at < len(content):
            token = _TOKEN.match(content, at)
            if token is None:
                raise _Damage(f"{self._decoded(content[at : at + 1])!r} is misplaced", at)
            at = token.end()
            if max(values, len(properties), len(branches)) > _MOST:
                raise _Damage("the tree is too large for a game", at)
            if token["mark"] == b"(":
                if branches and _ROOT.match(content, token.start()):
                    at = token.start()
                    break
                if branches:
                    aside += bool(aside or branches[-1])
                    branches[-1] += 1
                branches.append(0)
            elif token["mark"] == b")":
                branches.pop()
                aside = max(0, aside - 1)
                if not branches:
                    return Tree(line, properties, at)
            elif token["name"]:
                name = re.sub(rb"[a-z]", b"", token["name"]).decode()
                kept = Property(name, [])
                if not aside and name in _KEPT:
                    properties.append(kept)
            elif token["value"]:
                at, value = self._value(token.start())
                if kept is None:
                    raise _Damage("a value stands before the first property", token.start())
                if not aside and kept.name in _KEPT:
                    kept.values.append(_unescape(self._decoded(value)))
                    values += 1
        return Tree(line, properties, at, "cut short, the game tree is not closed")

    def root_declares(self, at: int, end: int) -> bool:
        """Whether the root of the tree at ``at`` has a value of CA that ends at ``end``."""
        nodes, name = 0, b""
        while at < end and (token := _TOKEN.match(self._content, at)):
            at = token.end()
            nodes += token["mark"] == b";"
            if nodes > 1 or token["mark"] == b")":
                return False
            if token["name"]:
                name = token["name"]
            elif token["value"]:
                try:
                    at, _ = self._value(token.start())
                except _Damage:
                    return False
                if at == end:
                    return name == b"CA"
        return False

    def _value(self, at: int) -> tuple[int, bytes]:
        """The byte behind the value that begins with the bracket at ``at``, and what is in it."""
        end = at + 1
        while steps := self._steps.match(self._content, end):
            end = steps.end()
        if self._content[end : end + 1] != b"]":
            raise _Damage("a value is not closed", at)
        return end + 1, self._content[at + 1 : end]

    def _decoded(self, value: bytes) -> str:
        """Never fails: a value may be cut within a letter."""
        if self._codec:
            return value.decode(self._codec, "replace")
        text = _text(value, "utf-8")
        return value.decode("latin-1") if text is None else text


def _text(content: bytes, codec: str) -> str | None:
    """The bytes as text; None where they are not of the encoding."""
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        return None


def _fits(content: bytes, codec: str) -> bool:
    """Whether the bytes are of the encoding, and no end of a value is escaped for nothing."""
    text = _text(content, codec)
    escaped = r"[^\x00-\x7f]\\\]\s*+(?:[;()\[]|[A-Z]{1,2}\s*+\[)"
    return text is not None and not re.search(escaped, text)


def _unescape(value: str) -> str:
    """A value without its backslashes; one before a line's end joins the lines."""
    return re.sub(r"\\(.)", lambda match: match[1].strip("\n"), value, flags=re.DOTALL)
