"""Data sets being written, and what a killed process leaves of one, which the next takes away.

What is left so is a folder with a lock that nobody keeps, shards, and no manifest.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import leaves, names_of
from selfplay.data import splits
from selfplay.data.dataset import TOLD, Columns, columns_of, open_column, sha256_of
from selfplay.data.manifest import FORMAT, NAME, Manifest, Shard, Source, write_manifest
from selfplay.lines.games import Games, first_rows
from selfplay.lines.keys import canonical_keys, game_keys
from selfplay.system.files import LOCK, locked, refused
from selfplay.types import Game

SHARD_ROWS = 1 << 20
SHARD_BYTES = 1 << 26  # whichever comes first
_SHARD = re.compile(r"\d{5,}")
_COLUMN = re.compile(
    r"(state_\w+|action|outcome|game|ply|second|key|split|policy|scores|stakes)\.npy"  # dataset.py
)
_ASIDE = re.compile(rf"\.{re.escape(NAME)}\.\d+")  # a manifest that was being written


class Writer:
    """Writes games as they come; nothing is a data set before ``close``.

    ``held_out``: canonical keys that are to be in no training data (None: those of the test
    positions that ship for the game).
    Raises ValueError when ``path`` holds something already, or the game cannot be stored.
    """

    def __init__(
        self, path: str | Path, spec: str, game: Game, held_out: NDArray[np.uint64] | None = None
    ) -> None:
        self.path = Path(path)
        _refuse_taken(self.path)
        self.positions = self.games = 0
        self._game, self._spec = game, spec
        self._held_out = splits.held_out_keys(game) if held_out is None else held_out
        columns_of(game)  # refuses games whose states are no arrays of numbers
        self._columns: dict[str, np.dtype[Any]] = {}  # none before the first games
        self._buffer: list[Columns] = []
        self._buffered = 0
        self._rows: list[int] = []  # of each shard
        self._lock = contextlib.ExitStack()  # on the folder, from the first games on

    def add(self, games: Games) -> None:
        """Appends whole games; their numbers go on from those before.

        Raises ValueError when a game has no outcome, or when they tell more or less (TOLD) than
        those before.
        """
        if not len(games.action):
            return
        if not self._columns:
            self._lock.enter_context(locked(self.path, _busy(self.path)))
            _clear(self.path)
            told = [name for name in TOLD if getattr(games, name) is not None]
            self._columns = columns_of(self._game, told)
        if np.isnan(games.outcome).any():
            which = int(games.game[np.isnan(games.outcome).argmax()])
            raise ValueError(f"game {which + 1} has no outcome: it is not over after its last move")
        rows = self._encoded(games)
        if list(rows) != list(self._columns):
            raise ValueError(
                f"these games have the columns {', '.join(rows)}; those before had "
                f"{', '.join(self._columns)}"
            )
        self._buffer.append(
            {name: rows[name].astype(kind.base, copy=False) for name, kind in self._columns.items()}
        )
        self._buffered += len(games.action)
        self.positions += len(games.action)
        self.games += int(games.game[-1]) + 1
        width = sum(kind.itemsize for kind in self._columns.values())
        most = max(1, min(SHARD_ROWS, SHARD_BYTES // width))
        while self._buffered >= most:
            self._flush(most)

    def close(self, source: Source) -> Manifest:
        """Resolves the splits, counts, and writes the manifest.

        Raises ValueError when no position was added.
        """
        if not self._columns:
            raise ValueError(f"there are no positions to write to {self.path}")
        if self._buffered:
            self._flush(self._buffered)
        folders = [self.path / f"{i:05}" for i in range(len(self._rows))]
        mapped = [open_column(folder / "split.npy", "r+") for folder in folders]
        keys = [open_column(folder / "key.npy") for folder in folders]
        unique = splits.resolve(keys, mapped, self._held_out)
        for split in mapped:
            split.flush()
        columns = ("split", "game", "outcome", "second")
        counts = splits.counted(
            ([open_column(folder / f"{column}.npy") for column in columns] for folder in folders),
            unique,
        )
        del mapped, split, keys
        files = [f"{name}.npy" for name in self._columns]
        shards = tuple(
            Shard(folder.name, rows, {file: sha256_of(folder / file) for file in files})
            for folder, rows in zip(folders, self._rows, strict=True)
        )
        game, created = self._game, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        manifest = Manifest(
            FORMAT, self._spec, game.name, game.num_actions, source, counts, shards, created
        )
        write_manifest(self.path, manifest)
        self._unlock()
        return manifest

    def discard(self) -> None:
        """Removes what was written, where the games cannot be completed."""
        if not self._columns:  # nothing was, and the folder may be another process's
            return
        self._unlock()
        for i in range(len(self._rows) + 1):
            shutil.rmtree(self.path / f"{i:05}", ignore_errors=True)
        with contextlib.suppress(OSError):  # there is something else in it, or nothing was written
            self.path.rmdir()

    def _unlock(self) -> None:
        (self.path / LOCK).unlink(missing_ok=True)
        self._lock.close()

    def _encoded(self, games: Games) -> Columns:
        """The rows to write; ``split`` is the game's as yet."""
        start = first_rows(games.game)
        lengths = np.diff(start, append=len(games.game))
        rank = np.arange(len(games.game)) - np.repeat(start, lengths)
        key = canonical_keys(self._game, games.state)
        kept = splits.is_validation(game_keys(self._game, games.action, start, key))
        rows = dict(zip(names_of(games.state, "state"), leaves(games.state), strict=True))
        rows |= {
            "action": games.action,
            "outcome": games.outcome,
            "game": games.game + np.int32(self.games),
            "ply": rank if games.ply is None else games.ply,
            "second": rank % 2 == 1 if games.second is None else games.second,
            "key": key,
            "split": np.repeat(np.where(kept, splits.VALIDATION, splits.TRAIN), lengths),
        }
        expert = {name: getattr(games, name) for name in TOLD}
        return rows | {name: array for name, array in expert.items() if array is not None}

    def _flush(self, count: int) -> None:
        """Writes the first ``count`` buffered rows as a shard."""
        folder = self.path / f"{len(self._rows):05}"
        rest: Columns = {}
        for name in self._columns:
            column = np.concatenate([rows[name] for rows in self._buffer])
            path = folder / f"{name}.npy"
            try:
                folder.mkdir(exist_ok=True)
                np.save(path, column[:count], allow_pickle=False)
            except OSError as error:
                raise refused(path, error) from error
            rest[name] = column[count:].copy()
        self._buffer = [rest]
        self._buffered -= count
        self._rows.append(count)


