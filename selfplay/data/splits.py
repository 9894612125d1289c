"""What is learned from, what is checked on and what nobody may learn: no position in common.

A game belongs to training or validation by a hash of how it went, so that equal games and mirror
images of games fall together.  Positions that the tests hold are taken out of both.  What
validation then still shares with training is dropped from validation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay.data.manifest import Counts
from selfplay.lines.keys import canonical_keys
from selfplay.truth.positions import NAMES, read_positions, shipped_positions
from selfplay.types import Game

TRAIN, VALIDATION, HELD_OUT, DROPPED = range(4)  # codes in the column ``split``
VALIDATION_SHARE = 0.05  # of the games
SPLITS = ("train", "validation", "held_out", "dropped")
_COUNTED = (*SPLITS, "all")
KEYS_AT_ONCE = 1 << 20  # keys looked at in one go, at 50 bytes each


def held_out_keys(game: Game, path: str | None = None) -> NDArray[np.uint64]:
    """[K] u64, the positions nobody may learn: those that ship and those of a position file."""
    shipped = [shipped_positions(game, name) for name in NAMES]
    files = [file for file in (*shipped, path) if file is not None]
    keys = [canonical_keys(game, read_positions(game, file).state) for file in files]
    return np.unique(np.concatenate([np.empty(0, np.uint64), *keys]))


def is_validation(hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """[G], True for about VALIDATION_SHARE of the games."""
    return hashes >> np.uint64(11) < VALIDATION_SHARE * 2.0**53


def resolve(
    keys: Sequence[NDArray[np.uint64]],
    splits: Sequence[NDArray[np.uint8]],
    held_out: NDArray[np.uint64],
) -> dict[str, int]:
    """Writes the final code of every row into ``splits``; the unique positions by split.

    ``keys`` and ``splits``: the columns shard by shard (memory-mapped or not); ``splits`` comes
    with TRAIN or VALIDATION, as the game's.  "all" in the answer is the whole set.
    """
    total = sum(map(len, keys))
    parts = 1 << max(0, math.ceil(math.log2(total / KEYS_AT_ONCE)))
    unique = dict.fromkeys(_COUNTED, 0)
    for part in range(parts):  # by the last bits, so that equal keys come together
        rows = [np.flatnonzero((shard & np.uint64(parts - 1)) == part) for shard in keys]
        key = np.concatenate([shard[row] for shard, row in zip(keys, rows, strict=True)])
        code = np.concatenate([split[row] for split, row in zip(splits, rows, strict=True)])
        order = np.argsort(key)
        code[order], present = _resolved(key[order], code[order], held_out)
        for name, codes in zip(_COUNTED, present, strict=True):
            unique[name] += int(codes.sum())
        ends = np.cumsum([len(row) for row in rows])
        for split, row, final in zip(splits, rows, np.split(code, ends[:-1]), strict=True):
            split[row] = final
    return unique


def _resolved(
    key: NDArray[np.uint64], code: NDArray[np.uint8], held_out: NDArray[np.uint64]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The final codes [M] for keys in order, and [5, U]: of which splits each different key is."""
    first = np.flatnonzero(np.concatenate([[len(key) > 0], key[1:] != key[:-1]]))
    if not len(first):
        return code, np.empty((len(_COUNTED), 0), np.bool_)
    lengths = np.diff(first, append=len(key))
    held = np.isin(key[first], held_out)
    learned = np.minimum.reduceat(code, first) == TRAIN
    code = np.where((code == VALIDATION) & np.repeat(learned, lengths), DROPPED, code)
    code = np.where(np.repeat(held, lengths), HELD_OUT, code).astype(np.uint8)
    present = [np.logical_or.reduceat(code == which, first) for which in range(len(SPLITS))]
    return code, np.stack([*present, np.ones(len(first), np.bool_)])


def counted(shards: Iterable[Sequence[NDArray[Any]]], unique: dict[str, int]) -> dict[str, Counts]:
    """What each split holds, from the columns split, game, outcome and second of the shards."""
    sums = {name: np.zeros(5, np.int64) for name in _COUNTED}
    last = dict.fromkeys(_COUNTED, -1)  # the game that a shard ends with may go on in the next
    for split, number, outcome, second in shards:
        for which, name in enumerate(_COUNTED):
            rows = np.flatnonzero((split == which) | (name == "all"))
            if len(rows):
                first = rows[np.diff(number[rows], prepend=last[name]) != 0]
                result = np.where(second[first], -outcome[first], outcome[first])
                results = [(np.sign(result) == sign).sum() for sign in (1, 0, -1)]
                sums[name] += [len(first), len(rows), *results]
                last[name] = int(number[rows[-1]])
    return {
        name: Counts(games, rows, unique[name], rows - unique[name], *results)
        for name, (games, rows, *results) in (
            (name, total.tolist()) for name, total in sums.items()
        )
    }
