"""Targets made of what experts and searches say, and turned with the board."""

from __future__ import annotations

from typing import Any

import numpy as np

from selfplay import arrays
from selfplay.types import Bool, Float, Game, Obs, Samples, Targets, Tried


def targets(
    obs: Obs,
    legal: Bool,
    policy: Float,
    value: Float,
    policy_weight: Float | None = None,
    value_weight: Float | None = None,
) -> Targets:
    """Targets of M positions of which no replies are known; the weights are 1 if not given.

    ``legal`` and ``policy`` are [M, A], ``value`` is [M, 3]: see Targets.
    """
    one = np.ones(len(legal), np.float32)
    return Targets(
        obs,
        legal,
        policy,
        value,
        np.zeros_like(policy),
        one if policy_weight is None else policy_weight,
        one if value_weight is None else value_weight,
    )


def blank_targets(game: Game, count: int = 0) -> Targets:
    """``count`` start positions of ``game``, with targets that say nothing."""
    state = game.init(np.random.default_rng(0), 1)
    wide, value = np.zeros((1, game.num_actions), np.float32), np.zeros((1, 3), np.float32)
    one = targets(game.observe(state), game.legal(state), wide, value)
    blank: Targets = arrays.repeat(one, count)
    return blank


def transformed(game: Any, samples: Samples, rng: np.random.Generator) -> Samples:
    """Each position under a random symmetry of ``game``, which is Symmetric.

    Tried moves stay as they are: the chance of a move is known for the position it was tried in.
    """
    symmetry = rng.integers(len(game.action_map), size=arrays.length(samples))
    if isinstance(samples, Tried):
        return samples
    obs, legal, policy, reply = (
        arrays.tree_map(np.copy, field)
        for field in (samples.obs, samples.legal, samples.policy, samples.reply)
    )
    for k in range(1, len(game.action_map)):
        rows = np.flatnonzero(symmetry == k)
        arrays.put(obs, rows, game.transform(arrays.take(samples.obs, rows), k))
        legal[rows[:, None], game.action_map[k]] = samples.legal[rows]
        policy[rows[:, None], game.action_map[k]] = samples.policy[rows]
        reply[rows[:, None], game.action_map[k]] = samples.reply[rows]
    return samples._replace(obs=obs, legal=legal, policy=policy, reply=reply)
