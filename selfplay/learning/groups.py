"""Which positions of a sliding window are equal, kept up to date as some come and others leave."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.jit import kernel, signed
from selfplay.types import Int

Keys = NDArray[np.uint64]  # positions with equal keys are equal
_NUMBER, _KEY = np.empty(0, np.int32), np.empty(0, np.uint64)
_LOW = np.uint64((1 << 30) - 1)  # what a group's number may be at most
_Record = TypeVar("_Record")


class _Queues(NamedTuple):
    """Groups of equal positions, each by a number that another may have once it is empty."""

    key: Keys  # [S]
    head: Int  # [S], row of the oldest position
    tail: Int  # [S], and of the latest
    size: Int  # [S], positions; 0: the number is free


class _Rows(NamedTuple):
    """Positions, by their row in the ring."""

    queue: Int  # [R], their group
    after: Int  # [R], row of the next position that is equal


class Groups:
    """The groups of equal positions in a window that only moves on, in the order of their keys.

    A slide costs by what comes and what leaves, and one copy of the order, 8 bytes a group.
    Memory: 8 bytes for each position that there is room for, 40 for each group.
    """

    def __init__(self) -> None:
        self.first = self.last = 0  # the window: positions by their number, from first up to last
        self._count = 0
        self._queues = _Queues(_KEY, _NUMBER, _NUMBER, _NUMBER)
        self._rows = _Rows(_NUMBER, _NUMBER)
        # in the ascending order of keys: of each the upper bits, and for the lower the number
        self._order = self._other = _KEY
        self._free, self._spare = _NUMBER, 0  # numbers without a group, and how many they are

    def __len__(self) -> int:
        return self._count

    def slide(self, first: int, last: int, keys: Keys, ring: int, room: int) -> None:
        """The window is ``first`` to ``last`` now; the latest of it, new here, have these ``keys``.

        Position i stands in row i % ``ring``; the rows so far are ``room``.
        """
        leaving = np.arange(self.first, min(first, self.last)) % ring
        dead = np.sort(_leave(self._queues, self._rows, leaving))
        self._make_room(room, len(keys))
        by_key = np.argsort(keys, kind="stable")
        rows = (last - len(keys) + by_key) % ring
        self._count, self._spare = _follow(
            self._queues, self._rows, self._order[: self._count], self._other,
            keys[by_key], rows, dead, self._free, self._spare,
        )  # fmt: skip
        self._order, self._other = self._other, self._order
        self.first, self.last = first, last

    def members(self, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of the positions in the groups at ``places`` [M] of the order, oldest first.

        Beside them [M], the ends of the groups among these rows.
        """
        queues = (self._order[: self._count][places] & _LOW).astype(np.int32)
        until = np.cumsum(self._queues.size[queues], dtype=np.int64)
        rows = np.empty(until[-1] if len(until) else 0, np.int64)
        _list_members(self._queues, self._rows, queues, rows)
        return rows, until

    def _make_room(self, room: int, groups: int) -> None:
        """For ``room`` rows, and so many ``groups`` more."""
        if room > len(self._rows.queue):
            self._rows = _grown(self._rows, room)
        if groups > self._spare:
            before = len(self._queues.key)
            size = max(before + groups - self._spare, before * 3 // 2)
            self._queues = _grown(self._queues, size)
            self._order = _grown(self._order, size)
            self._other = arrays.empty_like(self._order, size)
            self._free = _grown(self._free, size)
            more = size - before
            self._free[self._spare : self._spare + more] = np.arange(before, size)
            self._spare += more


def _grown(record: _Record, rows: int) -> _Record:
    """The record with room for ``rows`` rows."""
    grown = arrays.empty_like(record, rows)
    arrays.put(grown, slice(arrays.length(record)), record)
    return grown


@kernel
def _leave(queues: _Queues, rows: _Rows, leaving: NDArray[np.int64]) -> Keys:
    """Takes away the positions in the rows ``leaving``, oldest first; the keys now without any."""
    dead, count = np.empty(len(leaving), np.uint64), 0
    for row in leaving:
        queue = rows.queue[row]
        queues.head[queue] = rows.after[row]
        queues.size[queue] -= 1
        if queues.size[queue] == 0:
            dead[count] = queues.key[queue]
            count += 1
    return dead[:count]


@kernel
def _follow(
    queues: _Queues,
    rows: _Rows,
    old: Keys,
    new: Keys,
    keys: Keys,
    row: NDArray[np.int64],
    dead: Keys,
    free: Int,
    spare: int,
) -> tuple[int, int]:
    """Puts the positions in ``row`` [M] behind their equals; writes the order that results to new.

    ``keys`` [M] and ``dead`` [D], of groups without positions, ascend.  Returns how many groups
    and how many free numbers there are.
    """
    i = k = d = count = 0
    while k < len(keys) or d < len(dead):
        key = keys[k] if d == len(dead) or (k < len(keys) and keys[k] < dead[d]) else dead[d]
        until = _place(queues, old, i, key)
        new[count : count + until - i] = old[i:until]
        count, i = count + until - i, until
        queue = signed(old[i] & _LOW) if i < len(old) else -1
        if queue >= 0 and queues.key[queue] == key:
            i += 1
        else:
            spare -= 1
            queue = signed(free[spare])
            queues.key[queue], queues.size[queue] = key, 0
        while k < len(keys) and keys[k] == key:
            _append(queues, rows, queue, row[k])
            k += 1
        if d < len(dead) and dead[d] == key:
            d += 1
        if queues.size[queue]:
            new[count] = (key & ~_LOW) | np.uint64(queue)
            count += 1
        else:
            free[spare] = queue
            spare += 1
    new[count : count + len(old) - i] = old[i:]
    return count + len(old) - i, spare


@kernel
def _place(queues: _Queues, order: Keys, start: int, key: np.uint64) -> int:
    """The first place from ``start`` on whose key is at least ``key``; it is thought to be near."""
    low, step = start, 1
    while low + step < len(order) and _is_less(queues, order[low + step], key):
        low += step
        step *= 2
    high = min(low + step, len(order))
    while low < high:
        middle = (low + high) // 2
        if _is_less(queues, order[middle], key):
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _is_less(queues: _Queues, entry: np.uint64, key: np.uint64) -> bool:
    """Whether an entry of the order is before ``key``."""
    upper, other = entry & ~_LOW, key & ~_LOW
    if upper != other:
        return bool(upper < other)
    return bool(queues.key[entry & _LOW] < key)


@kernel
def _append(queues: _Queues, rows: _Rows, queue: int, row: int) -> None:
    if queues.size[queue] == 0:
        queues.head[queue] = row
    else:
        rows.after[queues.tail[queue]] = row
    queues.tail[queue] = row
    queues.size[queue] += 1
    rows.queue[row] = queue


@kernel
def _list_members(queues: _Queues, rows: _Rows, listed: Int, members: NDArray[np.int64]) -> None:
    """Writes the rows of the ``listed`` groups' positions to ``members``, group by group."""
    end = 0
    for queue in listed:
        row = queues.head[queue]
        for _ in range(queues.size[queue]):
            members[end] = row
            end += 1
            row = rows.after[row]
