"""Keys: hashes that are equal where positions, their mirror images or whole games are the same.

What is stored (splits of data sets, labels of solvers) depends on their values.
"""

from __future__ import annotations

import hashlib
import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import hash_rows, holds_objects, leaves, length
from selfplay.types import Game, Int, Obs, ShowsMore, State, Symmetric

Keys = NDArray[np.uint64]


def position_keys(record: Any) -> Keys:
    """[B] u64, a hash of each State or Obs; among a million two collide with probability 3e-8."""
    if not length(record):
        return np.empty(0, np.uint64)
    if not holds_objects(record):
        return hash_rows(record)[:, 0]
    rows = zip(*leaves(record), strict=True)
    digests = [hashlib.blake2b(pickle.dumps(row), digest_size=8).digest() for row in rows]
    return np.frombuffer(b"".join(digests), np.uint64)


def canonical_form(game: Game, obs: Obs) -> tuple[Keys, NDArray[np.int64]]:
    """[B] u64, equal for positions that a symmetry of the game turns into one another.

    Beside them, the symmetry [B] that turns each position into the one that gave the key.
    """
    if isinstance(game, ShowsMore):
        obs = game.bare(obs)
    keys = [position_keys(obs)]
    if isinstance(game, Symmetric):
        keys += [position_keys(game.transform(obs, k)) for k in range(1, len(game.action_map))]
    return np.min(keys, axis=0), np.argmin(keys, axis=0)


def canonical_obs_keys(game: Game, obs: Obs) -> Keys:
    """[B] u64, the keys of ``canonical_form``."""
    return canonical_form(game, obs)[0]


def canonical_keys(game: Game, state: State) -> Keys:
    """[B] u64, the same for positions."""
    return canonical_form(game, game.observe(state))[0]


def different(game: Game, state: State) -> NDArray[np.int64]:
    """The rows, ascending, of ``state`` [B] that neither equal nor mirror an earlier one."""
    _, first = np.unique(canonical_keys(game, state), return_index=True)
    return np.sort(first)


def action_maps(game: Game) -> Int:
    """[K, A] i32, the ``action_map`` of a game; of one without symmetries the identity alone."""
    identity: Int = np.arange(game.num_actions, dtype=np.int32)[None]
    return game.action_map if isinstance(game, Symmetric) else identity


def game_keys(game: Game, action: NDArray[np.int16], start: NDArray[np.int64], key: Keys) -> Keys:
    """[G] u64, equal for games that a symmetry turns into one another.

    ``start`` [G]: the first row of each game in ``action`` [M]; ``key`` [M]: canonical keys.
    """
    if not len(start):
        return np.empty(0, np.uint64)
    lengths = np.diff(start, append=len(action))
    ply = np.arange(len(action)) - np.repeat(start, lengths)
    words = np.arange(int(lengths.max()) * game.num_actions, dtype=np.uint64)
    table = hash_rows(words)[:, 0]
    lines = [
        np.add.reduceat(table[ply * game.num_actions + action_map[action]], start)
        for action_map in action_maps(game)
    ]
    # a sum of random words of (ply, action) names a line; its first position tells the opening
    return hash_rows((np.min(lines, axis=0), key[start]))[:, 0]
