"""What an actor's process and the server of answers share: rows of memory and a line to knock on.

A process writes the positions it has to ask for into its slot and knocks; the server answers in
the same memory and knocks back.  A position is copied twice on its way, and pickled never.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.cached import DIVERGED, CachedEvaluator, CancelledError
from selfplay.types import Evaluation, Float, Obs

Form = tuple[tuple[int, ...], np.dtype[Any]]  # shape and type of one row of a field

ASKED, ANSWERED, NOT_FINITE = b"?", b"!", b"n"
_ALIGNED = 64  # bytes: a row of a field begins on a cache line


class Slot:
    """Room for ``rows`` positions and their answers; both ends may be handed to a new process."""

    def __init__(
        self, context: SpawnContext, forms: Sequence[Form], actions: int, rows: int
    ) -> None:
        """``forms``: of the fields of an observation."""
        self.rows, self.actions, self._fields = rows, actions, list(forms)
        size = sum(_padded(n) for n in self._sizes())
        self._memory = context.RawArray(ctypes.c_byte, size)
        self.server, self.actor = context.Pipe()  # only single bytes go through these

    def _sizes(self) -> list[int]:
        fields = [int(np.prod(shape)) * dtype.itemsize for shape, dtype in self._fields]
        return [8, *(self.rows * size for size in fields), self.rows * 4 * (self.actions + 2)]

    def views(self) -> tuple[NDArray[np.int64], list[NDArray[Any]], Float]:
        """The number of positions, [1]; their fields, [rows, ...]; their answers.

        An answer is logits, value and probability of a draw: [rows, A + 2] f32.
        """
        forms = [
            ((1,), np.dtype(np.int64)),
            *(((self.rows, *shape), dtype) for shape, dtype in self._fields),
            ((self.rows, self.actions + 2), np.dtype(np.float32)),
        ]
        views: list[NDArray[Any]] = []
        start, memory = 0, memoryview(self._memory)
        for (shape, dtype), size in zip(forms, self._sizes(), strict=True):
            view = np.frombuffer(memory, dtype, int(np.prod(shape)), start)
            views.append(view.reshape(shape))
            start += _padded(size)
        return views[0], views[1:-1], views[-1]


def knock(line: Connection, word: bytes) -> None:
    """Sends one of the words above; in vain when nobody is there any more."""
    with contextlib.suppress(OSError):
        os.write(line.fileno(), word)


class RemoteEvaluator(CachedEvaluator):
    """An Evaluator whose answers come from the server behind a slot."""

    def __init__(self, slot: Slot, cache_size: int) -> None:
        super().__init__(slot.actions, cache_size)
        self._slot = slot
        self._count, self._fields, self._answers = slot.views()

    def _forward(self, obs: Obs, count: int) -> Evaluation:
        fields, rows = arrays.leaves(obs), self._slot.rows
        if count <= rows:
            answers = self._ask(fields, slice(count))
        else:
            starts = range(0, count, rows)
            parts = [self._ask(fields, slice(start, start + rows)).copy() for start in starts]
            answers = np.concatenate(parts)
        return Evaluation(answers[:, :-2], answers[:, -2], answers[:, -1])

    def _ask(self, fields: list[NDArray[Any]], rows: slice) -> Float:
        """The answers for some rows, in the slot's memory: they are gone with the next question."""
        for field, room in zip(fields, self._fields, strict=True):
            asked = field[rows]
            room[: len(asked)] = asked
        count = self._count[0] = len(asked)
        line = self._slot.actor.fileno()
        os.write(line, ASKED)
        word = os.read(line, 1)
        if word == NOT_FINITE:
            raise ValueError(DIVERGED)
        if word != ANSWERED:  # the server is gone
            raise CancelledError
        return self._answers[:count]


def _padded(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED
