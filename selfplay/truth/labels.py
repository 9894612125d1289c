"""Exact scores of positions, each solved once: kept in memory and in a file for all data sets.

A label costs up to a tenth of a second, so the file outlives the process; what a label cost when it
was made stands beside it, so that whoever uses it can be charged as if it had made it.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from envs.importing import Carried
from selfplay.arrays import concatenate, hash_rows, length, put, take
from selfplay.lines.keys import action_maps, canonical_form, canonical_keys
from selfplay.lines.openings import random_positions
from selfplay.system.user_folders import cache_folders, is_private
from selfplay.system.workers import EndedError, MakeWorkers, Work, WorkerPool, Workers
from selfplay.truth.base import Partial, Solver
from selfplay.truth.solver import ExhaustiveSolver, solver_for
from selfplay.types import Bool, Float, Game, State

_AT_ONCE = 4  # positions that a process solves before it asks for more
_FIRST_ROOM = 1024


class Labels(NamedTuple):
    """M labels, in the orientation that gave the canonical key."""

    key: NDArray[np.uint64]  # [M]
    cost: Float  # [M] f32, CPU seconds
    scores: Float  # [M, A] f32, as from a Solver


class Labeller(contextlib.AbstractContextManager["Labeller"]):
    """Exact scores of any positions of a game, and what they cost.

    ``processes``, made by ``make_workers``, solve side by side.  ``seconds`` is charged: the CPU
    seconds of all different positions asked for, whether they were solved now or by another process
    last month.
    Raises ValueError with a sentence when there is no solver for the game.
    """

    def __init__(self, game: Game, processes: int = 1, make_workers: MakeWorkers = Workers) -> None:
        start = time.thread_time()
        self._game = game
        self._solver = solver_for(game)
        self.exhaustive = isinstance(self._solver, ExhaustiveSolver)
        # an exhaustive solver has done its work by now: the first labels it makes pay for it
        self._owed = time.thread_time() - start if self.exhaustive else 0.0
        self._file = LabelFile(game)
        self._known: dict[int, int] = {}  # canonical key -> row of the table
        self._table = Labels(
            np.empty(_FIRST_ROOM, np.uint64),
            np.empty(_FIRST_ROOM, np.float32),
            np.empty((_FIRST_ROOM, game.num_actions), np.float32),
        )
        self._charged: NDArray[np.bool_] = np.zeros(_FIRST_ROOM, np.bool_)
        self._told = np.zeros(_FIRST_ROOM, np.bool_)  # by ``take_charged``
        self._fresh: list[int] = []  # rows that the file does not have yet
        self._processes = 1 if self.exhaustive else processes
        self._make_workers = make_workers
        self._workers: WorkerPool | None = None
        self.seconds = 0.0
        self.made = 0  # labels solved here
        self.used = 0  # different labels asked for; the others among them were found
        self.refresh()

    def scores(self, state: State) -> Float:
        """[B, A] f32, as from a Solver.  No position may be over."""
        if not length(state):
            return np.empty((0, self._game.num_actions), np.float32)
        maps = action_maps(self._game)
        keys, symmetry = canonical_form(self._game, self._game.observe(state))
        _, first = np.unique(keys, return_index=True)
        unknown = np.array([i for i in first if int(keys[i]) not in self._known], np.int64)
        if len(unknown):
            scores, costs = self._solve(take(state, unknown))
            turned = np.empty_like(scores)  # as they lie where the position gives its key
            np.put_along_axis(turned, maps[symmetry[unknown]], scores, axis=1)
            self._add(Labels(keys[unknown], costs, turned))
            self._fresh += self._rows(keys[unknown]).tolist()
            self.made += len(unknown)
        rows = self._rows(keys)
        self._charge(rows)
        return np.take_along_axis(self._table.scores[rows], maps[symmetry], axis=1)

    def take_charged(self) -> Labels:
        """The labels that were charged since the last call."""
        new = self._charged & ~self._told
        self._told |= new
        labels: Labels = take(self._table, new)
        return labels

    def pay(self, labels: Labels) -> None:
        """Charges for labels that another Labeller of the game was charged, and keeps them."""
        self._add(labels)
        self._charge(self._rows(labels.key))

    def solvable(self, state: State) -> Bool:
        """[B], where the solver can score a position in reasonable time: mostly everywhere."""
        if isinstance(self._solver, Partial):
            return self._solver.solvable(state)
        return np.ones(length(state), np.bool_)

    def costs(self, keys: NDArray[np.uint64]) -> Float:
        """[M] f32, what the labels of canonical ``keys`` cost; all were asked for before."""
        return self._table.cost[self._rows(keys)]

    def charged_keys(self) -> NDArray[np.uint64]:
        """Canonical keys of the labels that were charged."""
        return self._table.key[self._charged]

    def forgive(self, keys: NDArray[np.uint64]) -> None:
        """Charges no more for the labels of ``keys``: whoever asks has paid for them before.

        A label that the file has lost since is made, and charged, again.
        """
        rows = [self._known[key] for key in keys.tolist() if key in self._known]
        self._charged[rows] = True

    def refresh(self) -> None:
        """Takes up what other processes have labelled, and leaves them what this one has."""
        if self._fresh:
            self._file.append(take(self._table, self._fresh))
            self._fresh = []
        self._add(self._file.read_new())

    def close(self) -> None:
        """Saves the labels and ends the processes."""
        self.refresh()
        if self._workers is not None:
            self._workers.close()
            self._workers = None

    def __exit__(self, *_: object) -> None:
        self.close()

    def _solve(self, state: State) -> tuple[Float, Float]:
        """The scores [B, A] of positions not known, and what each cost [B]."""
        if self.exhaustive:
            start = time.thread_time() - self._owed
            self._owed = 0.0
            scores = self._solver.scores(state)
            share = (time.thread_time() - start) / len(scores)
            return scores, np.full(len(scores), share, np.float32)
        if self._processes == 1 or length(state) == 1:
            return solve_each(self._solver, state)
        if self._workers is None:
            self._workers = self._make_workers(self._processes, _begin, Carried(self._game))
        starts = range(0, length(state), _AT_ONCE)
        parts = [take(state, slice(i, i + _AT_ONCE)) for i in starts]
        try:
            solved: tuple[Float, Float] = concatenate(list(self._workers.map(parts)))
        except EndedError as error:
            raise ValueError(f"positions cannot be solved: {error}") from error
        return solved

    def _charge(self, rows: NDArray[np.int64]) -> None:
        """Charges for those of the rows for which nobody has paid."""
        new = np.unique(rows[~self._charged[rows]])
        self._charged[new] = True
        self.seconds += float(self._table.cost[new].sum(dtype=np.float64))
        self.used += len(new)

    def _add(self, labels: Labels) -> None:
        """Appends labels to the table; the first that came counts."""
        _, first = np.unique(labels.key, return_index=True)  # one may be in the file twice
        keys = labels.key.tolist()
        new = [i for i in np.sort(first).tolist() if keys[i] not in self._known]
        start = len(self._known)
        while start + len(new) > len(self._table.key):
            self._table = concatenate([self._table, self._table])
            none = np.zeros_like(self._charged)
            self._charged, self._told = (np.append(a, none) for a in (self._charged, self._told))
        put(self._table, slice(start, start + len(new)), take(labels, new))
        self._known.update((keys[i], start + row) for row, i in enumerate(new))

    def _rows(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Where the labels of ``keys``, all of them known, stand in the table."""
        return np.array([self._known[key] for key in keys.tolist()], np.int64)


