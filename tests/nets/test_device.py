"""What a device copies back into the room of those who asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from selfplay.nets.base import Heads
from selfplay.nets.device import DeviceNet
from selfplay.shared_rows import GROUPS, SharedRows
from selfplay.system.workers import CONTEXT


class Wide(nn.Module):
    """A net of few numbers in and many moves out: the number of the position, move by move."""

    def __init__(self, actions: int) -> None:
        super().__init__()
        self.moves = nn.Parameter(torch.arange(actions, dtype=torch.float32))

    def fused(self) -> Wide:
        return self

    def forward(self, fields: Any) -> Heads:
        (seen,) = fields
        return Heads(seen.float() * self.moves, torch.zeros(len(seen), 3), None)


@pytest.mark.parametrize(("actions", "whole"), [(7, True), (9000, False)])
def test_of_thousands_of_moves_only_what_was_asked_comes_back(actions: int, whole: bool) -> None:
    field = np.zeros((1, 1), np.int8)
    net: Any = Wide(actions)
    device = DeviceNet(net, [field], actions, "cpu", torch.float32)
    memory = SharedRows(CONTEXT, device.forms, actions, 2 * GROUPS, 64)
    room = memory.views().rooms[0]
    room.fields[0][0, :2, 0], room.fields[0][1, :1, 0] = (1, 2), 3
    channel = device.channel(room)
    room.answers[:] = -1
    assert channel.ask(np.array([2, 1])).finite()
    asked = [0, 1, 64]
    logits = np.outer([1, 2, 3], np.arange(actions, dtype=np.float32))
    np.testing.assert_array_equal(room.answers[asked, :actions], logits)
    others = np.setdiff1d(np.arange(128), asked)
    assert (room.answers[others] == -1).all() == (not whole)
