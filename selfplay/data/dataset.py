"""Data sets on disk: a folder of shards, each with one .npy file a column::

    manifest.json              written last: a folder without it is half written
    00000/ 00001/ ...          state_FIELD.npy ...  action outcome game ply second key split
                               and, where the expert tells them, policy and scores

Columns are memory-mapped, so that a set may be larger than memory; ``Writer`` keeps one shard.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import leaves, names_of, tree_map
from selfplay.data import splits
from selfplay.data.columns import (
    Column,
    Columns,
    check_ranges,
    columns_of,
    map_columns,
    open_column,
    sha256_of,
)
from selfplay.data.manifest import (
    FORMAT,
    Manifest,
    Shard,
    Source,
    read_manifest,
    write_manifest,
)
from selfplay.data.unfinished import busy, clear, refuse_taken
from selfplay.lines.games import Games, first_rows
from selfplay.lines.keys import canonical_keys, game_keys
from selfplay.system.files import refused
from selfplay.system.lock import LOCK, locked
from selfplay.types import Game, State

SHARD_ROWS = 1 << 20
SHARD_BYTES = 1 << 26  # whichever comes first
_READABLE = ("train", "validation", "held_out")


class Writer:
    """Writes games as they come; nothing is a data set before ``close``.

    ``held_out``: canonical keys that are to be in no training data (None: those of the test
    positions that ship for the game).  ``validation``: the share of games kept to check on.
    Raises ValueError when ``path`` holds something already.
    """

    def __init__(
        self,
        path: str | Path,
        spec: str,
        game: Game,
        source: Source,
        held_out: NDArray[np.uint64] | None = None,
        validation: float = splits.VALIDATION_SHARE,
    ) -> None:
        if not 0 <= validation < 1:
            raise ValueError(f"the share for validation is {validation}; it must be 0 to below 1")
        self.path = Path(path)
        refuse_taken(self.path)
        self.positions = 0
        self.games = 0
        self._game, self._spec, self._source = game, spec, source
        self._held_out = splits.held_out_keys(game) if held_out is None else held_out
        self._validation = validation
        self._columns: dict[str, Column] | None = None
        self._buffer: list[Columns] = []
        self._buffered = 0
        self._rows: list[int] = []  # of each shard
        self._lock = contextlib.ExitStack()  # on the folder, from the first games on

    def add(self, games: Games) -> None:
        """Appends whole games; their numbers go on from those before.

        Raises ValueError when a game has no outcome, or when they tell more or less (policy,
        scores) than those before.
        """
        if not len(games.action):
            return
        if self._columns is None:
            self._lock.enter_context(locked(self.path, busy(self.path)))
            clear(self.path)
            self._columns = columns_of(
                self._game, games.policy is not None, games.scores is not None
            )
        if np.isnan(games.outcome).any():
            which = int(games.game[np.isnan(games.outcome).argmax()])
            raise ValueError(f"game {which + 1} has no outcome: it is not over after its last move")
        rows = self._encoded(games)
        if list(rows) != list(self._columns):
            raise ValueError(
                f"these games have the columns {', '.join(rows)}; those before had "
                f"{', '.join(self._columns)}"
            )
        self._buffer.append(rows)
        self._buffered += len(games.action)
        self.positions += len(games.action)
        self.games += int(games.game[-1]) + 1
        while self._buffered >= self._shard_rows():
            self._flush(self._shard_rows())

    def close(self, source: Source | None = None) -> Manifest:
        """Resolves the splits, counts, and writes the manifest; ``source`` replaces the first.

        Raises ValueError when no position was added.
        """
        if self._columns is None:
            raise ValueError(f"there are no positions to write to {self.path}")
        if self._buffered:
            self._flush(self._buffered)
        folders = [self.path / f"{i:05}" for i in range(len(self._rows))]
        mapped = [open_column(folder / "split.npy", "r+") for folder in folders]
        keys = [open_column(folder / "key.npy") for folder in folders]
        unique = splits.resolve(keys, mapped, self._held_out)
        tally = splits.Tally()
        for folder, split in zip(folders, mapped, strict=True):
            split.flush()
            game, outcome, second = (
                open_column(folder / f"{column}.npy") for column in ("game", "outcome", "second")
            )
            tally.add(split, game, outcome, second)
        del mapped, split, keys
        shards = tuple(
            Shard(
                folder.name,
                rows,
                {f"{c}.npy": sha256_of(folder / f"{c}.npy") for c in self._columns},
            )
            for folder, rows in zip(folders, self._rows, strict=True)
        )
        manifest = Manifest(
            FORMAT,
            self._spec,
            self._game.name,
            self._game.num_actions,
            source or self._source,
            tally.counts(unique),
            shards,
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        )
        write_manifest(self.path, manifest)
        self._unlock()
        return manifest

    def discard(self) -> None:
        """Removes what was written, where the games cannot be completed."""
        if self._columns is None:  # nothing was, and the folder may be another process's
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
        """The rows to write, in the types of the columns; ``split`` is the game's as yet."""
        assert self._columns is not None
        number = games.game
        start = first_rows(number)
        lengths = np.diff(start, append=len(number))
        rank = np.arange(len(number)) - np.repeat(start, lengths)
        key = canonical_keys(self._game, games.state)
        hashes = game_keys(self._game, games.action, start, key)
        kept = splits.is_validation(hashes, self._validation)
        rows = dict(zip(names_of(games.state, "state"), leaves(games.state), strict=True))
        rows |= {
            "action": games.action,
            "outcome": games.outcome,
            "game": number + np.int32(self.games),
            "ply": rank if games.ply is None else games.ply,
            "second": rank % 2 == 1 if games.second is None else games.second,
            "key": key,
            "split": np.repeat(np.where(kept, splits.VALIDATION, splits.TRAIN), lengths),
        }
        if games.policy is not None:
            rows["policy"] = games.policy
        if games.scores is not None:
            rows["scores"] = games.scores
        return {
            name: array.astype(self._columns[name].dtype, copy=False)
            if name in self._columns
            else array
            for name, array in rows.items()
        }

    def _shard_rows(self) -> int:
        assert self._columns is not None
        width = sum(
            column.dtype.itemsize * int(np.prod(column.shape)) for column in self._columns.values()
        )
        return max(1, min(SHARD_ROWS, SHARD_BYTES // width))

    def _flush(self, count: int) -> None:
        """Writes the first ``count`` buffered rows as a shard."""
        assert self._columns is not None
        folder = self.path / f"{len(self._rows):05}"
        for name in self._columns:
            column = np.concatenate([rows[name] for rows in self._buffer])
            path = folder / f"{name}.npy"
            try:
                folder.mkdir(exist_ok=True)
                np.save(path, column[:count], allow_pickle=False)
            except OSError as error:
                raise refused(path, error) from error
        self._buffer = [*_behind(self._buffer, count)]
        self._buffered -= count
        self._rows.append(count)


def _behind(parts: Sequence[Columns], count: int) -> Iterator[Columns]:
    """What comes after the first ``count`` rows of the parts."""
    for part in parts:
        size = len(part["action"])
        if count < size:
            yield {name: column[count:].copy() for name, column in part.items()}
        count = max(0, count - size)


def open_data(path: str | Path, game: Game) -> Dataset:
    """The data set in a folder, its files checked against the hashes of the manifest.

    Raises ValueError with a sentence when there is none, when it is half written or damaged, or
    when it is of another game.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    if (manifest.game, manifest.actions) != (game.name, game.num_actions):
        raise ValueError(
            f"{folder} holds {manifest.game} ({manifest.actions} actions); you asked for "
            f"{game.name} ({game.num_actions})"
        )
    check_files(folder, manifest)
    return Dataset(folder, manifest, game)


def check_files(folder: Path, manifest: Manifest) -> None:
    """Raises ValueError naming the first file that is missing or not as it was written."""
    for shard in manifest.shards:
        for name, expected in shard.sha256.items():
            path = folder / shard.name / name
            if not path.is_file():
                raise ValueError(f"{path} is missing; make the data set again")
            if sha256_of(path) != expected:
                raise ValueError(
                    f"{path} is damaged (its hash is not that of {folder / 'manifest.json'}); "
                    f"make the data set again"
                )


class Dataset:
    """A data set, memory-mapped; rows are numbered through all shards."""

    def __init__(self, path: Path, manifest: Manifest, game: Game) -> None:
        self.path = path
        self.manifest = manifest
        first = manifest.shards[0].sha256
        expected = columns_of(game, "policy.npy" in first, "scores.npy" in first)
        self._like: State = game.init(np.random.default_rng(0), 1)
        self._shards = [map_columns(path, shard, expected) for shard in manifest.shards]
        self._start = np.cumsum([0, *(shard.rows for shard in manifest.shards)])
        self._game = np.concatenate([shard["game"] for shard in self._shards])
        self._split = np.concatenate([shard["split"] for shard in self._shards])
        for shard, columns in zip(manifest.shards, self._shards, strict=True):
            check_ranges(path / shard.name, columns, game)
        if (np.diff(self._game) < 0).any() or self._game[0] < 0:
            raise ValueError(
                f"the games in {path} are not in order: it is damaged; make the data set again"
            )

    def __len__(self) -> int:
        return int(self._start[-1])

    def rows(
        self, split: str, games: int | None = None, one_a_game: bool = False, seed: int = 0
    ) -> NDArray[np.int64]:
        """[R] i64, ascending: the rows of "train", "validation" or "held_out".

        ``games``: only so many games, drawn once for all: those of fewer are among those of more.
        ``one_a_game``: of each game one position, drawn with ``seed``.
        Raises ValueError when there are fewer games.
        """
        if split not in _READABLE:
            raise ValueError(f"there is no split {split!r}; there are {', '.join(_READABLE)}")
        rows = np.flatnonzero(self._split == splits.SPLITS.index(split))
        first = first_rows(self._game[rows])
        lengths = np.diff(first, append=len(rows))
        if games is not None:
            if not 1 <= games <= len(first):
                counts = self.manifest.counts
                raise ValueError(
                    f"{self.path} has {len(first):,} {split} games; you asked for {games:,}: of "
                    f"its {counts['all'].games:,} games {counts['validation'].games:,} are kept "
                    f"for validation; ask for at most {len(first):,}, or make it with more"
                )
            # sources are often in order (of years, say): the first ones would be no fair sample
            drawn = np.sort(np.random.default_rng(0).permutation(len(first))[:games])
            chosen = np.zeros(len(first), np.bool_)
            chosen[drawn] = True
            rows = rows[np.repeat(chosen, lengths)]
            lengths = lengths[drawn]
            first = np.cumsum(lengths) - lengths
        if one_a_game:
            rows = rows[first + np.random.default_rng(seed).integers(0, lengths)]
        return rows

    def take(self, rows: NDArray[np.int64]) -> Games:
        """The positions of ``rows`` [R], in that order, in memory; ``game`` as in the data set."""
        shard = self._shards[0]
        fields = {name: self._gather(name, rows) for name in shard if name not in ("key", "split")}
        arrays = iter([fields[name] for name in names_of(self._like, "state")])
        return Games(
            state=tree_map(lambda _: next(arrays), self._like),
            action=fields["action"],
            outcome=fields["outcome"].astype(np.float32),
            game=fields["game"],
            policy=fields["policy"].astype(np.float32) if "policy" in fields else None,
            scores=fields.get("scores"),
            ply=fields["ply"].astype(np.int16),
            second=fields["second"],
        )

    def keys(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """[R] u64, the canonical key of each position."""
        return self._gather("key", rows)

    def _gather(self, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
        """The entries of a column, shard by shard."""
        first = self._shards[0][name]
        found = np.empty((len(rows), *first.shape[1:]), first.dtype)
        which = np.searchsorted(self._start, rows, side="right") - 1
        for i in range(len(self._shards)):
            here = np.flatnonzero(which == i)
            if len(here):
                found[here] = self._shards[i][name][rows[here] - self._start[i]]
        return found


def size_on_disk(folder: Path) -> int:
    """The bytes of the files in a folder."""
    return sum(os.path.getsize(path) for path in folder.rglob("*") if path.is_file())
