"""The columns of a data set: what they are for a game, and how they are read from a shard."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import holds_objects, leaves, names_of
from selfplay.data.manifest import Shard
from selfplay.data.splits import SPLITS
from selfplay.types import Game

Columns = dict[str, NDArray[Any]]


class Column(NamedTuple):
    """The type and the shape of a row of one column."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]


def columns_of(game: Game, policy: bool, scores: bool) -> dict[str, Column]:
    """The columns of a data set of ``game`` by name, states first.

    Raises ValueError for games whose states are Python objects.
    """
    state = game.init(np.random.default_rng(0), 1)
    if holds_objects(state):
        raise ValueError(
            f"the states of {game.name} are Python objects; a data set needs a game whose states "
            f"are arrays of numbers (docs/games.md)"
        )
    columns = {
        name: Column(array.dtype, array.shape[1:])
        for name, array in zip(names_of(state, "state"), leaves(state), strict=True)
    }
    plain: dict[str, Any] = {
        "action": np.int16,
        "outcome": np.float16,
        "game": np.int32,
        "ply": np.uint8 if game.max_moves < 256 else np.uint16,
        "second": np.bool_,
        "key": np.uint64,
        "split": np.uint8,
    }
    columns |= {name: Column(np.dtype(kind), ()) for name, kind in plain.items()}
    if policy:
        columns["policy"] = Column(np.dtype(np.float16), (game.num_actions,))
    if scores:
        columns["scores"] = Column(np.dtype(np.float32), (game.num_actions,))
    return columns


def map_columns(path: Path, shard: Shard, expected: dict[str, Column]) -> Columns:
    """The columns of a shard; raises ValueError when they are not the game's."""
    columns: Columns = {}
    for name, column in expected.items():
        file = path / shard.name / f"{name}.npy"
        if file.name not in shard.sha256:
            raise ValueError(f"{path / 'manifest.json'} has no hash of {file.name}")
        try:
            array = open_column(file)
        except Exception as error:  # a stranger's header makes numpy raise almost anything
            raise ValueError(f"{file} cannot be read ({error}); make the data set again") from error
        if (array.dtype, array.shape) != (column.dtype, (shard.rows, *column.shape)):
            raise ValueError(
                f"{file} holds {array.dtype} {array.shape}; expected {column.dtype} "
                f"{(shard.rows, *column.shape)}: it is of another version of the game"
            )
        columns[name] = array
    return columns


def check_ranges(shard: Path, columns: Columns, game: Game) -> None:
    """Raises ValueError naming the first column with a value that cannot be."""
    action, outcome, split = (columns[name] for name in ("action", "outcome", "split"))
    wrong = {
        "action": ~((action >= 0) & (action < game.num_actions)),
        "outcome": ~(np.abs(outcome) <= 1),
        "split": split >= len(SPLITS),
    }
    for name, rows in wrong.items():
        if rows.any():
            row = int(rows.argmax())
            raise ValueError(
                f"{shard / name}.npy is damaged: row {row} holds {columns[name][row]}, which is "
                f"no {name} of {game.name}; make the data set again"
            )


def open_column(path: Path, mode: Any = "r") -> Any:
    """A column, memory-mapped."""
    return np.load(path, mmap_mode=mode, allow_pickle=False)


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
