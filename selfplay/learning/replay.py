"""The window of recent positions that the learner draws from, equal ones merged into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay import arrays
from selfplay.jit import kernel
from selfplay.learning.samples import widths_of, with_lists
from selfplay.section import Section
from selfplay.types import NO_ACTION, Actions, Float, Targets

_MASK_BYTES = 1 << 26  # of the masks of legal actions that exist at a time
_LONGEST_REPLY = 128  # actions; what follows a position that was met often may be almost anything


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
        return arrays.take(self._ring, rows)

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
        ring = arrays.empty_like(before, room)
        arrays.put(ring, slice(held), before)
        return ring


def merged(samples: Targets, num_actions: int, logarithmic: bool) -> Targets:
    """One sample for each group of equal positions (observation and legal actions).

    Its targets are the weighted means.  n samples of weight 1 together weigh n, or log2(1 + n) if
    ``logarithmic``.  Of replies the 128 likeliest actions are kept, or as many as one sample names.
    """
    step = max(1, _MASK_BYTES // num_actions)
    parts = [slice(i, i + step) for i in range(0, len(samples.actions), step)]
    keys = np.concatenate([_keys(arrays.take(samples, part), num_actions) for part in parts])
    order = np.argsort(keys, kind="stable")
    rows = arrays.take(samples._replace(obs=()), order)  # equal positions side by side
    new = np.diff(keys[order], prepend=~keys[order[:1]]) != 0
    group, first = np.cumsum(new) - 1, np.flatnonzero(new)
    policy_mass = np.bincount(group, rows.policy_weight)
    value_mass = np.bincount(group, rows.value_weight)
    policy = _means(group, rows.policy, rows.policy_weight, policy_mass)
    unsearched = policy_mass == 0
    policy[unsearched] = rows.policy[first[unsearched]]
    reply_actions, reply = _mean_replies(group, first, rows, value_mass, num_actions)
    weigh = (lambda mass: np.log2(1 + mass)) if logarithmic else np.copy
    return Targets(
        arrays.take(samples.obs, order[first]),
        rows.actions[first],
        policy,
        _means(group, rows.value, rows.value_weight, value_mass),
        reply_actions,
        reply,
        weigh(policy_mass).astype(np.float32),
        weigh(value_mass).astype(np.float32),
    )


def _keys(samples: Targets, num_actions: int) -> NDArray[np.uint64]:
    """[M], hashes of the observations with the masks of what is legal."""
    mask = np.zeros((len(samples.actions), num_actions + 1), np.bool_)
    np.put_along_axis(mask, samples.actions.astype(np.intp), True, 1)  # NO_ACTION: the last column
    return arrays.hash_rows((samples.obs, mask[:, :-1]))[:, 0]


def _means(group: NDArray[np.int64], rows: Float, weight: Float, mass: NDArray[Any]) -> Float:
    """[G, K], weighted means of the rows [M, K] of each group; 0 where the group has no weight."""
    columns = [np.bincount(group, row * weight) for row in rows.T]
    mean: Float = (np.stack(columns, 1) / np.maximum(mass, 1e-30)[:, None]).astype(np.float32)
    return mean


def _mean_replies(
    group: NDArray[np.int64],
    first: NDArray[np.int64],
    rows: Targets,
    mass: NDArray[Any],
    num_actions: int,
) -> tuple[Actions, Float]:
    """[G, R], what the replies of each group name, and the weighted means of its probabilities.

    What a sample does not name has probability 0: the moves played led to different positions.
    """
    shares, until = rows.reply * rows.value_weight[:, None], np.append(first[1:], len(group))
    count, named, sums = _add_lists(until, rows.reply_actions, shares, num_actions)
    owner, most = np.repeat(np.arange(len(count)), count), max(_LONGEST_REPLY, shares.shape[1])
    mean = sums / np.maximum(mass, 1e-30)[owner]
    if count.max() > most:
        rank = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        kept = np.lexsort((-mean, owner))[rank < most]
        named, mean, count = named[kept], mean[kept], np.minimum(count, most)
    inside = np.arange(count.max()) < count[:, None]
    actions = np.full(inside.shape, NO_ACTION, named.dtype)
    reply = np.zeros(inside.shape, np.float32)
    actions[inside], reply[inside] = named, mean
    return actions, reply


@kernel
def _add_lists(
    until: NDArray[np.int64], actions: Actions, shares: Float, num_actions: int
) -> tuple[NDArray[np.int64], Actions, NDArray[np.float64]]:
    """How many actions each group, up to row ``until`` [G], names, which, and sums of shares."""
    count = np.empty(len(until), np.int64)
    named, sums = np.empty(actions.size, actions.dtype), np.zeros(actions.size)
    place = np.full(num_actions, -1)  # where an action was met last
    row = end = 0
    for g in range(len(until)):
        first = end
        for i in range(row, until[g]):
            for j in range(actions.shape[1]):
                action = actions[i, j]
                if action < 0:
                    break
                if place[action] < first:
                    place[action], named[end] = end, action
                    end += 1
                sums[place[action]] += shares[i, j]
        row, count[g] = until[g], end - first
    return count, named[:end], sums[:end]