def _begin(halted: Callable[[], bool], game: Game) -> Work:
    """What a process solves positions with."""
    solver = solver_for(game)
    return lambda state: solve_each(solver, state)


def solve_each(solver: Solver, state: State) -> tuple[Float, Float]:
    """The scores [B, A], and the CPU seconds of each position [B], one after the other."""
    scores, costs = [], []
    for i in range(length(state)):
        start = time.thread_time()
        scores.append(solver.scores(take(state, slice(i, i + 1))))
        costs.append(time.thread_time() - start)
    return np.concatenate(scores), np.array(costs, np.float32)


# The file ----------------------------------------------------------------------------------------


class LabelFile:
    """Labels on disk, one record after the other; any number of processes append and read.

    They lie in a folder of the user's alone: in his cache, else among the temporary files.
    """

    def __init__(self, game: Game) -> None:
        name = re.sub(r"[^\w.-]", "_", game.name)
        folders = (
            parent / "labels"
            for parent in cache_folders()
            if is_private(parent) and is_private(parent / "labels")
        )
        folder = next(folders, None) or Path(tempfile.mkdtemp(prefix="selfplay-labels-"))
        self.path = folder / f"{name}-{fingerprint(game):016x}.labels"
        scores = ("scores", "<f4", (game.num_actions,))
        self._record = np.dtype([("key", "<u8"), ("cost", "<f4"), scores, ("check", "<u4")])
        self._read = 0  # bytes

    def append(self, labels: Labels) -> None:
        """Writes labels behind those that are there."""
        records = np.empty(len(labels.key), self._record)
        records["key"], records["cost"], records["scores"] = labels
        records["check"] = _check(records)
        with FileLock(f"{self.path}.lock"), open(self.path, "a+b") as file:
            size = file.seek(0, os.SEEK_END)
            # what a process that was killed had half written goes
            file.truncate(size - size % self._record.itemsize)
            file.write(records.tobytes())

    def read_new(self) -> Labels:
        """What was appended since the last call; records that are damaged are left out."""
        content = b""
        if self.path.exists():
            with open(self.path, "rb") as file:
                file.seek(self._read)
                content = file.read()
        whole = len(content) // self._record.itemsize * self._record.itemsize
        self._read += whole
        records = np.frombuffer(content[:whole], self._record)
        records = records[records["check"] == _check(records)]
        return Labels(records["key"], records["cost"], records["scores"])


def _check(records: NDArray[Any]) -> NDArray[np.uint32]:
    """[M] u32, a hash of each record."""
    fields = tuple(np.ascontiguousarray(records[field]) for field in Labels._fields)
    return hash_rows(fields)[:, 0].astype(np.uint32)


def fingerprint(game: Game) -> int:
    """The same for games with the same rules: a hash of positions that random play reaches."""
    rng = np.random.default_rng(0)
    positions = random_positions(game, np.arange(64) % min(16, game.max_moves), rng)
    return int(hash_rows(np.sort(canonical_keys(game, positions.state))[None])[0, 0])
