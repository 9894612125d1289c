"""Samples: lists of actions, targets of what experts and searches say, joined and turned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.types import NO_ACTION, Actions, Bool, Float, Game, Obs, Samples, Targets, Tried

_Numbers = TypeVar("_Numbers", bound=np.number)


class Source(Protocol):
    """Samples to draw from, which need not exist before they are drawn."""

    def __len__(self) -> int: ...

    def take(self, rows: NDArray[np.int64]) -> Samples:
        """The samples ``rows``, from 0 up to len, in that order."""


class Held:
    """A Source of samples that are there."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return arrays.length(self._samples)

    def take(self, rows: NDArray[np.int64]) -> Samples:
        return arrays.take(self._samples, rows)


def source_of(samples: Samples | Source) -> Source:
    """Something to draw from, whether the samples are there or not."""
    return Held(samples) if isinstance(samples, tuple) else samples


def listed(legal: Bool, least: int = 0) -> Actions:
    """[M, L], the actions that are True in each row of ``legal`` [M, A], in ascending order.

    L is their largest number, or ``least`` if that is more; the type is the smallest that holds
    every action of the game.
    """
    counts = legal.sum(axis=1)
    width = max(least, int(counts.max(initial=0)))
    actions = np.full((len(legal), width), NO_ACTION, np.min_scalar_type(-legal.shape[1]))
    actions[np.arange(width) < counts[:, None]] = np.nonzero(legal)[1]
    return actions


def of_listed(wide: Float, actions: Actions) -> Float:
    """[M, L], what ``wide`` [M, A] says of the ``actions`` [M, L]; 0 behind the last of a list."""
    index = np.maximum(actions, 0).astype(np.intp)
    return np.where(actions == NO_ACTION, np.float32(0), np.take_along_axis(wide, index, 1))


def resized(lists: NDArray[_Numbers], width: int, fill: int = 0) -> NDArray[_Numbers]:
    """Lists [..., L] cut to ``width``, or filled up to it with ``fill``."""
    missing = width - lists.shape[-1]
    if missing <= 0:
        return lists[..., :width]
    tail = np.full((*lists.shape[:-1], missing), fill, lists.dtype)
    return np.concatenate([lists, tail], axis=-1)


def longest(lists: Actions) -> int:
    """How many actions the longest of lists [..., L] holds."""
    return int((lists != NO_ACTION).any(axis=tuple(range(lists.ndim - 1))).sum())


def with_lists(samples: Targets, width: int, reply_width: int) -> Targets:
    """The samples with lists of legal actions and of replies of these lengths."""
    return samples._replace(
        actions=resized(samples.actions, width, NO_ACTION),
        policy=resized(samples.policy, width),
        reply_actions=resized(samples.reply_actions, reply_width, NO_ACTION),
        reply=resized(samples.reply, reply_width),
    )


def trimmed(samples: Targets) -> Targets:
    """The samples with lists as long as the longest, so that equal samples have equal arrays."""
    return with_lists(samples, longest(samples.actions), longest(samples.reply_actions))


def joined(parts: Sequence[Targets]) -> Targets:
    """All samples of the parts, in order."""
    widths = [max(widths) for widths in zip(*map(widths_of, parts), strict=True)]
    return arrays.concatenate([with_lists(part, *widths) for part in parts])


def widths_of(samples: Targets) -> tuple[int, int]:
    """The lengths of the lists of legal actions and of replies."""
    return samples.actions.shape[1], samples.reply_actions.shape[1]


def targets(
    obs: Obs,
    legal: Bool,
    policy: Float,
    value: Float,
    policy_weight: Float | None = None,
    value_weight: Float | None = None,
) -> Targets:
    """Targets of M positions of which no replies are known; the weights are 1 if not given.

    ``legal`` and ``policy`` are of all actions, [M, A], ``value`` is [M, 3]: see Targets.
    """
    one, actions = np.ones(len(legal), np.float32), listed(legal)
    return Targets(
        obs,
        actions,
        of_listed(policy, actions),
        value,
        actions[:, :0],
        np.zeros((len(legal), 0), np.float32),
        one if policy_weight is None else policy_weight,
        one if value_weight is None else value_weight,
    )


def blank_targets(game: Game, count: int = 0) -> Targets:
    """``count`` start positions of ``game``, with targets that say nothing."""
    state = game.init(np.random.default_rng(0), 1)
    wide, value = np.zeros((1, game.num_actions), np.float32), np.zeros((1, 3), np.float32)
    one = targets(game.observe(state), game.legal(state), wide, value)
    return arrays.repeat(one, count)


def transformed(game: Any, samples: Samples, rng: np.random.Generator) -> Samples:
    """Each position under a random symmetry of ``game``, which is Symmetric.

    A move that was tried keeps its chance and what came of it: that is how the image of the player
    plays the image of the game, whose moves are as good.
    """
    symmetry = rng.integers(len(game.action_map), size=arrays.length(samples))
    obs = arrays.tree_map(np.copy, samples.obs)
    for k in range(1, len(game.action_map)):
        rows = np.flatnonzero(symmetry == k)
        arrays.put(obs, rows, game.transform(arrays.take(samples.obs, rows), k))
    becomes = np.full((len(game.action_map), game.num_actions + 1), NO_ACTION)
    becomes[:, :-1] = game.action_map  # NO_ACTION, -1, finds the last column

    def renamed(lists: NDArray[_Numbers]) -> NDArray[_Numbers]:
        named: NDArray[_Numbers] = becomes[symmetry[:, None], lists].astype(lists.dtype)
        return named

    if isinstance(samples, Tried):
        action = renamed(samples.action[:, None])[:, 0]
        return samples._replace(obs=obs, actions=renamed(samples.actions), action=action)
    return samples._replace(
        obs=obs,
        actions=renamed(samples.actions),
        reply_actions=renamed(samples.reply_actions),
    )
