"""Observations of Gymnasium spaces as the arrays that nets see, and the other way round."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from selfplay.arrays import leaves, names_of
from selfplay.types import Float, Game, State

MASK = "action_mask"


class BoardObs(NamedTuple):
    planes: NDArray[Any]  # [B, C, H, W], one byte a cell where the environment has it so, else f32


class FlatObs(NamedTuple):
    features: Float  # [B, F] f32


class Encoding:
    """How observations of one space become arrays of one shape and type.

    A three-dimensional Box is a board: planes [C, H, W], its channel axis moved to the front where
    it is the last one.  Anything else becomes ``features`` [F] float32 (discrete parts one-hot).
    An action mask beside the observation ({"observation": ..., "action_mask": ...}) is left out.

    ``channels`` says which axis of a board holds the planes: "first", "last", or "auto": the axis
    that differs from two equal ones, else the shorter of the two, the last one in doubt.
    """

    def __init__(self, space: spaces.Space[Any], channels: str = "auto") -> None:
        if channels not in ("auto", "first", "last"):
            raise ValueError(f"channels is 'auto', 'first' or 'last', not {channels!r}")
        self._keys: list[str] = []
        if isinstance(space, spaces.Dict) and MASK in space.spaces:
            self._keys = [key for key in space.spaces if key != MASK]
            parts = {key: space.spaces[key] for key in self._keys}
            space = parts[self._keys[0]] if len(parts) == 1 else spaces.Dict(parts)
        self._space = space
        self.shape: tuple[int, ...] = (0,)
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        self.board, self._channels_last = False, channels == "last"
        if isinstance(space, spaces.Box) and len(space.shape) == 3:
            self.board, (first, middle, last) = True, space.shape
            if channels == "auto":
                square_behind = middle == last != first
                self._channels_last = not square_behind and (first == middle or last <= first)
            self.shape = (last, first, middle) if self._channels_last else (first, middle, last)
            if space.dtype.itemsize == 1:
                self.dtype = space.dtype
        elif space.is_np_flattenable:
            self.shape = (spaces.flatdim(space),)
        else:
            raise ValueError(f"observations of {space} have no fixed size")

    def encode(self, observation: Any) -> NDArray[Any]:
        """The array of ``shape`` and ``dtype`` for one observation of the space."""
        try:
            if self._keys:
                observation = {key: observation[key] for key in self._keys}
            if len(self._keys) == 1:
                observation = observation[self._keys[0]]
            if not self.board:
                array = np.asarray(spaces.flatten(self._space, observation), self.dtype)
            else:
                array = np.asarray(observation, self.dtype)
                array = np.moveaxis(array, -1, 0) if self._channels_last else array
        except Exception as error:  # it is of another form, or the space's own code raises
            raise ValueError(self._stranger(observation)) from error
        if array.shape != self.shape:
            raise ValueError(self._stranger(observation))
        return array

    def _stranger(self, observation: Any) -> str:
        text = repr(observation)
        shown = text if len(text) <= 80 else text[:77] + "..."
        return f"the observation {shown} does not belong to the observation space {self._space}"

    def record(self, arrays: NDArray[Any]) -> BoardObs | FlatObs:
        """The Obs made of encoded observations [B, ...]."""
        return BoardObs(arrays) if self.board else FlatObs(arrays)


def action_mask(observation: Any, info: dict[str, Any]) -> NDArray[np.bool_] | None:
    """[A]: the mask of legal actions in the observation or in ``info``; None without one."""
    mask = observation.get(MASK) if isinstance(observation, dict) else None
    mask = info.get(MASK) if mask is None else mask
    return None if mask is None else np.asarray(mask, np.bool_)


def number(value: Any, what: str) -> float:
    """``value`` as one finite number, bools and arrays of one included; else ValueError."""
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        raise ValueError(f"{what} must be one number, but is {value!r}")
    return float(array.reshape(-1)[0])


def discrete_size(space: spaces.Space[Any], name: str) -> int:
    """The number of actions; raises ValueError where they are not 0 .. A - 1."""
    if not isinstance(space, spaces.Discrete) or space.start != 0:
        raise ValueError(f"{name} has actions {space}; only Discrete(n) with start 0 can be played")
    return int(space.n)


def observation_space(game: Game) -> spaces.Space[Any]:
    """A Box where the game's Obs has one field, else a Dict of Boxes by field name.

    Bounds are those of the type: a Game does not say what its observations range over.
    """
    obs = game.observe(game.init(np.random.default_rng(0), 1))
    boxes: list[spaces.Space[Any]] = [_box(array) for array in leaves(obs)]
    if len(boxes) == 1:
        return boxes[0]
    return spaces.Dict(dict(zip(names_of(obs, between="."), boxes, strict=True)))


def masked_space(game: Game) -> spaces.Dict:
    """An observation with the mask of legal actions beside it."""
    mask = spaces.Box(0, 1, (game.num_actions,), np.int8)
    return spaces.Dict({"observation": observation_space(game), "action_mask": mask})


def observation(game: Game, state: State) -> Any:
    """The member of ``observation_space`` for a state of one row: fresh arrays without B."""
    obs = game.observe(state)
    arrays = [np.array(array[0]) for array in leaves(obs)]
    if len(arrays) == 1:
        return arrays[0]
    return dict(zip(names_of(obs, between="."), arrays, strict=True))


def _box(array: Any) -> spaces.Box:
    dtype, low, high = array.dtype, -np.inf, np.inf
    if dtype == np.bool_:
        low, high = False, True
    elif np.issubdtype(dtype, np.integer):
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    return spaces.Box(low, high, array.shape[1:], dtype)
