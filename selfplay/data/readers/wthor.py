"""WTHOR: the French Othello Federation's archive of tournament games, one file a year.

A .wtb file is a header of 16 bytes and 68 bytes a game.  A move is 10 x row + column, a1 is 11;
passes are not written.  Source: "Format de la base WTHOR", www.ffothello.org.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import take
from selfplay.data.readers.importer import (
    Batch,
    Broken,
    Complaints,
    GameImporter,
    Imported,
    Told,
    Transcript,
    files_of,
)
from selfplay.lines.games import Games, first_rows
from selfplay.system.text import read_bytes
from selfplay.types import Game

HEADER = np.dtype(
    [
        ("created", "u1", 4),  # century, year, month, day
        ("games", "<u4"),
        ("records", "<u2"),  # of the files of players and tournaments
        ("year", "<u2"),  # in which the games were played
        ("size", "u1"),  # of the board; 0 means 8
        ("kind", "u1"),
        ("depth", "u1"),  # empties at which the theoretical score holds
        ("reserved", "u1"),
    ]
)
RECORD = np.dtype(
    [
        ("tournament", "<u2"),
        ("black", "<u2"),
        ("white", "<u2"),
        ("discs", "u1"),  # of black in the end; the empty squares count for the winner
        ("theoretical", "u1"),  # the same after perfect play from the header's depth on
        ("moves", "u1", 60),
    ]
)
SQUARES = 64
NAMES = {
    10 * row + column + 1: f"{'abcdefgh'[column]}{row}"
    for row in range(1, 9)
    for column in range(8)
}
ENDINGS = (".wtb",)


def read_wthor(path: Path) -> tuple[int, NDArray[Any]]:
    """The year and the games, [G] of RECORD, of a .wtb (or .wtb.gz) file.

    Raises ValueError when its size is not what its header says, or when its board is not 8 x 8.
    """
    return _games_in(read_bytes(path), str(path))


def parse_wthor(game: Game, content: bytes, name: str) -> Told:
    """The games of a file; raises ValueError as ``read_wthor`` does."""
    return _transcripts(_games_in(content, name)[1], name)


def _transcripts(records: NDArray[Any], name: str) -> Told:
    told = zip(records["moves"].tolist(), records["discs"].tolist(), strict=True)
    for number, (squares, discs) in enumerate(told, start=1):
        yield _transcript(f"{name}, game {number}", squares, discs)


def _games_in(content: bytes, path: str) -> tuple[int, NDArray[Any]]:
    if len(content) < HEADER.itemsize:
        raise ValueError(
            f"{path} is cut short: it has {len(content)} bytes, the header alone has "
            f"{HEADER.itemsize}"
        )
    header = np.frombuffer(content, HEADER, 1)[0]
    if header["size"] not in (0, 8):
        raise ValueError(
            f"{path} holds games on {header['size']} x {header['size']}; only 8 x 8 is read"
        )
    count = int(header["games"])
    expected = HEADER.itemsize + count * RECORD.itemsize
    if len(content) != expected:
        kind = "cut short" if len(content) < expected else "damaged"
        raise ValueError(
            f"{path} is {kind}: its header counts {count:,} games, which take {expected:,} bytes; "
            f"it has {len(content):,}"
        )
    return int(header["year"]), np.frombuffer(content, RECORD, count, HEADER.itemsize)


def import_wthor(
    paths: Sequence[Path], game: Game, add: Callable[[Games], None], skip_broken: bool = False
) -> Imported:
    """Gives the games of .wtb files, and of those in folders, to ``add``, the oldest first.

    The score told is compared with the discs at the end.  Games that stop early (lost on time, or
    the rest was not written down) count by it: the tournament counted it so.
    """
    if (game.name, game.num_actions) != ("othello", SQUARES):
        raise ValueError(
            f"WTHOR files hold othello ({SQUARES} actions); you asked for {game.name} "
            f"({game.num_actions})"
        )
    importer = GameImporter(game, add, skip_broken, wrong_scores)
    years: list[int] = []
    players: set[int] = set()
    for path in files_of(paths, ENDINGS):
        try:
            year, records = read_wthor(path)
        except ValueError as error:
            importer.refuse(str(error))
            continue
        importer.take_in(_transcripts(records, str(path)))
        years.append(year)
        players.update(records["black"].tolist(), records["white"].tolist())
    span = "-".join(str(year) for year in sorted({min(years), max(years)})) if years else ""
    files = f"{len(years)} file{'' if len(years) == 1 else 's'}"
    notes = [f"{files}, games of {len(players):,} players"]
    return importer.imported(f"WTHOR {span}".strip(), notes)


def wrong_scores(game: Game, games: Games, batch: Batch) -> Complaints:
    """The games whose score is told otherwise than the discs say; empties count for the winner."""
    if not len(games.action):  # all games of the batch are left out
        return {}
    last = np.append(first_rows(games.game)[1:], len(games.action)) - 1
    outcome = games.outcome[first_rows(games.game)]
    after, _ = game.step(take(games.state, last), games.action[last].astype(np.int32))
    discs = game.observe(after).planes[:, :2].sum(axis=(2, 3), dtype=np.int32)
    margin = np.sign(outcome) * (SQUARES - 2 * discs.min(axis=1))
    return {
        int(g): f"the score told is {_score(batch.result[g])}, the moves lead to "
        f"{_score(margin[g])}"
        for g in np.flatnonzero(~np.isnan(outcome) & (margin != batch.result))
    }


def _transcript(where: str, squares: list[int], discs: int) -> Transcript | Broken:
    """A game as its bytes tell it; the result is black's margin."""
    if discs > SQUARES:
        return Broken(f"{where}: the score told is {discs} discs of {SQUARES}")
    end = squares.index(0) if 0 in squares else len(squares)
    for ply, square in enumerate(squares):
        if square and square not in NAMES:
            return Broken(f"{where}: move {ply + 1} is {square}, which is no square (11 to 88)")
        if square and ply > end:
            return Broken(f"{where}: move {ply + 1} comes behind the end of the game")
    if not end:
        return Broken(f"{where}: there are no moves")
    return Transcript(where, [NAMES[square] for square in squares[:end]], 2.0 * discs - SQUARES)


def _score(margin: float) -> str:
    """A disc difference as a score: black's discs first."""
    black = int(SQUARES + margin) // 2
    return f"{black}-{SQUARES - black}"
