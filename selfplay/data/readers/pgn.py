"""PGN: tag pairs and numbered moves, as sites export games of any kind, not of chess alone.

Moves are read by the game's ``parse_action``.  Comments, annotations and variations are passed
over.  A result counts for the player who begins: 1-0 is his win.  Source: the PGN standard
(Edwards 1994), sections 8 and 10; tags that name the game are the sites' own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from selfplay.data.readers.importer import (
    Broken,
    GameImporter,
    Imported,
    Notation,
    Told,
    Transcript,
    ending,
    text_of,
    transcript,
)
from selfplay.data.readers.results import UNREAD, is_named, is_pass, looks_like_result, read_result
from selfplay.lines.games import Games
from selfplay.types import Game

ENDINGS = (".pgn",)
# Quantifiers are possessive: what one has taken it never gives back, so reading takes linear time.
_TOKEN = re.compile(
    r"""(?P<skip>\s++|;[^\n]*+|(?m:^)%[^\n]*+|\$\d++|(?m:^)[=_*\#~+-]{4,}+[^\S\n]*+$)
      | (?P<comment>\{)
      | (?P<tag>\[\s*+(?P<key>[^\s"\[\]]++)\s*+"(?P<value>(?:[^"\\\n]|\\[^\n])*+)"\s*+\])
      | (?P<odd>\[[^\S\n]*+(?P<name>[^\s"\[\]]++)[^\S\n]*+"(?P<text>[^\n]*)"[^\S\n]*+\](?=\s|$))
      | (?P<torn>\[[^\n]*+)
      | (?P<open>\()
      | (?P<close>\))
      | (?P<number>(?!0\.5-)\d++[^\S\n]*+(?:[.…][^\S\n]*+)++|(?:[.…][^\S\n]*+)++)
      | (?P<word>[^\s(){}\[\];$.…]++(?:[.][^\s(){}\[\];$.…]++)*+)
    """,
    re.VERBOSE | re.MULTILINE,
)
_TAG_LINE = re.compile(r'^[^\S\n]*+\[\s*+(?P<key>[^\s"\[\]]++)\s*+"', re.MULTILINE)
_EMPTY_LINE = re.compile(r"\n[^\S\n]*+\n")
_SIGN = re.compile(r"[(){;]")
_BRACE = re.compile(r"[{}]")
_NESTED = 2000  # signs behind the first closing brace that may still be of a nested comment
_JUDGEMENT = re.compile(r"[!?+\-=/±∓⩲⩱∞~□#⇆→↑∆⌓⟳⊕N]+")  # of a move, apart from it
_MOST = 100_000  # words of a game, and signs of a word
_CHESS = re.compile(
    r"[KQRBN][a-h]?[1-8]?x?[a-h][1-8].*|O-O(-O)?.*|[a-h]x[a-h][1-8].*|[a-h][18]=[QRBN].*"
)


def import_pgn(
    paths: Sequence[Path], game: Game, add: Callable[[Games], None], skip_broken: bool = False
) -> Imported:
    """Gives the games of files, and of the .pgn files in folders, to ``add``."""
    return GameImporter(game, add, skip_broken).take_in_files(paths, ENDINGS, parse_pgn)


def parse_pgn(game: Game, content: bytes, name: str) -> Told:
    """The games of a file; one that cannot be read ends before the next tag pairs."""
    return _Reader(game, text_of(content, name), name).games()


class _Reader:
    """Reads a file token by token."""

    def __init__(self, game: Game, content: str, name: str) -> None:
        self._content = content
        self._reading = _Reading(game, name)
        self._at = 0
        self._line = 1
        self._beginnings = _beginnings(content)
        self._bound = 0  # where the game being read ends at the latest

    def games(self) -> Told:
        content, reading = self._content, self._reading
        while self._at < len(content):
            token = _TOKEN.match(content, self._at)
            kind = token.lastgroup if token else None
            if token is None:
                self._cut_short(f"{content[self._at]!r} cannot be read")
            elif kind == "close":
                self._cut_short("a variation is closed that was not opened")
            elif kind == "comment":
                self._pass_over(_end_of_comment, "a comment is not closed")
            elif kind == "open":
                self._pass_over(_end_of_variation, "cut short, a variation is not closed")
            else:
                is_tag = kind in ("tag", "odd", "torn")
                if is_tag and reading.ends_before(token["key"] or token["name"] or ""):
                    yield reading.finish()
                if self._take(token):
                    yield reading.finish()
                self._go_to(token.end())
        if reading.began:
            yield reading.finish(at_the_end=True)

    def _take(self, token: re.Match[str]) -> bool:
        """Gives a token to the game being read; whether it was its last."""
        reading = self._reading
        if token["skip"]:
            if _EMPTY_LINE.search(token["skip"]):
                reading.empty_line()
        elif token["tag"]:
            reading.tag(token["key"], re.sub(r"\\(.)", r"\1", token["value"]), self._line)
        elif token["odd"]:
            reading.tag(token["name"], token["text"], self._line)
        elif token["torn"]:
            reading.complain("a tag pair is not complete", self._line)
        elif token["number"]:
            reading.numbers_have_points = True
        elif token["word"]:
            return reading.word(token["word"], self._line)
        return False

    def _go_to(self, at: int) -> None:
        self._line += self._content.count("\n", self._at, at)
        self._at = at

    def _pass_over(self, end_of: Callable[[str, int, int], int], wrong: str) -> None:
        """Goes behind a comment or a variation; one that is not closed ends the game."""
        end = end_of(self._content, self._at, self._next_game())
        if end < 0:
            self._cut_short(wrong)
        else:
            self._go_to(end)

    def _cut_short(self, wrong: str) -> None:
        """Ends the game being read, and goes to the next."""
        self._reading.cut_short(wrong, self._line)
        self._go_to(self._next_game())

    def _next_game(self) -> int:
        """Where tags begin the next game, or the end of the file."""
        while self._bound <= self._at < len(self._content):
            self._bound = next(self._beginnings, len(self._content))
        return self._bound


def _beginnings(content: str) -> Iterator[int]:
    """The tag pairs behind which nothing goes on: Event, and those behind empty lines."""
    for tag in _TAG_LINE.finditer(content):
        line_before = content[content.rfind("\n", 0, max(0, tag.start() - 1)) + 1 : tag.start()]
        if tag["key"].casefold() == "event" or not line_before.strip():
            yield tag.start()


def _end_of_comment(content: str, at: int, bound: int) -> int:
    """Behind the comment that begins at ``at``, or -1.

    By the standard braces do not nest; where they are written so, within a paragraph, they do.
    """
    end = content.find("}", at, bound) + 1
    if not end:
        return -1
    if content.find("{", at + 1, end) < 0:
        return end
    depth = 0
    near = min(bound, end + _NESTED)
    paragraph = _EMPTY_LINE.search(content, end, near)
    for brace in islice(_BRACE.finditer(content, at, paragraph.start() if paragraph else near), 64):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.end()
    return end


def _end_of_variation(content: str, at: int, bound: int) -> int:
    """Behind the variation that begins at ``at``, or -1."""
    depth = 0
    while 0 <= at < bound:
        sign = _SIGN.search(content, at, bound)
        if sign is None:
            return -1
        at = sign.end()
        if sign[0] == "{":
            at = _end_of_comment(content, sign.start(), bound)
        elif sign[0] == ";":
            at = content.find("\n", at, bound)
        else:
            depth += 1 if sign[0] == "(" else -1
            if depth == 0:
                return at
    return -1


class _Reading:
    """The game being read."""

    def __init__(self, game: Game, name: str) -> None:
        self._game, self._name = game, name
        self._notation = Notation(game)
        self._clear()

    def _clear(self) -> None:
        self._line = 0  # where the game begins; 0: it has not begun
        self._words: list[str] = []
        self._told: str | None = None  # the result as written
        self._result: float | None = np.nan  # what that means; None: it is not understood
        self._wrong = ""  # the first thing that is
        self._foreign = ""  # why its moves, if there are any, are of no use here
        self._tags: set[str] = set()
        self._is_over = self._behind_empty_line = False
        self.numbers_have_points = False

    @property
    def began(self) -> bool:
        return bool(self._line)

    def ends_before(self, key: str) -> bool:
        """Whether a tag pair belongs to another game."""
        repeated = key.casefold() in self._tags or self._behind_empty_line
        return self.began and (self._is_over or bool(self._words) or repeated)

    def empty_line(self) -> None:
        self._behind_empty_line = bool(self._tags)

    def tag(self, key: str, value: str, line: int) -> None:
        self._begin(line)
        key = key.casefold()
        self._tags.add(key)
        if key == "result":
            self._tell(value)
        elif key in ("variant", "game") and not is_named(value, self._game):
            self._foreign = (
                self._foreign or f"the game is {value!r}; you asked for {self._game.name}"
            )
        elif key == "fen":
            start = "the game begins from a set-up position (tag FEN), not from the start"
            self._foreign = self._foreign or start

    def word(self, word: str, line: int) -> bool:
        """Takes a move, or passes over what is none; whether a result ends the game."""
        self._begin(line)
        if len(self._words) >= _MOST or len(word) > _MOST:
            self.complain(f"there are more than {_MOST:,} moves, or signs of one", line)
            return False
        if looks_like_result(word) and not self._notation.is_move(word):
            self._tell(word)
            return True
        bare = word if self._notation.is_move(word) else word.rstrip("!?+#")
        if is_pass(word) or self._notation.is_move(bare):
            self._words.append(bare or word)
        elif not _JUDGEMENT.fullmatch(word) and not bare.isdecimal():
            self._strange(re.sub(r"^\d+(?=[^\d])", "", bare))
        elif bare.isdecimal() and self._notation.has_numbers:
            self._words.append(bare)  # no move of this board, nor a number: the game will say so
        return False

    def _strange(self, word: str) -> None:
        """Takes a word that is no move as it stands: one behind its number, or several."""
        if _CHESS.fullmatch(word) and "chess" not in self._game.name:
            self.complain(
                f"{word!r} is a move of chess, which is no game here; you asked for "
                f"{self._game.name}"
            )
        parts = self._notation.split(word)
        are_moves = all(is_pass(part) or self._notation.is_move(part) for part in parts)
        self._words += parts if are_moves and parts else [word]

    def _tell(self, text: str) -> None:
        """Takes note of a result."""
        result = read_result(self._game, text)
        tells = result is not None and not np.isnan(result)
        if self._told is None or (tells and (self._result is None or np.isnan(self._result))):
            self._told, self._result = text, result
        elif tells and result != self._result:
            self.complain(f"the tag tells the result {self._told}, the moves end in {text}")

    def cut_short(self, wrong: str, line: int) -> None:
        self.complain(wrong, line)
        self._is_over = True

    def finish(self, at_the_end: bool = False) -> Transcript | Broken:
        """The game; the next one begins."""
        where = f"{self._name}, line {self._line}"
        if at_the_end and not self._words and self._tags and not self._wrong:
            self.complain("cut short, the last game has tags and no moves")
        told: Transcript | Broken
        if self._words and self._foreign:
            self.complain(self._foreign)
        if self._wrong:
            told = Broken(f"{self._name}, {self._wrong}")
        else:
            unread = UNREAD.format(self._told)
            told = self._numbered(transcript(where, self._words, self._result, unread))
        self._clear()
        return told

    def _numbered(self, told: Transcript) -> Transcript | Broken:
        """The game without the numbers that stand among its moves without points.

        Where a move may be a number itself, whether it is one is seen from the whole game.
        """
        numbers = told.words[::3]
        without = told._replace(words=[word for i, word in enumerate(told.words) if i % 3])
        if self.numbers_have_points or len(numbers) < 2:
            return told
        if numbers != [str(i + 1) for i in range(len(numbers))]:
            return told
        with_them, behind_them = ending(self._game, told), ending(self._game, without)
        if with_them == behind_them and with_them is not None:
            return Broken(
                f"{told.where}: {' '.join(numbers[:3])}... may be moves or their numbers; write "
                f"points behind the numbers"
            )
        return without if behind_them == "played out" or with_them is None else told

    def _begin(self, line: int) -> None:
        self._line = self._line or line

    def complain(self, sentence: str, line: int = 0) -> None:
        """Takes note of the first thing that is wrong, at ``line`` or where the game begins."""
        self._begin(line)
        self._wrong = self._wrong or f"line {line or self._line}: {sentence}"
