"""The window of recent positions that the learner draws from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay import arrays
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
    """A ring of Targets that allocates as it fills and never exceeds its capacity."""

    def __init__(self, section: ReplaySection) -> None:
        self.section = section
        self.total = 0  # positions ever added
        self._ring: Targets | None = None

    def __len__(self) -> int:
        return self.section.size(self.total)

    def add(self, samples: Targets) -> None:
        """Appends M samples; the oldest give way when the ring is full."""
        count = arrays.length(samples)
        if count > self.section.capacity:
            samples = arrays.take(samples, slice(count - self.section.capacity, None))
        self._reserve(min(self.total + count, self.section.capacity), samples)
        first = self.total + count - arrays.length(samples)
        rows = (first + np.arange(arrays.length(samples))) % self.section.capacity
        arrays.put(self._ring, rows, samples)
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
        samples = self.recent(len(self))
        count = arrays.length(samples)
        return (samples if self.section.merge == "none" else self._merged(samples)), count

    def _merged(self, samples: Targets) -> Targets:
        """Equal observations become one sample with the mean targets, weighted by their number."""
        group, first = _groups(samples)
        groups = len(first)
        policy_mass = _sums(group, samples.policy_weight, groups)
        value_mass = _sums(group, samples.value_weight, groups)
        policy = _group_mean(group, samples.policy, samples.policy_weight, policy_mass)
        unsearched = policy_mass == 0
        policy[unsearched] = samples.policy[first[unsearched]]
        weigh = (lambda mass: np.log2(1 + mass)) if self.section.merge == "log" else np.copy
        return Targets(
            obs=arrays.take(samples.obs, first),
            legal=samples.legal[first],
            policy=policy,
            value=_group_mean(group, samples.value, samples.value_weight, value_mass),
            reply=_group_mean(group, samples.reply, samples.value_weight, value_mass),
            policy_weight=weigh(policy_mass).astype(np.float32),
            value_weight=weigh(value_mass).astype(np.float32),
        )

    def _reserve(self, rows: int, like: Targets) -> None:
        held = 0 if self._ring is None else arrays.length(self._ring)
        if rows <= held:
            return
        room = min(max(rows, held * 3 // 2, 4096), self.section.capacity)
        ring: Targets = arrays.empty_like(like, room)
        if self._ring is not None:
            arrays.put(ring, slice(held), self._ring)
        self._ring = ring


def _groups(samples: Targets) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The group of each sample (equal observations), and the first sample of each group."""
    keys = arrays.hash_rows((samples.obs, samples.legal))
    _, first, group = np.unique(keys[:, 0], return_index=True, return_inverse=True)
    return group.reshape(-1), first


def _sums(
    group: NDArray[np.int64], weight: NDArray[np.float32], groups: int
) -> NDArray[np.float64]:
    """The sum of the weights of each group."""
    sums: NDArray[np.float64] = np.bincount(group, weight, groups).astype(np.float64, copy=False)
    return sums


def _group_mean(
    group: NDArray[np.int64],
    rows: NDArray[np.float32],
    weight: NDArray[np.float32],
    mass: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Weighted means of the rows of each group; 0 where the group has no weight."""
    columns = [_sums(group, rows[:, k] * weight, len(mass)) for k in range(rows.shape[1])]
    total = np.stack(columns, axis=1)
    return (total / np.maximum(mass, 1e-30)[:, None]).astype(np.float32)
