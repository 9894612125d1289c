"""Residual convolutions for boards.

Shape suffixes: M positions, C channels, H x W board, A actions, 3 = win, draw, loss.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

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
from selfplay.nets.convolution import convolve
from selfplay.nets.normalisation import board_summary, norm_relu
from selfplay.types import Game

_FUSED = True  # on CUDA cuDNN adds bias and skip and takes the relu in the convolution's kernel


class ResNet(NetOptions):
    """Residual convolutions for board observations, with global pooling (Wu 2019, section 3.3)."""

    kind: Literal["resnet"] = "resnet"
    channels: int = Field(64, ge=1, le=4096)
    """channels of each convolution"""
    blocks: int = Field(5, ge=1, le=1024)
    """residual blocks of two 3x3 convolutions"""
    pool_every: int = Field(2, ge=0, le=1024)
    """every `pool_every`-th block sees means and maxima over the board; 0: none"""
    head_channels: int = Field(16, ge=1, le=4096)
    """channels of the policy head, and of the value head"""
    value_width: int = Field(64, ge=1, le=1 << 16)
    """hidden units of the value head"""
    reply_head: bool = False
    """also predict the policy target of the next position"""

    @enough_memory(SMALLER_NET)
    def build(self, game: Game) -> Net:
        """A net with fresh weights from torch's random state.

        Raises ValueError when the game's observation is not a single stack of planes, or when the
        memory is too small.
        """
        fields = arrays.leaves(example(game))
        if len(fields) != 1 or fields[0].ndim != 4:
            shapes = ", ".join(str(field.shape[1:]) for field in fields)
            raise ValueError(
                f"net kind 'resnet' needs an observation of planes [C, H, W]; {game.name} has "
                f"{shapes}; use net.kind = 'mlp'"
            )
        _, planes, height, width = fields[0].shape
        blocks = [
            _Block(self.channels, bool(self.pool_every) and (i + 1) % self.pool_every == 0)
            for i in range(self.blocks)
        ]
        stem = _ConvNorm(planes, self.channels, 3)
        heads = _BoardHeads(self, height * width, game.num_actions)
        trunk = nn.Sequential(stem, nn.Identity(), *blocks)  # so weights have the names they had
        net = Net(_Planes(), trunk, heads)
        return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


class _Planes(Entry):
    """The one field of a board observation, channels last."""

    def forward(self, fields: list[Tensor]) -> Tensor:
        return fields[0].to(dtype=self.like.dtype, memory_format=torch.channels_last)


class _ConvNorm(Trainable):
    """Convolution, batch normalisation, which inference folds into it, and relu."""

    def __init__(self, inputs: int, outputs: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.conv = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)

    def forward(self, x_MCHW: Tensor, skip_MCHW: Tensor | None = None) -> Tensor:
        """relu of both, or of ``skip`` plus them."""
        if isinstance(self.norm, nn.BatchNorm2d) and self.training and not x_MCHW.is_cuda:
            return norm_relu(convolve(self.conv, x_MCHW), self.norm, skip_MCHW)
        y_MCHW = self.norm(self.conv(x_MCHW))
        return torch.relu(y_MCHW if skip_MCHW is None else skip_MCHW + y_MCHW)

    def relu(self, x_MCHW: Tensor, skip_MCHW: Tensor | None = None) -> Tensor:
        """The same, by one kernel where inference on CUDA may fuse."""
        if _FUSED and x_MCHW.is_cuda and isinstance(self.norm, nn.Identity):
            ones, padding = [1, 1], [self.size // 2] * 2
            weight, bias = self.conv.weight, self.conv.bias
            if skip_MCHW is None:
                return torch.cudnn_convolution_relu(x_MCHW, weight, bias, ones, padding, ones, 1)
            return torch.cudnn_convolution_add_relu(
                x_MCHW, weight, skip_MCHW, 1.0, bias, ones, padding, ones, 1
            )
        answer: Tensor = self(x_MCHW, skip_MCHW)
        return answer

    def slim(self) -> None:
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


class _Block(nn.Module):
    """Two convolutions around a skip; ``pooled`` adds what the whole board looks like to each."""

    def __init__(self, channels: int, pooled: bool) -> None:
        super().__init__()
        self.first = _ConvNorm(channels, channels, 3)
        self.second = _ConvNorm(channels, channels, 3)
        nn.init.zeros_(self.second.norm.weight)  # type: ignore[arg-type]  # starts as the identity
        self.pool = nn.Linear(2 * channels, channels) if pooled else None

    def forward(self, x_MCHW: Tensor) -> Tensor:
        y_MCHW = self.first.relu(x_MCHW)
        if self.pool is not None:
            y_MCHW = y_MCHW + self.pool(_board_summary(y_MCHW))[:, :, None, None]
        return self.second.relu(y_MCHW, x_MCHW)


def _board_summary(x_MCHW: Tensor) -> Tensor:
    """Mean and maximum of each channel over the board, side by side: [M, 2C]."""
    if x_MCHW.requires_grad and not x_MCHW.is_cuda:
        return board_summary(x_MCHW)
    if x_MCHW.is_cuda:  # has no pooling kernel for channels last: it copies, and one thread works
        highest = x_MCHW.amax((2, 3))
    else:  # where amax is 12 times slower
        highest = functional.adaptive_max_pool2d(x_MCHW, 1).flatten(1)
    return torch.cat([x_MCHW.mean((2, 3)), highest], 1)


class _BoardHeads(Trainable):
    def __init__(self, section: ResNet, cells: int, actions: int) -> None:
        super().__init__()
        width = section.head_channels
        self.squeeze = _ConvNorm(section.channels, 2 * width, 1)
        self.width = width
        self.policy = nn.Linear(width * cells, actions)
        self.reply = nn.Linear(width * cells, actions) if section.reply_head else None
        self.hidden = nn.Linear(width * cells + 2 * section.channels, section.value_width)
        self.value = nn.Linear(section.value_width, 3)

    def forward(self, x_MCHW: Tensor) -> Heads:
        both = self.squeeze(x_MCHW)
        policy = both[:, : self.width].flatten(1)
        wide = torch.cat([both[:, self.width :].flatten(1), _board_summary(x_MCHW)], 1)
        value = self.value(torch.relu(self.hidden(wide)))
        reply = self.reply(policy) if self.reply is not None else None
        return Heads(self.policy(policy), value, reply)

    def slim(self) -> None:
        self.reply = None
