"""Evaluators that compute no position twice: numpy batches in, Evaluations out.

Equal positions of a batch are evaluated once, and a bounded cache answers for those seen before
under the same weights.  What computes the answers is a subclass's part.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.jit import kernel, prefetch
from selfplay.types import Evaluation, Float, Game, Int, Obs, State

DIVERGED = (
    "the net answers with numbers that are not finite: its weights have diverged; "
    "go back to an earlier checkpoint, or train with a lower learning rate"
)
_WAYS = 4  # places in the cache where a position may stand


class Usage(NamedTuple):
    """What an evaluator was asked and what it cost."""

    asked: int  # positions
    evaluated: int  # positions that went through the net
    seconds: float  # in the net
    other_seconds: float  # merging and cache
    device_s: float = 0.0  # that a GPU took for it, by its own clock
    thread_s: float = 0.0  # in the net, by the clock of the thread that asks
    tree_s: float = 0.0  # of an actor outside the net, by the same clock
    flops: float = 0.0  # in the net, counted where positions differ in size; else 0


_ROW = np.dtype(
    [
        ("first", np.uint64),  # the two words of the position's hash
        ("second", np.uint64),
        ("generation", np.int64),
        ("batch", np.int64),  # the last one that used the row
    ]
)
_MOST_BYTES = 1 << 26  # of a cache: there may be thirty, and a row of chess takes 19 kB
_AHEAD = 8  # positions for which memory is asked before they are looked up


class Cache(NamedTuple):
    """A set-associative table of answers; a row is valid when its generation is the current one.

    Rows that the present batch uses are never evicted by it: it reads them after the net has run.
    """

    rows: NDArray[Any]  # [K] _ROW
    answers: Float  # [K, A + 2], the logits, the value and the probability of a draw


_NOTHING = Evaluation(np.empty((0, 0), np.float32), *np.empty((2, 0), np.float32))


def is_finite(answer: Evaluation) -> bool:
    """Whether a net that has not diverged may have said it."""
    return bool(np.isfinite(answer.logits).all() and np.isfinite(answer.value).all())


class CancelledError(Exception):
    """The evaluator was told to answer no more."""


class CachedEvaluator:
    """An Evaluator with a cache; one thread may use it at a time."""

    def __init__(self, actions: int, cache_size: int) -> None:
        most = _MOST_BYTES // (_ROW.itemsize + 4 * (actions + 2))
        rows = 1 << max(10, min(int(cache_size) or 1 << 14, most).bit_length() - 1)
        self._keep = bool(cache_size)
        self._cache = Cache(
            arrays.in_lines((rows,), _ROW), np.zeros((rows, actions + 2), np.float32)
        )
        self._generation = self._batch = 0
        self._usage = Usage(0, 0, 0.0, 0.0)
        self._by_sight: bool | None = None  # equal are positions that look alike
        self.rules: Game | None = None  # that show it positions; None: those of whoever asks
        self.cancelled = False  # set by another thread: whoever asks next gets CancelledError

    def forget(self) -> None:
        """What the cache holds is void from now on."""
        self._generation += 1

    def take_usage(self) -> Usage:
        """The counts since the last call."""
        usage, self._usage = self._usage, Usage(0, 0, 0.0, 0.0)
        return usage

    def __call__(self, game: Game, state: State) -> Evaluation:
        """Logits, value and draw probability of the B positions of ``state``."""
        if self.cancelled:
            raise CancelledError
        start = time.perf_counter()
        game = self.rules or game
        self._batch += 1
        if not self._keep:
            self._generation += 1
        if self._by_sight is None:
            self._by_sight = _is_smaller_to_see(game, state)
        obs = game.observe(state) if self._by_sight else None
        keys = arrays.hash_rows(state if obs is None else obs)
        count = len(keys)
        row, miss = np.empty(count, np.int64), np.empty(count, np.int32)
        misses = _look_up(self._cache, keys, self._generation, self._batch, row, miss)
        new = miss[:misses]
        seconds = 0.0
        answer = _NOTHING
        if misses:
            if obs is None:
                seen = game.observe(state if misses == count else arrays.take(state, new))
            else:
                seen = obs if misses == count else arrays.take(obs, new)
            before = time.perf_counter()
            try:
                answer = self._forward(seen, misses)
            except BaseException:
                self._generation += 1  # the rows claimed above will never be filled
                raise
            seconds = time.perf_counter() - before
        out = Evaluation(
            np.empty((count, self._cache.answers.shape[1] - 2), np.float32),
            np.empty(count, np.float32),
            np.empty(count, np.float32),
        )
        _answer(self._cache, row, new, answer, out)
        used = self._usage
        self._usage = Usage(
            used.asked + count,
            used.evaluated + misses,
            used.seconds + seconds,
            used.other_seconds + time.perf_counter() - start - seconds,
        )
        return out

    def _forward(self, obs: Obs, count: int) -> Evaluation:
        """The answers for the ``count`` positions of ``obs``."""
        raise NotImplementedError


def _is_smaller_to_see(game: Game, state: State) -> bool:
    """Whether positions are compared by what the net sees of them: it takes less memory than they
    do, or they are Python objects, whose bytes say nothing.
    """
    if arrays.holds_objects(state):
        return True
    one = arrays.take(state, slice(0, 1))
    return arrays.bytes_of(game.observe(one)) < arrays.bytes_of(one)


@kernel
def _look_up(
    cache: Cache,
    keys: NDArray[np.uint64],
    generation: int,
    batch: int,
    row: NDArray[np.int64],
    miss: Int,
) -> int:
    """Finds or claims a row for each key; ``miss`` lists the positions to evaluate.

    ``row`` [B] is the place of the answer, or -1 where all places are taken by this very batch.
    Returns the number of misses.
    """
    mask = np.uint64(cache.rows.shape[0] - 1)
    misses = 0
    for i in range(keys.shape[0]):
        if i + _AHEAD < keys.shape[0]:
            prefetch(cache.rows[np.int64(keys[i + _AHEAD, 0] & mask)])
        home, second = keys[i, 0] & mask, keys[i, 1]
        found, free, free_is_fresh = np.int64(-1), np.int64(-1), True
        for way in range(_WAYS):
            place = np.int64((home + np.uint64(way)) & mask)
            here = cache.rows[place]
            fresh = here.generation == generation
            if fresh and here.first == keys[i, 0] and here.second == second:
                found = place
                break
            if (not fresh or here.batch != batch) and (free == -1 or (not fresh and free_is_fresh)):
                free, free_is_fresh = place, fresh
        if found >= 0:
            row[i] = found
            cache.rows[found].batch = batch
            continue
        miss[misses] = i
        misses += 1
        row[i] = free
        if free >= 0:
            here = cache.rows[free]
            here.first, here.second = keys[i, 0], second
            here.generation, here.batch = generation, batch
    return misses


@kernel
def _answer(
    cache: Cache, row: NDArray[np.int64], miss: Int, answer: Evaluation, out: Evaluation
) -> None:
    """Puts the net's answers into the claimed rows, and those of all rows into ``out``."""
    actions = out.logits.shape[1]
    for k in range(miss.shape[0]):
        i = miss[k]
        place = row[i]
        if place >= 0:
            for a in range(actions):
                cache.answers[place, a] = answer.logits[k, a]
            cache.answers[place, actions] = answer.value[k]
            cache.answers[place, actions + 1] = answer.draw[k]
        else:
            for a in range(actions):
                out.logits[i, a] = answer.logits[k, a]
            out.value[i], out.draw[i] = answer.value[k], answer.draw[k]
    for i in range(row.shape[0]):
        place = row[i]
        if place >= 0:
            for a in range(actions):
                out.logits[i, a] = cache.answers[place, a]
            out.value[i] = cache.answers[place, actions]
            out.draw[i] = cache.answers[place, actions + 1]