def _refuse_taken(path: Path) -> None:
    """Raises ValueError when there is something at ``path`` that ``_clear`` may not take away."""
    if not path.exists():
        return
    if not path.is_dir() or not _is_unfinished(path):
        raise ValueError(f"{path} exists already; give another folder with --out, or remove it")
    if any(path.iterdir()):
        with locked(path, _busy(path)):
            pass


def _busy(path: Path) -> str:
    """What is said when another process writes the data set."""
    return f"{path} is being written by another process; give another folder with --out"


def _clear(path: Path) -> None:
    """Takes away what a killed process left, but for the lock, which the caller holds."""
    for entry in path.iterdir():
        if entry.name == LOCK:
            continue
        try:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        except OSError as error:
            raise refused(entry, error) from error


def _is_unfinished(path: Path) -> bool:
    """Whether a folder is empty, or holds a lock and what a writer of data sets puts beside it."""
    entries = list(path.iterdir())
    own = all(
        entry.name == LOCK
        or _ASIDE.fullmatch(entry.name)
        or (
            _SHARD.fullmatch(entry.name)
            and entry.is_dir()
            and all(_COLUMN.fullmatch(file.name) and not file.is_dir() for file in entry.iterdir())
        )
        for entry in entries
    )
    return own and (not entries or (path / LOCK).exists())
