"""Fully connected nets, for any game."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from selfplay import arrays
from selfplay.nets.base import (
    SMALLER_NET,
    Entry,
    Heads,
    Net,
    NetOptions,
    Trainable,
    enough_memory,
    example,
)
from selfplay.types import Game


class Mlp(NetOptions):
    """Fully connected layers on the flattened observation; for any game."""

    kind: Literal["mlp"] = "mlp"
    width: int = Field(128, ge=1, le=1 << 16)
    """units a layer"""
    layers: int = Field(2, ge=1, le=256)
    """hidden layers"""
    reply_head: bool = False
    """also predict the policy target of the next position"""

    @enough_memory(SMALLER_NET)
    def build(self, game: Game) -> Net:
        """A net with fresh weights from torch's random state.

        Raises ValueError when the memory is too small for it.
        """
        size = sum(int(np.prod(field.shape[1:])) for field in arrays.leaves(example(game)))
        stack: list[nn.Module] = []
        for layer in range(self.layers):
            stack += [nn.Linear(size if layer == 0 else self.width, self.width), nn.ReLU()]
        return Net(_Flatten(), nn.Sequential(*stack), _MlpHeads(self, game.num_actions))


class _Flatten(Entry):
    """All fields flattened, side by side."""

    def forward(self, fields: list[Tensor]) -> Tensor:
        return torch.cat([field.flatten(1).to(self.like.dtype) for field in fields], 1)


class _MlpHeads(Trainable):
    def __init__(self, section: Mlp, actions: int) -> None:
        super().__init__()
        self.policy = nn.Linear(section.width, actions)
        self.value = nn.Linear(section.width, 3)
        self.reply = nn.Linear(section.width, actions) if section.reply_head else None

    def forward(self, x_MC: Tensor) -> Heads:
        reply = self.reply(x_MC) if self.reply is not None else None
        return Heads(self.policy(x_MC), self.value(x_MC), reply)

    def slim(self) -> None:
        self.reply = None
