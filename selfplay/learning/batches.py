"""Batches for a net to learn from: drawn from samples, turned, and brought to where the net is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfplay import arrays
from selfplay.learning.samples import Source, resized, transformed, widths_of, with_lists
from selfplay.types import NO_ACTION, Obs, Samples, Tried

Draws = Iterator[NDArray[np.int64]]  # the rows of one batch after the other

_AHEAD = 8192  # samples that are brought to a GPU at once, for one step or several
_WIDTH = 8  # lists of actions are as long as a multiple of it there: few shapes, few graphs


def tensors(device: str, samples: Samples, rows: slice = slice(None)) -> Any:
    """The samples in ``rows`` with tensors on ``device`` in the place of arrays."""
    return arrays.tree_map(
        lambda array: torch.from_numpy(np.ascontiguousarray(array[rows])).to(device), samples
    )


def one_by_one(
    samples: Source, draws: Draws, game: Any, rng: np.random.Generator, device: str
) -> Iterator[Any]:
    """Batch after batch, under random symmetries of ``game``, if there is one: Symmetric."""
    for rows in draws:
        batch = samples.take(rows)
        yield tensors(device, batch if game is None else transformed(game, batch, rng))


def ahead(
    samples: Source, draws: Draws, turns: Turns | None, rng: np.random.Generator, device: str
) -> Iterator[Any]:
    """The batches of ``one_by_one``, brought to a GPU by the thousand while it learns from others.

    Same generator, same batches; lists of actions are filled up, which changes no loss.  At most
    two loads are on their way, so that what is queued takes little memory however fast it comes.
    """
    drawn = ((rows, _symmetry(turns, len(rows), rng)) for rows in draws)
    arrived = None
    for first in drawn:
        size = len(first[0])
        load = [first, *itertools.islice(drawn, max(0, _AHEAD // size - 1))]
        rows, symmetry = (np.concatenate(parts) for parts in zip(*load, strict=True))
        chosen = _filled_up(samples.take(rows))
        if arrived is not None:
            arrived.synchronize()
        batches = arrays.tree_map(lambda array: _upload(array, device), chosen)
        if turns is not None:
            batches = turns(batches, _upload(symmetry, device))
        if torch.device(device).type == "cuda":
            arrived = torch.cuda.Event(blocking=True)
            arrived.record(torch.cuda.current_stream(device))
        for start in range(0, len(rows), size):
            yield arrays.take(batches, slice(start, start + size))


class Turns(NamedTuple):
    """K symmetries of a game as gathers, of observations whose fields hold n numbers each."""

    origin: Any  # for each field [K, n] i64, from where in it a number comes
    becomes: Tensor  # [K, A + 1] i64, what becomes of an action; the last stands for NO_ACTION

    def __call__(self, samples: Any, symmetry: Tensor) -> Any:
        """``samples.transformed`` on tensors, under the symmetries [M] that were drawn."""

        def turned(field: Tensor, origin: Tensor) -> Tensor:
            flat = field.reshape(len(field), -1)
            return flat.gather(1, origin[symmetry]).view(field.shape)

        def renamed(lists: Tensor) -> Tensor:
            columns = self.becomes.shape[1]  # a remainder is never negative: -1 finds the last
            index = symmetry[:, None] * columns + lists.long().remainder(columns)
            return torch.take(self.becomes, index).to(lists.dtype)

        obs, tried = arrays.tree_map(turned, samples.obs, self.origin), isinstance(samples, Tried)
        if tried:
            action = renamed(samples.action[:, None])[:, 0]
            return samples._replace(obs=obs, actions=renamed(samples.actions), action=action)
        return samples._replace(
            obs=obs,
            actions=renamed(samples.actions),
            reply_actions=renamed(samples.reply_actions),
        )


def turns_of(game: Any, obs: Obs, device: str) -> Turns | None:
    """The symmetries of ``game``, asked of ``game.transform`` on numbered observations.

    None where they do more than move numbers within a field, which ``obs``, real positions, tells.
    """
    starts = itertools.accumulate((field[0].size for field in arrays.leaves(obs)), initial=0)

    def numbers(field: NDArray[Any]) -> Any:  # no number stands in two fields
        return next(starts) + np.arange(field[0].size).reshape(1, *field.shape[1:])

    def origin_of(moved: NDArray[np.int64], numbered: NDArray[np.int64]) -> Any:
        return moved.reshape(1, -1) - numbered.min(initial=moved.max(initial=0))

    numbered, origins = arrays.tree_map(numbers, obs), []
    for k in range(len(game.action_map)):
        try:
            origin = arrays.tree_map(origin_of, game.transform(numbered, k), numbered)
        except Exception:  # a user's game may refuse numbers that no position holds
            return None
        expected = game.transform(obs, k)
        for field, cells, wanted in zip(*map(arrays.leaves, (obs, origin, expected)), strict=True):
            flat = field.reshape(len(field), -1)
            if not np.array_equal(np.sort(cells[0]), np.arange(flat.shape[1])):
                return None
            if not np.array_equal(flat[:, cells[0]].reshape(field.shape), wanted):
                return None
        origins.append(origin)
    becomes = np.full((len(game.action_map), game.num_actions + 1), NO_ACTION, np.int64)
    becomes[:, :-1] = game.action_map
    origin = arrays.tree_map(lambda array: _upload(array, device), arrays.concatenate(origins))
    return Turns(origin, _upload(becomes, device))


def _symmetry(turns: Turns | None, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """As ``transformed`` draws them; nothing is drawn where there are none."""
    if turns is None:
        return np.zeros(count, np.int64)
    return rng.integers(len(turns.becomes), size=count)


def _filled_up(samples: Any) -> Any:
    """The samples with lists of actions whose length is a multiple of ``_WIDTH``."""
    if isinstance(samples, Tried):
        width = -(-samples.actions.shape[1] // _WIDTH) * _WIDTH
        return samples._replace(actions=resized(samples.actions, width, NO_ACTION))
    return with_lists(samples, *(-(-width // _WIDTH) * _WIDTH for width in widths_of(samples)))


def _upload(array: NDArray[Any], device: str) -> Tensor:
    """The array on ``device``; a GPU fetches it when what it was given before is done."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if torch.device(device).type == "cuda" and array.size:
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
