"""Plain move lists: a line a game, in the game's own notation.

As in position files: moves stand side by side where all names of actions have one length, else
spaces or commas part them.  ``#`` begins a comment, so the ``games/*.txt`` of a run can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from selfplay.data.games import Games
from selfplay.data.intake import Broken, Imported, Notation, Transcript, import_texts
from selfplay.types import Game

ENDINGS = (".txt", ".moves")


def import_moves(
    paths: Sequence[Path], game: Game, add: Callable[[Games], None], skip_broken: bool = False
) -> Imported:
    """Gives the games of files, or of all .txt files in folders, to ``add``.

    A line tells no result, so every game must be played to its end.  Raises ValueError for the
    first that is not in order; with ``skip_broken`` these are left out and counted.
    """
    return import_texts(paths, ENDINGS, parse_moves_file, game, add, skip_broken)


def parse_moves_file(game: Game, content: str, name: str) -> Iterator[Transcript | Broken]:
    """The games of a file's lines."""
    notation = Notation(game)
    for number, line in enumerate(content.splitlines(), start=1):
        words = notation.split(line.partition("#")[0])
        if words:
            yield Transcript(f"{name}, line {number}", words)
