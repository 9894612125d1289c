"""Data sets on disk: a folder of shards, each with one .npy file a column::

    manifest.json              written last: a folder without it is half written
    00000/ 00001/ ...          state_FIELD.npy ...  action outcome game ply second key split
                               and, where the expert tells them, policy, scores and stakes

Columns are memory-mapped, so that a set may be larger than memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import holds_objects, leaves, names_of, tree_map
from selfplay.data.manifest import NAME, Manifest, Shard, read_manifest
from selfplay.data.splits import SPLITS
from selfplay.lines.games import Games, first_rows
from selfplay.types import Game, State

Columns = dict[str, NDArray[Any]]
TOLD = ("policy", "scores", "stakes")  # columns that not every expert tells
_READABLE = SPLITS[:3]


def columns_of(game: Game, told: Collection[str] = ()) -> dict[str, np.dtype[Any]]:
    """The type of a row of each column of a data set of ``game``, states first.

    ``told``: which of TOLD are among them.
    Raises ValueError for games whose states are Python objects.
    """
    state = game.init(np.random.default_rng(0), 1)
    if holds_objects(state):
        raise ValueError(
            f"the states of {game.name} are Python objects; a data set needs a game whose states "
            f"are arrays of numbers (docs/games.md)"
        )
    kinds: dict[str, Any] = {
        name: (array.dtype, array.shape[1:])
        for name, array in zip(names_of(state, "state"), leaves(state), strict=True)
    }
    kinds |= {
        "action": np.int16,
        "outcome": np.float16,
        "game": np.int32,
        "ply": np.uint8 if game.max_moves < 256 else np.uint16,
        "second": np.bool_,
        "key": np.uint64,
        "split": np.uint8,
    }
    an_action = (game.num_actions,)
    optional = {
        "policy": (np.float16, an_action),
        "scores": (np.float32, an_action),
        "stakes": np.float32,
    }
    kinds |= {name: optional[name] for name in TOLD if name in told}
    return {name: np.dtype(kind) for name, kind in kinds.items()}


def open_data(path: str | Path, game: Game) -> Dataset:
    """The data set in a folder, its files checked against the hashes of the manifest.

    Raises ValueError with a sentence when there is none, when it is half written or damaged, or
    when it is of another game.
    """
    folder = Path(path)
    manifest = read_manifest(folder, game.name)
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
                    f"{path} is damaged (its hash is not that of {folder / NAME}); "
                    f"make the data set again"
                )


class Dataset:
    """A data set, memory-mapped; rows are numbered through all shards."""

    def __init__(self, path: Path, manifest: Manifest, game: Game) -> None:
        self.path = path
        self.manifest = manifest
        self._like: State = game.init(np.random.default_rng(0), 1)
        first = manifest.shards[0].sha256
        expected = columns_of(game, [name for name in TOLD if f"{name}.npy" in first])
        self._shards = [_map_columns(path, shard, expected, game) for shard in manifest.shards]
        self._start = np.cumsum([0, *(shard.rows for shard in manifest.shards)])
        self._game = np.concatenate([shard["game"] for shard in self._shards])
        self._split = np.concatenate([shard["split"] for shard in self._shards])
        if (np.diff(self._game) < 0).any() or self._game[0] < 0:
            raise ValueError(
                f"the games in {path} are not in order: it is damaged; make the data set again"
            )

    def __len__(self) -> int:
        return int(self._start[-1])

    def rows(
        self,
        split: str,
        games: int | None = None,
        one_a_game: bool = False,
        seed: int = 0,
        draw: int = 0,
    ) -> NDArray[np.int64]:
        """[R] i64, ascending: the rows of "train", "validation" or "held_out".

        ``games``: only so many games, the ``draw``-th draw: those of fewer are among those of more.
        ``one_a_game``: of each game one position, drawn with ``seed``.
        Raises ValueError when there are fewer games.
        """
        if split not in _READABLE:
            raise ValueError(f"there is no split {split!r}; there are {', '.join(_READABLE)}")
        rows = np.flatnonzero(self._split == SPLITS.index(split))
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
            drawn = np.random.default_rng(draw).permutation(len(first))[:games]
            rows = rows[np.repeat(np.isin(np.arange(len(first)), drawn), lengths)]
            lengths = lengths[np.sort(drawn)]
            first = np.cumsum(lengths) - lengths
        if one_a_game:
            rows = rows[first + np.random.default_rng(seed).integers(0, lengths)]
        return rows

    def take(self, rows: NDArray[np.int64]) -> Games:
        """The positions of ``rows`` [R], in that order, in memory; ``game`` as in the data set."""
        names = self._shards[0].keys() - {"key", "split"}
        fields = {name: self._gather(name, rows) for name in names}
        arrays = iter([fields[name] for name in names_of(self._like, "state")])
        return Games(
            state=tree_map(lambda _: next(arrays), self._like),
            action=fields["action"],
            outcome=fields["outcome"].astype(np.float32),
            game=fields["game"],
            policy=fields["policy"].astype(np.float32) if "policy" in fields else None,
            scores=fields.get("scores"),
            stakes=fields.get("stakes"),
            ply=fields["ply"].astype(np.int16),
            second=fields["second"],
        )

    def keys(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """[R] u64, the canonical key of each position."""
        return self._gather("key", rows)

    def _gather(self, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
        """The entries of a column, shard by shard."""
        first = self._shards[0][name]
        entries = np.empty((len(rows), *first.shape[1:]), first.dtype)
        which = np.searchsorted(self._start, rows, side="right") - 1
        for i, shard in enumerate(self._shards):
            here = np.flatnonzero(which == i)
            if len(here):
                entries[here] = shard[name][rows[here] - self._start[i]]
        return entries


def _map_columns(
    path: Path, shard: Shard, expected: dict[str, np.dtype[Any]], game: Game
) -> Columns:
    """The columns of a shard; raises ValueError when they, or their values, are not the game's."""
    columns: Columns = {}
    for name, kind in expected.items():
        file = path / shard.name / f"{name}.npy"
        if file.name not in shard.sha256:
            raise ValueError(f"{path / NAME} has no hash of {file.name}")
        try:
            array = open_column(file)
        except Exception as error:  # a stranger's header makes numpy raise almost anything
            raise ValueError(f"{file} cannot be read ({error}); make the data set again") from error
        shape = (shard.rows, *kind.shape)
        if (array.dtype, array.shape) != (kind.base, shape):
            raise ValueError(
                f"{file} holds {array.dtype} {array.shape}; expected {kind.base} {shape}: it is of "
                f"another version of the game"
            )
        columns[name] = array
    action, outcome, split = (columns[name] for name in ("action", "outcome", "split"))
    wrong = {
        "action": ~((action >= 0) & (action < game.num_actions)),
        "outcome": ~(np.abs(outcome) <= 1),
        "split": split >= len(SPLITS),
    }
    if "stakes" in columns:
        wrong["stakes"] = ~((columns["stakes"] >= 0) & (columns["stakes"] <= 1))
    for name, rows in wrong.items():
        if rows.any():
            row = int(rows.argmax())
            raise ValueError(
                f"{path / shard.name / name}.npy is damaged: row {row} holds {columns[name][row]}, "
                f"which is no {name} of {game.name}; make the data set again"
            )
    return columns


def open_column(path: Path, mode: Any = "r") -> Any:
    """A column, memory-mapped."""
    return np.load(path, mmap_mode=mode, allow_pickle=False)


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
