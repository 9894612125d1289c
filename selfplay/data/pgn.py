"""PGN: tag pairs and numbered moves, as sites export games of any kind, not of chess alone.

Moves are read by the game's ``parse_action``.  Comments, annotations and variations are passed
over.  A result counts for the player who begins: 1-0 is his win.  Source: the PGN standard
(Edwards 1994), sections 8 and 10; tags that name the game are the sites' own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from selfplay.data.games import Games
from selfplay.data.intake import Broken, Imported, Transcript, import_texts
from selfplay.types import Game

ENDINGS = (".pgn",)
RESULTS = {"1-0": 1.0, "0-1": -1.0, "1/2-1/2": 0.0, "*": np.nan}
OTHER_NAMES = {
    "reversi": "othello",
    "connectfour": "connect4",
    "fourinarow": "connect4",
    "4inarow": "connect4",
}

_TOKEN = re.compile(
    r"""(?P<skip>\s+|;[^\n]*|(?m:^)%[^\n]*|\$\d+|\{[^}]*\})
      | (?P<tag>\[\s*(?P<key>\w+)\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*\])
      | (?P<open>\()
      | (?P<close>\))
      | (?P<result>(?:1-0|0-1|1/2-1/2|\*)(?=[\s;{(\[]|$))
      | (?P<number>\d+\.+)
      | (?P<move>[^\s(){}\[\];$]+)
    """,
    re.VERBOSE,
)
_CHESS = re.compile(
    r"[KQRBN][a-h]?[1-8]?x?[a-h][1-8].*|O-O(-O)?.*|[a-h]x[a-h][1-8].*|[a-h][18]=[QRBN].*"
)


def import_pgn(
    paths: Sequence[Path], game: Game, add: Callable[[Games], None], skip_broken: bool = False
) -> Imported:
    """Gives the games of files, or of all .pgn files in folders, to ``add``.

    A result must agree with the moves of a game played to its end, and decides one that was not.
    Raises ValueError for the first game that is not in order; with ``skip_broken`` these are left
    out and counted.
    """
    return import_texts(paths, ENDINGS, parse_pgn, game, add, skip_broken)


def parse_pgn(game: Game, content: str, name: str) -> Iterator[Transcript | Broken]:
    """The games of a file; what cannot be read ends it."""
    reading = _Reading(game, name)
    depth = at = 0
    line = 1
    while at < len(content):
        token = _TOKEN.match(content, at)
        if token is None:
            yield Broken(f"{name}, line {line}: {_unreadable(content[at])}")
            return
        if depth and token.lastgroup not in ("open", "close", "skip"):
            pass  # of a variation
        elif token["tag"]:
            if reading.moves_began:
                yield reading.finish()
            reading.tag(token["key"].casefold(), token["value"], line)
        elif token["open"] or token["close"]:
            depth += 1 if token["open"] else -1
            if depth < 0:
                yield Broken(f"{name}, line {line}: a variation is closed that was not opened")
                return
        elif token["result"]:
            reading.result(token["result"], line)
            yield reading.finish()
        elif token["move"]:
            reading.move(token["move"], line)
        line += token[0].count("\n")
        at = token.end()
    if depth:
        yield Broken(f"{name}: cut short, a variation is not closed")
    elif reading.moves_began:
        yield reading.finish()
    elif reading.tags_began:
        yield Broken(f"{name}: cut short, the last game has tags and no moves")


class _Reading:
    """The game being read."""

    def __init__(self, game: Game, name: str) -> None:
        self._game, self._name = game, name
        self._clear()

    def _clear(self) -> None:
        self._line = 0  # where the game begins; 0: it has not begun
        self._words: list[str] = []
        self._told: str | None = None  # the result
        self._wrong = ""  # the first thing that is
        self.moves_began = self.tags_began = False

    def tag(self, key: str, value: str, line: int) -> None:
        self._begin(line)
        self.tags_began = True
        if key == "result":
            self.result(value, line)
        elif key in ("variant", "game") and not _same_game(value, self._game):
            self._complain(f"the game is {value!r}; you asked for {self._game.name}")
        elif key == "fen":
            self._complain("the game begins from a set-up position (tag FEN), not from the start")

    def result(self, text: str, line: int) -> None:
        self._begin(line)
        if text not in RESULTS:
            self._complain(f"the result {text!r} is none of {', '.join(RESULTS)}")
        elif self._told is None or self._told == "*":
            self._told = text
        elif text not in (self._told, "*"):
            self._complain(f"the tag tells the result {self._told}, the moves end in {text}")

    def move(self, word: str, line: int) -> None:
        self._begin(line)
        self.moves_began = True
        word = word.rstrip("!?")
        if _CHESS.fullmatch(word) and not _is_chess(self._game):
            self._complain(
                f"{word!r} is a move of chess, which is no game here; you asked for "
                f"{self._game.name}"
            )
        if word:
            self._words.append(word)

    def finish(self) -> Transcript | Broken:
        """The game; the next one begins."""
        where = f"{self._name}, line {self._line}"
        told: Transcript | Broken = Transcript(where, self._words, RESULTS[self._told or "*"])
        if self._wrong:
            told = Broken(f"{where}: {self._wrong}")
        self._clear()
        return told

    def _begin(self, line: int) -> None:
        self._line = self._line or line

    def _complain(self, sentence: str) -> None:
        self._wrong = self._wrong or sentence


def _same_game(value: str, game: Game) -> bool:
    """Whether a tag names the game; its board is told by nothing but its moves."""
    word = re.sub(r"[^a-z0-9]", "", value.casefold())
    return OTHER_NAMES.get(word, word) == game.name.partition("-")[0]


def _is_chess(game: Game) -> bool:
    return "chess" in game.name


def _unreadable(character: str) -> str:
    """What is wrong where no token begins."""
    unclosed = {"{": "a comment is not closed", "[": "a tag pair is not complete"}
    return unclosed.get(character, f"{character!r} cannot be read")
