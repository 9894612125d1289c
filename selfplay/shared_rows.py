"""Memory that the processes of actors and the device that answers them share.

Actors form groups, and each group has a room: what its actors ask at a time is one batch.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.types import Float

GROUPS = 2  # of actors, each of which makes up batches: one walks its trees while the other waits
_LINE, _PAGE = 64, 4096  # bytes: slots share no cache line, rooms no page

Form = tuple[tuple[int, ...], np.dtype[Any]]  # shape and type of one row of a field


class Room(NamedTuple):
    """The slots of one group: P places of R rows each."""

    memory: NDArray[np.uint8]  # all that follows
    fields: list[NDArray[Any]]  # [P, R, ...] each
    answers: Float  # [P * R + 1, A + 2] f32: logits, value, probability of a draw of each row; then
    # a row that begins with 1 where all of the latest answers are finite


class Views(NamedTuple):
    """The memory of S slots as arrays."""

    asked: NDArray[np.int64]  # [S, 8], which the actors write
    told: NDArray[np.int64]  # [S, 8], which the server writes
    rooms: list[Room]  # of the GROUPS; slot n is place n // GROUPS of room n % GROUPS


class SharedRows:
    """Room for the questions of ``slots`` actors; may be handed to a new process."""

    def __init__(
        self, context: ForkServerContext, forms: Sequence[Form], actions: int, slots: int, rows: int
    ) -> None:
        """``forms``: of the fields of an observation.  ``rows``: positions that one asks at most,
        rounded up.
        """
        self.rows = rows = -(-rows // _LINE) * _LINE  # whole cache lines, whatever the row
        line = (slots, _LINE // 8), np.dtype(np.int64)
        self._parts: list[list[Form]] = [[line, line]]
        for group in range(GROUPS):
            places = len(range(group, slots, GROUPS))
            fields = [((places, rows, *shape), dtype) for shape, dtype in forms]
            answers = (places * rows + 1, actions + 2), np.dtype(np.float32)
            self._parts.append([*fields, answers])
        size = sum(_in_pages(part) for part in self._parts)
        # a file that has no name any more: nothing of it is left when the last process ends
        self._memory = context.RawArray(ctypes.c_byte, size + _PAGE)

    def views(self) -> Views:
        memory = np.frombuffer(memoryview(self._memory), np.uint8)
        start = -memory.ctypes.data % _PAGE
        parts = []
        for forms in self._parts:
            part = memory[start : start + _in_pages(forms)]
            parts.append((part, _split(part, forms)))
            start += len(part)
        (_, (asked, told)), *rooms = parts
        return Views(asked, told, [Room(part, room[:-1], room[-1]) for part, room in rooms])


def _split(memory: NDArray[np.uint8], forms: Sequence[Form]) -> list[NDArray[Any]]:
    """Arrays of these forms, one behind the other."""
    views, start = [], 0
    for form in forms:
        shape, dtype = form
        views.append(memory[start : start + _size(form)].view(dtype).reshape(shape))
        start += _size(form)
    return views


def _size(form: Form) -> int:
    shape, dtype = form
    return int(np.prod(shape)) * dtype.itemsize


def _in_pages(forms: Sequence[Form]) -> int:
    return -(-sum(map(_size, forms)) // _PAGE) * _PAGE
