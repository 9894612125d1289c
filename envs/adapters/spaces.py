"""Gymnasium spaces for the observations of a Game, and its observations as their members."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from selfplay.arrays import leaves, names_of
from selfplay.types import Game, State


def observation_space(game: Game) -> gymnasium.spaces.Space[Any]:
    """A Box where the game's Obs has one field, else a Dict of Boxes by field name.

    Bounds are those of the type: a Game does not say what its observations range over.
    """
    obs = game.observe(game.init(np.random.default_rng(0), 1))
    boxes: dict[str, gymnasium.spaces.Space[Any]] = {
        name: _box(array)
        for name, array in zip(names_of(obs, between="."), leaves(obs), strict=True)
    }
    return next(iter(boxes.values())) if len(boxes) == 1 else gymnasium.spaces.Dict(boxes)


def masked_space(game: Game) -> gymnasium.spaces.Dict:
    """An observation with the mask of legal actions beside it."""
    mask = gymnasium.spaces.Box(0, 1, (game.num_actions,), np.int8)
    return gymnasium.spaces.Dict({"observation": observation_space(game), "action_mask": mask})


def observation(game: Game, state: State) -> Any:
    """The member of ``observation_space`` for a state of one row: fresh arrays without B."""
    obs = game.observe(state)
    arrays = [np.array(array[0]) for array in leaves(obs)]
    return (
        arrays[0]
        if len(arrays) == 1
        else dict(zip(names_of(obs, between="."), arrays, strict=True))
    )


def _box(array: Any) -> gymnasium.spaces.Box:
    dtype, low, high = array.dtype, -np.inf, np.inf
    if dtype == np.bool_:
        low, high = False, True
    elif np.issubdtype(dtype, np.integer):
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    return gymnasium.spaces.Box(low, high, array.shape[1:], dtype)
