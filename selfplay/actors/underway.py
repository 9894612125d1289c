"""Games under way, as a checkpoint holds them: looked at before anything is played on from them.

Compiled code believes what it is given: a move or a length out of range would read memory that is
not its own, or never end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay.learning.samples import of_listed, resized
from selfplay.types import Actions

_DAMAGED = "the games under way in the checkpoint are damaged"


def check_games(
    saved: Mapping[str, Any], lanes: int, max_moves: int, plays: Mapping[str, np.ndarray]
) -> None:
    """Raises ValueError with a sentence unless ``saved`` has the form of ``lanes`` games.

    ``plays``: arrays [T, B, ...] with the types and shapes of what is kept of each move.
    """
    needed = ("rng", "seed", "length", "opening", *plays)
    missing = [name for name in needed if name not in saved]
    if missing:
        raise ValueError(f"{_DAMAGED}: {missing[0]!r} is missing")
    for name in ("seed", "length", "opening"):
        array = saved[name]
        if not isinstance(array, np.ndarray) or array.shape != (lanes,) or array.dtype.kind != "i":
            raise ValueError(f"{_DAMAGED}: {name!r} is no list of {lanes} numbers")
    moves = len(saved["action"]) if isinstance(saved["action"], np.ndarray) else 0
    for name, like in plays.items():
        array = saved[name]
        if (
            not isinstance(array, np.ndarray)
            or array.shape != (moves, lanes, *like.shape[2:])
            or array.dtype != like.dtype
        ):
            raise ValueError(f"{_DAMAGED}: {name!r} has another form")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{_DAMAGED}: {name!r} holds what is no number")
    seed, length, opening = saved["seed"], saved["length"], saved["opening"]
    if (seed < 0).any() or (length >= max_moves).any() or length.max(initial=1) != moves:
        raise ValueError(f"{_DAMAGED}: a seed or a length is out of range")
    if (opening < 0).any() or (opening > length).any():
        raise ValueError(f"{_DAMAGED}: an opening is longer than its game")


def policy_width(saved: Mapping[str, Any], num_actions: int) -> int:
    """How many actions each policy in ``saved`` is of; all of them where no format is told."""
    policy = saved.get("policy")
    if "format" not in saved or not isinstance(policy, np.ndarray) or policy.ndim != 3:
        return num_actions
    return min(int(policy.shape[2]), num_actions)


def policy_of(
    saved: Mapping[str, Any], move: int, lanes: np.ndarray, actions: Actions
) -> NDArray[np.float32]:
    """[B, L], the policies of the ``lanes`` [B] at a move, for the legal ``actions`` [B, L]."""
    policy = saved["policy"][move, lanes]
    if "format" not in saved:
        return of_listed(policy, actions)
    return resized(policy, actions.shape[1])


def restore_random(rng: np.random.Generator, state: object) -> None:
    """Sets ``rng`` to a state written as JSON; ValueError with a sentence where it is none."""
    try:
        rng.bit_generator.state = json.loads(str(state))
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        raise ValueError(f"{_DAMAGED}: 'rng' is no state of a random generator") from error


def check_moves(legal: np.ndarray, action: np.ndarray) -> None:
    """Raises ValueError unless each ``action`` [B] is one of those ``legal`` [B, A]."""
    inside = (action >= 0) & (action < legal.shape[1])
    if not inside.all() or not legal[np.arange(len(action)), action].all():
        raise ValueError(f"{_DAMAGED}: a move in them is not legal")


def check_alive(discount: np.ndarray) -> None:
    """Raises ValueError where a game is over, ``discount`` [B] = 0, and should go on."""
    if not discount.all():
        raise ValueError(f"{_DAMAGED}: one of them is over")
