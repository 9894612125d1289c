"""The game records that another program may name: SGF, in the folder the engine was started in."""

from __future__ import annotations

from pathlib import Path

from selfplay.data.readers.importer import Broken
from selfplay.data.readers.results import is_pass
from selfplay.data.readers.sgf import ENDINGS, parse_sgf
from selfplay.engines.standard import LoadMoves
from selfplay.system.text import read_bytes
from selfplay.types import Game

LIMIT = 1 << 20  # bytes


def sgf_moves(game: Game) -> LoadMoves | None:
    """Reads the moves of the first game of a file, passes left out; None where SGF has no such
    game.

    What it gives raises ValueError for files of other kinds or outside of the present folder.
    """
    if game.name.partition("-")[0] != "othello":
        return None
    folder = Path.cwd().resolve()

    def load(path: Path) -> list[str]:
        file = (folder / path).resolve()
        if not file.is_relative_to(folder) or file.suffix.lower() not in ENDINGS:
            raise ValueError(f"{path} is no .sgf file within {folder}")
        if not file.is_file():
            raise ValueError(f"there is no file {path}")
        for told in parse_sgf(game, read_bytes(file, LIMIT), file.name):
            if isinstance(told, Broken):
                raise ValueError(told.reason)
            return [word for word in told.words if not is_pass(word)]
        raise ValueError(f"{path} holds no game")

    return load
