"""What is learned from, what is checked on and what nobody may learn: no position in common.

A game belongs to training or validation by a hash of how it went, so that equal games and mirror
images of games fall together.  Positions that the tests hold are taken out of both.  What
validation then still shares with training is dropped from validation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from selfplay.data.manifest import Counts
from selfplay.lines.keys import canonical_keys
from selfplay.truth.positions import default_positions, read_positions
from selfplay.types import Game

TRAIN, VALIDATION, HELD_OUT, DROPPED = range(4)  # codes in the column ``split``
VALIDATION_SHARE = 0.05  # of the games
SPLITS = ("train", "validation", "held_out", "dropped")
KEYS_AT_ONCE = 1 << 20  # keys looked at in one go, at 50 bytes each


def held_out_keys(game: Game) -> NDArray[np.uint64]:
    """[K] u64, the canonical keys of the test positions that ship for ``game``."""
    path = default_positions(game)
    if path is None:
        return np.empty(0, np.uint64)
    return canonical_keys(game, read_positions(game, path).state)


def is_validation(hashes: NDArray[np.uint64], share: float) -> NDArray[np.bool_]:
    """[G], True for about ``share`` of the games."""
    drawn: NDArray[np.bool_] = (hashes >> np.uint64(11)).astype(np.float64) < share * 2.0**53
    return drawn


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
    unique = dict.fromkeys((*SPLITS, "all"), 0)
    for rows, part in _parts(keys, parts):
        code = np.concatenate([s[r] for s, r in zip(splits, rows, strict=True)])
        order = np.argsort(part)
        code, present = _resolved(part[order], code[order], held_out)
        for which, name in enumerate(SPLITS):
            unique[name] += int(present[which].sum())
        unique["all"] += present.shape[1]
        final = np.empty_like(code)
        final[order] = code
        start = 0
        for split, row in zip(splits, rows, strict=True):
            split[row] = final[start : start + len(row)]
            start += len(row)
    return unique


def _resolved(
    key: NDArray[np.uint64], code: NDArray[np.uint8], held_out: NDArray[np.uint64]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The final codes [M] for keys in order, and [4, U]: which codes each different key has."""
    first = np.flatnonzero(np.concatenate([[len(key) > 0], key[1:] != key[:-1]]))
    if not len(first):
        return code, np.empty((len(SPLITS), 0), np.bool_)
    lengths = np.diff(first, append=len(key))
    held = np.isin(key[first], held_out)
    learned = np.minimum.reduceat(code, first) == TRAIN
    code = np.where((code == VALIDATION) & np.repeat(learned, lengths), DROPPED, code)
    code = np.where(np.repeat(held, lengths), HELD_OUT, code).astype(np.uint8)
    present = [np.logical_or.reduceat(code == which, first) for which in range(len(SPLITS))]
    return code, np.stack(present)


def _parts(
    keys: Sequence[NDArray[np.uint64]], parts: int
) -> Iterator[tuple[list[NDArray[np.int64]], NDArray[np.uint64]]]:
    """The rows of each shard, and their keys, ``parts`` times (a power of 2), by the last bits.

    So equal keys come together.
    """
    for part in range(parts):
        rows = [np.flatnonzero((shard & np.uint64(parts - 1)) == part) for shard in keys]
        yield rows, np.concatenate([shard[row] for shard, row in zip(keys, rows, strict=True)])


class Tally:
    """Counts games, positions and results by split while shards go by in order."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys((*SPLITS, "all"), Counts(0, 0, 0, 0, 0, 0, 0))
        self._last = dict.fromkeys((*SPLITS, "all"), -1)

    def add(
        self,
        split: NDArray[np.uint8],
        number: NDArray[np.int32],
        outcome: NDArray[np.floating],
        second: NDArray[np.bool_],
    ) -> None:
        """Adds rows whose games ``number`` are ascending, and not below those added before."""
        for which, name in enumerate((*SPLITS, "all")):
            rows = np.flatnonzero(split == which) if name != "all" else np.arange(len(split))
            if not len(rows):
                continue
            new = np.diff(number[rows], prepend=self._last[name]) != 0
            self._last[name] = int(number[rows[-1]])
            first = rows[new]
            result = np.where(second[first], -outcome[first], outcome[first])
            more = Counts(
                games=len(first),
                positions=len(rows),
                unique=0,
                duplicates=0,
                first_wins=int((result > 0).sum()),
                draws=int((result == 0).sum()),
                second_wins=int((result < 0).sum()),
            )
            self._counts[name] = Counts(*np.add(self._counts[name], more).tolist())

    def counts(self, unique: dict[str, int]) -> dict[str, Counts]:
        """The sums, with the ``unique`` positions of each split filled in."""
        return {
            name: counts._replace(unique=unique[name], duplicates=counts.positions - unique[name])
            for name, counts in self._counts.items()
        }
