"""Equal positions as one: means of what was found of them, made when they are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.jit import kernel
from selfplay.learning.groups import Groups, Keys
from selfplay.types import NO_ACTION, Actions, Bool, Float, Targets

_MASK_BYTES = 1 << 26  # of the masks of legal actions that exist at a time
_LONGEST_REPLY = 128  # actions; what follows a position that was met often may be almost anything


class Merged:
    """One sample for each group of equal positions (observation and legal actions) of a ring.

    Its targets are the weighted means.  n samples of weight 1 together weigh n, or log2(1 + n) if
    ``logarithmic``.  Of replies the 128 likeliest actions are kept, or as many as one sample names.
    """

    def __init__(self, ring: Targets, groups: Groups, num_actions: int, logarithmic: bool) -> None:
        self._ring, self._groups = ring, groups
        self._num_actions, self._logarithmic = num_actions, logarithmic
        self._drawn = 0
        self._all: Targets | None = None

    def __len__(self) -> int:
        return len(self._groups)

    def take(self, rows: NDArray[np.int64]) -> Targets:
        """The samples at these places in the order of keys.

        Once as many were drawn as there are, all are made at once and kept.
        """
        self._drawn += len(rows)
        if self._all is None and self._drawn > len(self):
            self._all = self._made(np.arange(len(self)))
        return self._made(rows) if self._all is None else arrays.take(self._all, rows)

    def _made(self, places: NDArray[np.int64]) -> Targets:
        members, until = self._groups.members(places)
        first = np.concatenate([np.zeros(1, np.int64), until[:-1]])[: len(until)]
        obs = arrays.take(self._ring.obs, members[first])
        rows = arrays.take(self._ring._replace(obs=()), members)
        policy_mass, policy = _means(until, rows.policy, rows.policy_weight)
        unsearched = policy_mass == 0
        policy[unsearched] = rows.policy[first[unsearched]]
        value_mass, value = _means(until, rows.value, rows.value_weight)
        reply_actions, reply = _mean_replies(until, rows, value_mass, self._num_actions)
        return Targets(
            obs,
            rows.actions[first],
            policy,
            value,
            reply_actions,
            reply,
            self._weight(policy_mass),
            self._weight(value_mass),
        )

    def _weight(self, mass: NDArray[np.float64]) -> Float:
        weight: Float = (np.log2(1 + mass) if self._logarithmic else mass).astype(np.float32)
        return weight


def keys_of(samples: Targets, num_actions: int) -> Keys:
    """[M], hashes of the observations with the masks of what is legal."""
    step = max(1, _MASK_BYTES // num_actions)
    count = arrays.length(samples)
    parts = [_keys(arrays.take(samples, slice(i, i + step)), num_actions)
             for i in range(0, count, step)]  # fmt: skip
    return np.concatenate([np.empty(0, np.uint64), *parts])


def _keys(samples: Targets, num_actions: int) -> Keys:
    mask = np.zeros((len(samples.actions), num_actions), np.bool_)
    _mark(mask, samples.actions)
    return arrays.hash_rows((samples.obs, mask))[:, 0]


@kernel
def _mark(mask: Bool, actions: Actions) -> None:
    """Sets ``mask`` [M, A] where an action is listed."""
    for i in range(len(actions)):
        for action in actions[i]:
            if action >= 0:
                mask[i, action] = True


def _means(
    until: NDArray[np.int64], rows: Float, weight: Float
) -> tuple[NDArray[np.float64], Float]:
    """[G], the weight of each group, and [G, K], the weighted means of its rows; 0 without weight.

    Group g has the rows from ``until[g - 1]`` up to ``until[g]``.
    """
    mass, sums = _sums(until, rows, weight)
    mean: Float = (sums / np.maximum(mass, 1e-30)[:, None]).astype(np.float32)
    return mass, mean


@kernel
def _sums(
    until: NDArray[np.int64], rows: Float, weight: Float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The weight of each group and the weighted sums of its rows, added one after the other."""
    mass, sums = np.zeros(len(until)), np.zeros((len(until), rows.shape[1]))
    row = 0
    for g in range(len(until)):
        for i in range(row, until[g]):
            mass[g] += weight[i]
            for k in range(rows.shape[1]):
                sums[g, k] += rows[i, k] * weight[i]
        row = until[g]
    return mass, sums


def _mean_replies(
    until: NDArray[np.int64], rows: Targets, mass: NDArray[Any], num_actions: int
) -> tuple[Actions, Float]:
    """[G, R], what the replies of each group name, and the weighted means of its probabilities.

    What a sample does not name has probability 0: the moves played led to different positions.
    """
    shares = rows.reply * rows.value_weight[:, None]
    count, named, sums = _add_lists(until, rows.reply_actions, shares, num_actions)
    owner, most = np.repeat(np.arange(len(count)), count), max(_LONGEST_REPLY, shares.shape[1])
    mean = sums / np.maximum(mass, 1e-30)[owner]
    if count.max(initial=0) > most:
        rank = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        kept = np.lexsort((-mean, owner))[rank < most]
        named, mean, count = named[kept], mean[kept], np.minimum(count, most)
    inside = np.arange(count.max(initial=0)) < count[:, None]
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
