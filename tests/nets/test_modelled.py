"""The modelled device: its answers, its time, and who may use it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import envs
from selfplay import arrays
from selfplay.nets import Mlp
from selfplay.nets.inference import EvaluatorSection
from selfplay.nets.modelled import ModelledDevice, Pace
from selfplay.shared_rows import GROUPS, SharedRows
from selfplay.system.workers import CONTEXT

GAME = envs.make("tictactoe")


def positions(count: int) -> Any:
    """The position before the first move, and ``count - 1`` after one."""
    state = GAME.init(np.random.default_rng(0), count)
    moved, _ = GAME.step(state, np.arange(count, dtype=np.int32) % 9)
    return arrays.concatenate([arrays.take(state, slice(0, 1)), arrays.take(moved, slice(1, None))])


def device(name: str) -> ModelledDevice:
    fields = arrays.leaves(GAME.observe(positions(1)))
    return ModelledDevice(fields, 9, Pace.parse(name))


class Asked:
    """A device, and rooms of one place for nine rows."""

    def __init__(self, device: ModelledDevice) -> None:
        memory = SharedRows(CONTEXT, device.forms, device.actions, GROUPS, 9)
        self.rooms = memory.views().rooms
        self._channels = [device.channel(room) for room in self.rooms]

    def ask(self, state: Any, number: int = 0) -> Any:
        fields = arrays.leaves(GAME.observe(state))
        for room, field in zip(self.rooms[number].fields, fields, strict=True):
            room[0, : len(field)] = field
        return self._channels[number].ask(np.array([len(fields[0])]))

    def answers(self, state: Any) -> Any:
        assert self.ask(state).finite()
        return self.rooms[0].answers[: arrays.length(state)].copy()


def test_equal_positions_have_equal_answers_wherever_they_stand() -> None:
    asked, state = Asked(device("fake:0,0")), positions(9)
    first = asked.answers(state)
    assert first.shape == (9, 11)
    assert len(np.unique(first, axis=0)) == 9
    assert (np.abs(first[:, :9]) <= 2).all()
    assert (np.abs(first[:, 9]) <= 0.8).all()
    assert ((first[:, 10] >= 0) & (first[:, 10] < 0.2)).all()
    order = np.array([4, 0, 8])
    np.testing.assert_array_equal(asked.answers(arrays.take(state, order)), first[order])
    section = EvaluatorSection(device="fake:0,0")
    evaluator = section.inference(Mlp().build(GAME), GAME, modelled=True).evaluator(
        Mlp().build(GAME), GAME
    )
    found = evaluator(GAME, state)
    np.testing.assert_array_equal(found.logits, first[:, :9])
    np.testing.assert_array_equal(found.value, first[:, 9])


def test_one_batch_is_computed_after_the_other() -> None:
    asked, state = Asked(device("fake:30000,2000")), positions(5)
    start = time.perf_counter()
    both = [asked.ask(state, number) for number in range(2)]
    assert not both[0].ready()
    both[0].finite()
    assert time.perf_counter() - start >= 0.04  # 30 ms and 5 x 2 ms
    both[1].finite()
    assert time.perf_counter() - start >= 0.08
    assert both[1].ready()
    assert both[1].device_s() == pytest.approx(0.04)


@pytest.mark.parametrize("name", ["fake:", "fake:150", "fake:150,0.25,3", "fake:-1,0", "fake:a,b"])
def test_a_name_that_says_no_times(name: str) -> None:
    with pytest.raises(ValueError, match=r"as in fake:150,0\.25"):
        EvaluatorSection(device=name).inference(Mlp().build(GAME), GAME, modelled=True)


def test_nobody_but_the_bench_asks_it() -> None:
    with pytest.raises(ValueError, match="for `selfplay bench` alone: its answers mean nothing"):
        EvaluatorSection(device="fake:150,0.25").inference(Mlp().build(GAME), GAME)
