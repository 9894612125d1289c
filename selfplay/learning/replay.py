"""The window of recent positions that the learner draws from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from selfplay import arrays
from selfplay.learning.merge import merged
from selfplay.learning.samples import widths_of, with_lists
from selfplay.section import Section
from selfplay.types import Targets


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

    def __len__(self) -> int:
        return self.section.size(self.total)

    def add(self, samples: Targets) -> None:
        """Appends M samples; the oldest give way when the ring is full."""
        count = arrays.length(samples)
        if count > self.section.capacity:
            samples = arrays.take(samples, slice(count - self.section.capacity, None))
        ring = self._ring = self._reserve(min(self.total + count, self.section.capacity), samples)
        first = self.total + count - arrays.length(samples)
        rows = (first + np.arange(arrays.length(samples))) % self.section.capacity
        arrays.put(ring, rows, with_lists(samples, *widths_of(ring)))
        self.total += count

    def restore(self, parts: Sequence[Targets], total: int) -> None:
        """Fills an empty replay with the last of ``total`` samples, given in order."""
        self.total = total - sum(map(arrays.length, parts))
        for part in parts:
            self.add(part)

    def recent(self, count: int) -> Targets:
        """The last ``count`` samples, oldest first; fewer if the ring holds fewer."""
        if self._ring is None:
            raise ValueError("the replay window is empty")
        count = min(count, self.total, self.section.capacity)
        rows = (self.total - count + np.arange(count)) % self.section.capacity
        samples: Targets = arrays.take(self._ring, rows)
        return samples

    def window(self) -> tuple[Targets, int]:
        """The samples to learn from, equal positions merged, and how many there were before."""
        samples, merge = self.recent(len(self)), self.section.merge
        count = arrays.length(samples)
        if merge != "none":
            samples = merged(samples, self.num_actions, logarithmic=merge == "log")
        return samples, count

    def _reserve(self, rows: int, new: Targets) -> Targets:
        """The ring with room for so many ``rows``, whose lists are as long as those of ``new``."""
        before = arrays.take(new, slice(0)) if self._ring is None else self._ring
        widths = np.maximum(widths_of(before), widths_of(new)).tolist()
        before, held = with_lists(before, *widths), arrays.length(before)
        if rows <= held:
            return before
        room = min(max(rows, held * 3 // 2, 4096), self.section.capacity)
        ring: Targets = arrays.empty_like(before, room)
        arrays.put(ring, slice(held), before)
        return ring
