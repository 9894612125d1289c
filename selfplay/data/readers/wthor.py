"""WTHOR: the French Othello Federation's archive of tournament games, one file a year.

A .wtb file is a header of 16 bytes and 68 bytes a game.  A move is 10 x row + column, a1 is 11;
passes are not written.  Source: "Format de la base WTHOR", www.ffothello.org.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import take
from selfplay.data.readers.intake import (
    BATCH,
    Batch,
    Complaints,
    Imported,
    Intake,
    files_of,
)
from selfplay.lines.games import Games, first_rows
from selfplay.lines.openings import NO_MOVE
from selfplay.system.text import read_bytes
from selfplay.types import Game, Int

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
ENDINGS = (".wtb",)


class WthorFile(NamedTuple):
    """The games of one file, not yet replayed."""

    year: int
    moves: Int  # [G, 60] i32, actions: row * 8 + column from a1; NO_MOVE behind the end
    discs: NDArray[np.uint8]  # [G] u8, of black in the end
    players: NDArray[np.uint16]  # [G, 2] u16, the numbers of black and white in WTHOR.JOU
    unreadable: Complaints  # the games whose bytes are no moves


def read_wthor(path: Path) -> WthorFile:
    """The games of a .wtb (or .wtb.gz) file.

    Raises ValueError when its size is not what its header says, or when its board is not 8 x 8.
    """
    content = read_bytes(path)
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
    records = np.frombuffer(content, RECORD, count, HEADER.itemsize)
    moves, unreadable = _actions(records["moves"])
    for g in np.flatnonzero(records["discs"] > SQUARES):
        unreadable[int(g)] = f"the score told is {records['discs'][g]} discs of {SQUARES}"
    players = np.stack([records["black"], records["white"]], axis=1)
    return WthorFile(int(header["year"]), moves, records["discs"], players, unreadable)


def import_wthor(
    paths: Sequence[Path], game: Game, add: Callable[[Games], None], skip_broken: bool = False
) -> Imported:
    """Gives the games of .wtb files, or of all in a folder, to ``add``, the oldest first.

    Every move is replayed, and the score told is compared with the discs at the end.  Games that
    stop early (lost on time, or the rest was not written down) count by the score told: the
    tournament counted it so.  Raises ValueError for the first file or game that is not in order;
    with ``skip_broken`` these are left out, counted and named in the notes.
    """
    if (game.name, game.num_actions) != ("othello", SQUARES):
        raise ValueError(
            f"WTHOR files hold othello ({SQUARES} actions); you asked for {game.name} "
            f"({game.num_actions})"
        )
    intake = Intake(game, add, skip_broken, wrong_scores)
    years: list[int] = []
    players: set[int] = set()
    for path in files_of(paths, ENDINGS):
        try:
            file = read_wthor(path)
        except ValueError as error:
            intake.refuse(str(error))
            continue
        for start in range(0, len(file.moves), BATCH):
            intake.take_in(*_part(path, file, start))
        years.append(file.year)
        players.update(np.unique(file.players).tolist())
    span = "-".join(str(year) for year in sorted({min(years), max(years)})) if years else ""
    files = f"{len(years)} file{'' if len(years) == 1 else 's'}"
    return intake.imported(f"WTHOR {span}".strip(), [f"{files}, games of {len(players):,} players"])


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


def _part(path: Path, file: WthorFile, start: int) -> tuple[Batch, Complaints]:
    """BATCH games of a file from ``start`` on, and which of them are unreadable."""
    rows = slice(start, start + BATCH)
    moves = file.moves[rows]
    margin = 2 * file.discs[rows].astype(np.float32) - SQUARES
    where = [f"{path}, game {start + g + 1}" for g in range(len(moves))]
    untold = np.full(moves.shape, -1, np.int8)
    complaints = {
        g - start: why for g, why in file.unreadable.items() if 0 <= g - start < len(moves)
    }
    return Batch(where, moves, margin, untold), complaints


def _actions(squares: NDArray[np.uint8]) -> tuple[Int, Complaints]:
    """[G, 60] i32 actions of the bytes of G games, and what is wrong with some of them."""
    row, column = squares // 10, squares % 10
    none = squares == 0
    known = (row >= 1) & (row <= 8) & (column >= 1) & (column <= 8)
    behind = np.logical_or.accumulate(none, axis=1)
    wrong = ~none & (~known | behind)
    moves = np.where(none | wrong, NO_MOVE, (row.astype(np.int32) - 1) * 8 + column - 1)
    complaints: Complaints = {}
    for g in np.flatnonzero(wrong.any(axis=1)):
        ply = int(wrong[g].argmax())
        byte = int(squares[g, ply])
        complaints[int(g)] = (
            f"move {ply + 1} comes behind the end of the game"
            if known[g, ply]
            else f"move {ply + 1} is {byte}, which is no square (11 to 88)"
        )
    return moves.astype(np.int32), complaints


def _score(margin: float) -> str:
    """A disc difference as a score: black's discs first."""
    black = int(SQUARES + margin) // 2
    return f"{black}-{SQUARES - black}"
