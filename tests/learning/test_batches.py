"""Batches for a GPU are those of the CPU, and symmetries as gathers are the game's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from examples import example
from numpy.typing import NDArray
from test_learner import random_samples

from envs.tictactoe import TicTacToe
from selfplay import arrays
from selfplay.learning import batches
from selfplay.learning.batches import ahead, one_by_one, turns_of
from selfplay.learning.samples import Held
from selfplay.types import NO_ACTION, Game, Samples, Tried


def tried(game: Game, count: int) -> Tried:
    samples, rng = random_samples(game, count), np.random.default_rng(0)
    chance, advantage = rng.random((2, count)).astype(np.float32)
    action = samples.actions[:, 0].astype(np.int32)
    return Tried(samples.obs, samples.actions, action, chance, advantage, samples.value)


def draws(count: int, size: int, steps: int) -> Iterator[NDArray[np.int64]]:
    rng = np.random.default_rng(7)
    return (rng.permutation(count)[:size] for _ in range(steps))


@pytest.mark.parametrize(
    "spec", ["tictactoe", "connect4?width=5&height=4&run=3", "othello?size=6", None]
)
@pytest.mark.parametrize("make", [random_samples, tried])
@pytest.mark.parametrize("load", [1, 40, 10_000])  # samples: less than a batch, a few batches, all
def test_batches_by_the_load_are_those_drawn_one_by_one(
    spec: str | None, make: Callable[[Game, int], Samples], load: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr(batches, "_AHEAD", load)
    game = example(spec) if spec else None
    samples = make(game or TicTacToe(), 50)
    turns = turns_of(game, samples.obs, "cpu") if game else None
    one, other = (np.random.default_rng(3) for _ in range(2))
    expected = list(one_by_one(Held(samples), draws(50, 16, 5), game, one, "cpu"))
    loaded = list(ahead(Held(samples), draws(50, 16, 5), turns, other, "cpu"))
    assert one.random() == other.random()
    assert len(loaded) == 5
    for a, b in zip(expected, loaded, strict=True):
        fields = list(zip(map(arrays.leaves, a), map(arrays.leaves, b), strict=True))
        for before, after in ((x, y) for xs, ys in fields for x, y in zip(xs, ys, strict=True)):
            assert before.dtype == after.dtype
            shared = after[:, : before.shape[1]] if before.ndim == 2 else after
            assert torch.equal(before, shared)
            if before.ndim == 2 and len(after[0]) > len(before[0]):  # lists, filled up
                rest = after[:, before.shape[1] :]
                assert after.shape[1] % 8 == 0
                assert (rest == (0 if rest.is_floating_point() else NO_ACTION)).all()


class Two(NamedTuple):
    near: NDArray[Any]  # [B, 3]
    far: NDArray[Any]  # [B, 3]


class Mirror:
    """A game of two rows of numbers with one symmetry beside the identity."""

    num_actions, action_map = 2, np.array([[0, 1], [1, 0]])

    def __init__(self, turn: Callable[[Two], Two]) -> None:
        self.turn = turn

    def transform(self, obs: Two, k: int) -> Two:
        return self.turn(obs) if k else obs


def narrow(obs: Two) -> Two:
    if obs.near.dtype != np.int8:
        raise TypeError("it has to be int8")
    return Two(obs.near[:, ::-1], obs.far)


@pytest.mark.parametrize(
    ("turn", "gathers"),
    [
        (lambda o: Two(o.near[:, ::-1], o.far), True),
        (lambda o: Two(o.near[:, [0, 0, 2]], o.far), False),
        (lambda o: Two(-o.near, o.far), False),
        (lambda o: Two(o.far, o.near), False),
        (lambda o: Two(np.where(o.near > 1, 1, o.near[:, ::-1]), o.far), False),
        (lambda o: Two(np.where(o.near == 9, 9, o.near[:, ::-1]), o.far), False),
        (narrow, False),
    ],
    ids=["mirror", "copy", "negative", "crossed", "clipped", "one number stays", "refuses"],
)
def test_symmetries_that_only_move_numbers_become_gathers(turn: Any, gathers: bool) -> None:
    obs = Two(np.array([[9, 0, 1], [4, 5, 6]], np.int8), np.array([[1, 0, 2]] * 2, np.int8))
    assert (turns_of(Mirror(turn), obs, "cpu") is not None) == gathers
