"""A net on hashed term walks, for the proving game: learned sums of features, and small layers.

Shape suffixes: M positions, A options, R options that are there, D features, W width.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from envs.proving.views.walks import TABLE, WalksObs
from selfplay.nets.base import (
    SMALLER_NET,
    Counted,
    Heads,
    Net,
    NetOptions,
    enough_memory,
    example,
)
from selfplay.types import Game


class Walks(NetOptions):
    """Each inference is scored from its walks and those of the position (rlCoP's features).

    Kaliszyk, Urban, Michalewski, Olsak 2018, "Reinforcement learning of theorem proving".
    """

    view: ClassVar[str] = "walks"
    kind: Literal["walks"] = "walks"
    features: int = Field(32, ge=1, le=4096)
    """learned numbers a walk"""
    width: int = Field(128, ge=1, le=1 << 16)
    """of the layers"""
    dropout: float = Field(0.1, ge=0, lt=1)
    """of the sums, while learning"""

    @enough_memory(SMALLER_NET)
    def build(self, game: Game) -> Net:
        """A net with fresh weights from torch's random state.

        Raises ValueError when the game does not show walks, or when the memory is too small.
        """
        if not isinstance(example(game), WalksObs):
            raise ValueError(
                f"net kind 'walks' needs the proving game with view=walks; {game.name} shows "
                f"something else"
            )
        return Net(_Sums(self), _Position(self), _Scores(self))


_Parts = tuple[Tensor, Tensor, Tensor, Tensor]  # of positions, options, biases; which are there


class _Sums(nn.Module):
    """Walks -> sums of what was learned of each: of the positions, of the options, and a bias."""

    def __init__(self, section: Walks) -> None:
        super().__init__()
        self.context = nn.EmbeddingBag(TABLE, section.features, mode="sum", padding_idx=0)
        self.option = nn.EmbeddingBag(TABLE, section.features, mode="sum", padding_idx=0)
        self.bias = nn.EmbeddingBag(TABLE, 1, mode="sum", padding_idx=0)
        for table, scale in ((self.context, 0.1), (self.option, 0.1), (self.bias, 0.0)):
            nn.init.normal_(table.weight, std=scale)
            with torch.no_grad():
                table.weight[0] = 0
        self.drop = nn.Dropout(section.dropout)

    def forward(self, fields: list[Tensor]) -> _Parts:
        context, options = (field.int() for field in fields)
        there = options[:, :, 0] != 0
        rows = options[there]
        x_MD = self.drop(self.context(context))
        y_RD = self.drop(self.option(rows))
        return x_MD, y_RD, self.bias(rows), there


class _Position(nn.Module):
    """Two layers on the sums of the position; options pass as they are."""

    def __init__(self, section: Walks) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(section.features),
            Counted(section.features, section.width),
            nn.ReLU(),
            Counted(section.width, section.width),
            nn.ReLU(),
        )

    def forward(self, sums: _Parts) -> _Parts:
        return self.layers(sums[0]), *sums[1:]


class _Scores(nn.Module):
    """One number for each option, and the chance of closing the tableau."""

    def __init__(self, section: Walks) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(section.features)
        self.meet = Counted(section.width, section.features)
        self.hidden = Counted(3 * section.features, section.width // 2)
        self.score = Counted(section.width // 2, 1)
        self.value = Counted(section.width, 3)

    def forward(self, parts: _Parts) -> Heads:
        x_MW, y_RD, bias_R1, there_MA = parts
        position = there_MA.nonzero()[:, 0]
        y_RD = self.norm(y_RD)
        x_RD = self.meet(x_MW)[position]
        together = torch.cat([y_RD, x_RD, y_RD * x_RD], 1)
        score_R1 = self.score(torch.relu(self.hidden(together))) + bias_R1
        policy_MA = score_R1.new_zeros(there_MA.shape)
        policy_MA[there_MA] = score_R1[:, 0]
        return Heads(policy_MA, self.value(x_MW), None)
