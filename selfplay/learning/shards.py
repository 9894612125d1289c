"""The replay window on disk: positions that a run made, a sealed .npz file for each checkpoint."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from selfplay import arrays
from selfplay.learning.checkpoint import DamagedError, read_sealed, write_sealed
from selfplay.learning.samples import (
    blank_targets,
    listed,
    of_listed,
    trimmed,
    widths_of,
    with_lists,
)
from selfplay.system.size_limits import refuse_swollen_zip
from selfplay.types import NO_ACTION, Game, Targets

FORMAT = 2
_PREFIX = "targets"


class Made(NamedTuple):
    """Which of the positions that a run made are in a shard."""

    seed: int  # of the run
    iteration: int  # of the checkpoint that it was written with
    first: int  # positions made before
    total: int  # and up to its end


def save_shard(path: Path, samples: Targets, num_actions: int, made: Made | None = None) -> None:
    """Writes samples of a game of ``num_actions`` as one uncompressed .npz file.

    An array for each field of Targets, by its name: targets_policy; those of an observation are
    targets_obs_FIELD.
    """
    samples = trimmed(samples)
    fields = dict(zip(arrays.names_of(samples, _PREFIX), arrays.leaves(samples), strict=True))
    fields |= {"format": np.array(FORMAT), "num_actions": np.array(num_actions)}
    if made is not None:
        fields["made"] = np.array(made, np.int64)
    write_sealed(path, lambda file: np.savez(file, **fields))  # type: ignore[arg-type]


def load_shard(path: Path, game: Game) -> tuple[Targets, Made | None]:
    """The samples of a file, and which they are; None where it does not say.

    Raises DamagedError when the file is damaged or missing, ValueError when it holds samples of
    another game, or was written by a later version.
    """
    with _reading(path), np.load(io.BytesIO(read_sealed(path)), allow_pickle=False) as file:
        held = {name: file[name] for name in file.files}
        made = Made(*held.pop("made").tolist()) if "made" in held else None
        version = int(held.pop("format", 1))
        if len({len(field) for field in held.values() if field.ndim}) != 1:
            raise ValueError("fields of unequal length")
    if version > FORMAT:
        raise ValueError(f"{path} has replay format {version}, this version reads up to {FORMAT}")
    with _reading(path):
        held = _upgraded(held, game) if version == 1 else held
        samples = _checked(held, game)
    if samples is None:
        raise ValueError(f"{path} holds positions of another game than the run's")
    return samples, made


def _upgraded(held: dict[str, Any], game: Game) -> dict[str, Any]:
    """What a file of the first versions holds, as one of the second would.

    Its fields were numbered, and its policies were of all actions: observation, legal, policy,
    value, reply, weights of policy and value, and one that was 0.
    """
    numbered = [held[f"field{i}"] for i in range(len(held))]
    *obs, legal, policy, value, reply, policy_weight, value_weight, _ = numbered
    actions, replies = listed(legal), listed(reply > 0)
    policy, reply = of_listed(policy, actions), of_listed(reply, replies)
    fields = [*obs, actions, policy, value, replies, reply, policy_weight, value_weight]
    names = arrays.names_of(blank_targets(game), _PREFIX)
    return {**dict(zip(names, fields, strict=False)), "num_actions": legal.shape[1]}


def _checked(held: dict[str, Any], game: Game) -> Targets | None:
    """The samples in an open file; None where they are not of the game."""
    like = blank_targets(game)
    names = arrays.names_of(like, _PREFIX)
    if held.pop("num_actions", None) != game.num_actions or set(held) != set(names):
        return None
    rest = iter(held[name] for name in names)
    samples = arrays.tree_map(lambda _: next(rest), like)
    fitting = with_lists(samples, *widths_of(like))  # these may be of any length
    for field, expected in zip(arrays.leaves(fitting), arrays.leaves(like), strict=True):
        if (field.shape[1:], field.dtype) != (expected.shape[1:], expected.dtype):
            return None
    lists = (samples.actions, samples.policy), (samples.reply_actions, samples.reply)
    for actions, chances in lists:
        if ((actions < NO_ACTION) | (actions >= game.num_actions)).any():
            raise ValueError("an action that the game has not")
        if actions.shape != chances.shape:
            raise ValueError("lists of unequal length")
    return samples


def count_samples(path: Path) -> int:
    """How many samples a file of ``save_shard`` holds, from one small field; or DamagedError."""
    with _reading(path):
        refuse_swollen_zip(path)
    with _reading(path), np.load(path, allow_pickle=False) as file:
        numbered = [name for name in file.files if name.startswith("field")]
        last = f"field{len(numbered) - 1}" if numbered else f"{_PREFIX}_value_weight"
        return len(file[last])


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turns what numpy raises on a damaged file into a sentence."""
    try:
        yield
    except Exception as error:  # damaged bytes make numpy and zipfile raise almost anything
        raise DamagedError(f"{path} is missing or damaged") from error
