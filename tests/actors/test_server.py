"""The server of two groups of actors: when a group's batch is under way."""

from __future__ import annotations

import select
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from reference import random_positions
from small_games import GAME

from selfplay import arrays
from selfplay.actors.server import Server
from selfplay.actors.slot import LEFT, RemoteEvaluator
from selfplay.nets.modelled import ModelledDevice, Pace
from selfplay.shared_rows import GROUPS


class Counting(ModelledDevice):
    """Notes what each batch was asked."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.asked: list[list[int]] = []

    def channel(self, room: Any) -> Any:
        channel = super().channel(room)
        own = channel.ask

        def ask(counts: Any) -> Any:
            self.asked.append(counts.tolist())
            return own(counts)

        channel.ask = ask  # type: ignore[method-assign]
        return channel


def test_a_group_is_whole_when_all_have_knocked() -> None:
    """A number that can be seen before its positions are there, on cores that hand on what was
    written in any order, counts for nothing.
    """
    state = random_positions(GAME, np.random.default_rng(0), 9, 5)
    device = Counting(arrays.leaves(GAME.observe(state)), GAME.num_actions, Pace.parse("fake:0,0"))
    server = Server(device, GROUPS + 1, 64)
    slots = [server.enter(number) for number in range(GROUPS + 1)]
    first, other, second = (RemoteEvaluator(slot, 0, lambda: None) for slot in slots)
    server.begin()
    serving = threading.Thread(target=server.serve, args=(select.poll(), pytest.fail))
    serving.start()
    other.leave()
    second._asked[:2] = 1, 9  # seen before the knock, and before the positions
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(first, GAME, state)
        with pytest.raises(TimeoutError):
            answer.result(0.3)
        assert not device.asked
        second._asked[:2] = 0
        second._ask(LEFT)
        assert answer.result(20).logits.shape == (9, GAME.num_actions)
    first.leave()
    serving.join(20)
    assert not serving.is_alive()
    distinct = len(np.unique(GAME.observe(state).planes, axis=0))
    assert device.asked == [[distinct, 0]]
