"""Recorded games that a page opens: text that was pasted, and the games of a run."""

from __future__ import annotations

from typing import NamedTuple

from selfplay.data.readers.importer import Broken, Notation, Transcript
from selfplay.data.readers.moves import parse_moves
from selfplay.data.readers.pgn import parse_pgn
from selfplay.data.readers.sgf import parse_sgf
from selfplay.training.folder import find_run
from selfplay.types import Game

MOST_GAMES = 500  # of a text or file
MOST_BYTES = 1 << 22  # of a file of a run
_TEXT = "what was pasted"


class Recorded(NamedTuple):
    """A game as recorded; its moves may still be illegal."""

    where: str  # "line 3"
    actions: tuple[int, ...]


def games_in(text: str, game: Game) -> list[Recorded]:
    """The games of a text in SGF, PGN or lists of moves; ValueError where there is none."""
    start = text.lstrip("\ufeff \t\r\n")
    parse = parse_sgf if start.startswith("(") else parse_pgn if start[:1] == "[" else parse_moves
    notation = Notation(game)
    games: list[Recorded] = []
    complaint = f"{_TEXT} holds no game of {game.name}"
    for told in parse(game, text.encode("utf-8", "replace"), _TEXT):
        try:
            games.append(_recorded(told, notation))
        except ValueError as error:
            # the reason of what is broken begins with its place
            complaint = str(error) if isinstance(told, Broken) else f"{told.where}: {error}"
        if len(games) == MOST_GAMES:
            break
    if not games:
        raise ValueError(complaint)
    return games


def _recorded(told: Transcript | Broken, notation: Notation) -> Recorded:
    if isinstance(told, Broken):
        raise ValueError(told.reason)
    where = told.where.removeprefix(f"{_TEXT}, ")
    return Recorded(where, tuple(notation.actions(told)[0]))


def files_of_run(run: str) -> list[str]:
    """The files of games of a run, newest first."""
    return [path.name for path in reversed(find_run(run).all_games())]


def games_of_run(run: str, file: object, game: Game) -> list[Recorded]:
    """The games in a file of a run, which must be one of ``files_of_run``."""
    paths = {path.name: path for path in find_run(run).all_games()}
    if not isinstance(file, str) or file not in paths:
        raise ValueError(f"the run {run} has no file of games {str(file)[:80]!r}")
    with paths[file].open("rb") as stream:
        content = stream.read(MOST_BYTES)
    return games_in(content.decode("utf-8", "replace"), game)
