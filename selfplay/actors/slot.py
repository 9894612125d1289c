"""What the processes of actors and the server of answers share: memory, and lines to knock on.

A process writes the positions it has to ask for into its slot and then the number of its question;
the server answers in the same memory, and knocks.  A position is copied twice on
its way, and pickled never.  Where the server has a core of its own it looks for questions all the
time, and nobody has to knock there.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.cached import DIVERGED, CachedEvaluator, CancelledError
from selfplay.types import Evaluation, Float, Obs

ASKED, ANSWERED, NOT_FINITE = b"?", b"!", b"n"
QUESTION, ROWS = range(2)  # what stands in ``Views.asked``: the number of a question, positions
IN_ORDER = platform.machine() in ("x86_64", "AMD64")  # cores see what others write in its order
_ALIGNED = 64  # bytes: slots share no cache line

Form = tuple[tuple[int, ...], np.dtype[Any]]  # shape and type of one row of a field


class Views(NamedTuple):
    """The memory of S slots of R rows as arrays."""

    asked: NDArray[np.int64]  # [S, 8], which the actors write
    fields: list[NDArray[Any]]  # [S, R, ...] each
    answers: Float  # [S, R, A + 2] f32: logits, value, probability of a draw


class SharedRows:
    """Room for the questions of ``slots`` actors; may be handed to a new process."""

    def __init__(
        self, context: SpawnContext, forms: Sequence[Form], actions: int, slots: int, rows: int
    ) -> None:
        """``forms``: of the fields of an observation.  ``rows``: positions that one asks at most,
        rounded up.
        """
        self.rows = rows = -(-rows // _ALIGNED) * _ALIGNED  # whole cache lines, whatever the row
        self._forms: list[Form] = [
            ((slots, _ALIGNED // 8), np.dtype(np.int64)),
            *(((slots, rows, *shape), dtype) for shape, dtype in forms),
            ((slots, rows, actions + 2), np.dtype(np.float32)),
        ]
        # a file that has no name any more: nothing of it is left when the last process ends
        self._memory = context.RawArray(ctypes.c_byte, sum(map(_size, self._forms)) + _ALIGNED)

    def views(self) -> Views:
        views: list[NDArray[Any]] = []
        memory = np.frombuffer(memoryview(self._memory), np.uint8)
        start = -memory.ctypes.data % _ALIGNED
        for shape, dtype in self._forms:
            end = start + _size((shape, dtype))
            views.append(memory[start:end].view(dtype).reshape(shape))
            start = end
        return Views(views[0], views[1:-1], views[-1])


def _size(form: Form) -> int:
    shape, dtype = form
    return int(np.prod(shape)) * dtype.itemsize


class Slot(NamedTuple):
    """An actor's side of one of the slots."""

    memory: SharedRows
    place: int  # which it is
    bell: Connection  # of the server, for all
    line: Connection  # on which the server knocks
    looks: bool  # whether the server looks for questions all the time

    @property
    def actions(self) -> int:
        return int(self.memory.views().answers.shape[2]) - 2


def knock(line: Connection, word: bytes) -> None:
    """Sends one of the words above; in vain when nobody is there any more."""
    with contextlib.suppress(OSError):
        os.write(line.fileno(), word)


class RemoteEvaluator(CachedEvaluator):
    """An Evaluator whose answers come from the server behind a slot."""

    def __init__(self, slot: Slot, cache_size: int) -> None:
        super().__init__(slot.actions, cache_size)
        self._slot = slot  # keeps its lines open
        views = slot.memory.views()
        self._asked, self._answers = views.asked[slot.place], views.answers[slot.place]
        self._fields = [field[slot.place] for field in views.fields]
        self._question = 0

    def _forward(self, obs: Obs, count: int) -> Evaluation:
        fields, rows = arrays.leaves(obs), self._slot.memory.rows
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
        self._asked[ROWS] = len(asked)
        self._question += 1
        self._asked[QUESTION] = self._question
        if not self._slot.looks:
            knock(self._slot.bell, ASKED)
        word = os.read(self._slot.line.fileno(), 1)
        if word == NOT_FINITE:
            raise ValueError(DIVERGED)
        if word != ANSWERED:  # the server is gone
            raise CancelledError
        answers: Float = self._answers[: len(asked)]
        return answers
