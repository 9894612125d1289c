"""What an importer handed on, for tests of importers."""

from __future__ import annotations

from pathlib import Path

from examples import example

from selfplay.data.readers.moves import import_moves
from selfplay.data.readers.pgn import import_pgn
from selfplay.data.readers.sgf import import_sgf
from selfplay.lines.games import Games, first_rows

_IMPORTERS = {".txt": import_moves, ".pgn": import_pgn, ".sgf": import_sgf}


class Taken:
    """Keeps what an importer hands on; the games are told as plain lists."""

    def __init__(self) -> None:
        self.parts: list[Games] = []

    def add(self, games: Games) -> None:
        self.parts.append(games)

    def lines(self) -> list[list[int]]:
        """The actions of each game."""
        return [
            part.action[part.game == g].tolist()
            for part in self.parts
            for g in range(int(part.game[-1]) + 1)
        ]

    def outcomes(self) -> list[float]:
        """Of each game, for the player who began."""
        return [
            float(value) for part in self.parts for value in part.outcome[first_rows(part.game)]
        ]


def othello(path: Path, content: bytes, skip: bool = False) -> tuple[list[list[str]], list[float]]:
    """The moves of the games of Othello in a file of that content, and who won each."""
    game, taken = example("othello"), Taken()
    path.write_bytes(content)
    _IMPORTERS[path.suffix]([path], game, taken.add, skip)
    return [[game.action_name(a) for a in line] for line in taken.lines()], taken.outcomes()


def numbered(form: str, points: list[str] | None = None) -> str:
    """The moves of POINTS in pairs; ``form`` says how a pair is written with its number."""
    points = points or POINTS
    pairs = zip(points[::2], points[1::2], strict=True)
    return " ".join(form.format(n, a, b) for n, (a, b) in enumerate(pairs, start=1))


# an Othello game of 60 moves that Black wins with 35 discs to 29; below, one with a pass
WHOLE = (
    "f5d6c5f4e3c6d3f6e6d7g4g3g6h3g5h4e7f7h5h6e8f3c4c7d8c8b8b4b6b5a4a5a6e2a3d2d1c1b1c2c3b2f2f1a1b3"
    "e1a2g1g2h1h2h7g7h8b7a8a7f8g8"
)
POINTS = [WHOLE[i : i + 2] for i in range(0, len(WHOLE), 2)]
PASSED = (
    "f5f6d3g5e6c5d6e3g6d2c3d7h4f4e1c1c2b2b1g7e2h5e7f2f3c4g1f8a2f7e8h6b3a3c7h3b6c6b7a1h8a7d8g3g4g8"
    "h2d1b5a5g2c8a6f1h7b4b8a8h1"  # White passes, Black plays a4 and wins by 2
)
