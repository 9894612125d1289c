"""The window of recent positions that the learner draws from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay import arrays
from selfplay.learning.groups import Groups
from selfplay.learning.merging import Merged, keys_of
from selfplay.learning.samples import widths_of, with_lists
from selfplay.section import Section
from selfplay.types import NO_ACTION, Targets


class ReplaySection(Section):
    """Section ``[replay]``."""

    window: int = Field(200_000, ge=1, le=10**9)
    """positions generated before the window starts to lag behind"""
    exponent: float = Field(0.75, gt=0, le=1)
    """exponent of the window's growth after that (Wu 2019, appendix C)"""
    growth: float = Field(0.4, gt=0, le=1)
    """slope of the growth where it starts"""
    capacity: int = Field(1_000_000, ge=1, le=10**9)
    """the largest window"""
    merge: Literal["none", "log", "sum"] = "log"
    """n equal positions become one of weight log2(1 + n); `"sum"`: of weight n; `"none"`"""

    def size(self, total: int) -> int:
        """Positions in the window when ``total`` have been made (Wu 2019, appendix C)."""
        if total <= self.window:
            return min(total, self.capacity)
        lag = ((total / self.window) ** self.exponent - 1) / self.exponent
        return min(int(self.window * (1 + self.growth * lag)), self.capacity)


class Replay:
    """A ring of Targets that allocates as it fills and never exceeds its capacity.

    Its lists of actions are as long as the longest that came: where that is L actions, and R with
    replies, a position takes its observation, 5 (L + R) to 8 (L + R) bytes, and 20 bytes.
    """

    def __init__(self, section: ReplaySection, num_actions: int) -> None:
        self.section = section
        self.total = 0  # positions ever added
        self.num_actions = num_actions
        self._ring: Targets | None = None
        self._groups = Groups()

    def __len__(self) -> int:
        return self.section.size(self.total)

    def add(self, samples: Targets) -> None:
        """Appends M samples; the oldest give way when the ring is full."""
        count, capacity = arrays.length(samples), self.section.capacity
        ring = self._ring = self._reserve(min(self.total + count, capacity), samples)
        self.total += count
        end = count
        for rows in self._rows(self.total - min(count, capacity), self.total)[::-1]:
            size = rows.stop - rows.start
            _write(arrays.take(ring, rows), arrays.take(samples, slice(end - size, end)))
            end -= size

    def restore(self, parts: Sequence[Targets], total: int) -> None:
        """Fills an empty replay with the last of ``total`` samples, given in order."""
        self.total = total - sum(map(arrays.length, parts))
        for part in parts:
            self.add(part)

    def recent(self, count: int) -> Targets:
        """The last ``count`` samples, oldest first; fewer if the ring holds fewer."""
        ring = self._filled()
        count = min(count, self.total, self.section.capacity)
        parts = self._rows(self.total - count, self.total)
        return arrays.concatenate([arrays.take(ring, rows) for rows in parts])

    def size_of(self, count: int) -> int:
        """Bytes that so many positions take."""
        row = sum(leaf.itemsize * math.prod(leaf.shape[1:]) for leaf in arrays.leaves(self._ring))
        return count * row

    def window(self) -> tuple[Merged | Recent, int]:
        """What to learn from, equal positions merged, and how many there were before.

        Nothing is copied before it is drawn: when samples are added the window is void.
        """
        ring, count, merge = self._filled(), len(self), self.section.merge
        first = self.total - count
        if merge == "none":
            return Recent(ring, first, count, self.section.capacity), count
        if first < self._groups.first:  # by rounding: the formula's windows move on
            self._groups = Groups()
        new = self._rows(max(first, self._groups.last), self.total)
        keys = [keys_of(arrays.take(ring, rows), self.num_actions) for rows in new]
        room, capacity = arrays.length(ring), self.section.capacity
        self._groups.slide(first, self.total, np.concatenate(keys), capacity, room)
        return Merged(ring, self._groups, self.num_actions, merge == "log"), count

    def _filled(self) -> Targets:
        if self._ring is None:
            raise ValueError("the replay window is empty")
        return self._ring

    def _rows(self, first: int, last: int) -> list[slice]:
        """Where the samples from number ``first`` up to ``last`` stand in the ring: one or two."""
        capacity = self.section.capacity
        start, size = first % capacity, last - first
        behind = max(0, start + size - capacity)
        parts = [slice(start, start + size - behind), slice(0, behind)]
        return parts if behind else parts[:1]

    def _reserve(self, rows: int, new: Targets) -> Targets:
        """The ring with room for so many ``rows``, whose lists are as long as those of ``new``."""
        before = arrays.take(new, slice(0)) if self._ring is None else self._ring
        widths = np.maximum(widths_of(before), widths_of(new)).tolist()
        before, held = with_lists(before, *widths), arrays.length(before)
        if rows <= held:
            return before
        room = min(max(rows, held * 3 // 2, 4096), self.section.capacity)
        ring = arrays.empty_like(before, room)
        arrays.put(ring, slice(held), before)
        return ring


class Recent:
    """The samples of a ring from the one that came as number ``first``, as they are."""

    def __init__(self, ring: Targets, first: int, count: int, capacity: int) -> None:
        self._ring, self._first, self._count, self._capacity = ring, first, count, capacity

    def __len__(self) -> int:
        return self._count

    def take(self, rows: NDArray[np.int64]) -> Targets:
        return arrays.take(self._ring, (self._first + rows) % self._capacity)


def _write(rows: Targets, samples: Targets) -> None:
    """Puts ``samples`` into ``rows``, whose lists are at least as long."""
    width, reply_width = widths_of(samples)
    listed = rows._replace(
        actions=rows.actions[:, :width],
        policy=rows.policy[:, :width],
        reply_actions=rows.reply_actions[:, :reply_width],
        reply=rows.reply[:, :reply_width],
    )
    arrays.put(listed, slice(None), samples)
    rows.actions[:, width:] = rows.reply_actions[:, reply_width:] = NO_ACTION
    rows.policy[:, width:] = rows.reply[:, reply_width:] = 0
