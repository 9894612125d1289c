"""Policy/value nets, built from their section of the config.

Shape suffixes: M positions, C channels, H x W board, A actions, 3 = win, draw, loss.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from selfplay import arrays
from selfplay.types import Game, Obs


@contextlib.contextmanager
def enough_memory(smaller: str) -> Iterator[None]:
    """Turns torch's errors for want of memory into a ValueError that names what to make smaller.

    Other errors pass as they are.
    """
    try:
        yield
    except RuntimeError as error:
        gpu = isinstance(error, torch.cuda.OutOfMemoryError)
        if not gpu and "DefaultCPUAllocator" not in str(error):
            raise
        place = "the GPU's memory" if gpu else "this machine's memory"
        raise ValueError(f"{place} is too small for this; make smaller: {smaller}") from error


_SMALLER_NET = "the net (net.channels and net.blocks, or net.width and net.layers)"


class Heads(NamedTuple):
    """What a net answers, for the player to move."""

    policy_MA: Tensor  # logits
    value_M3: Tensor  # logits of win, draw, loss
    reply_MA: Tensor | None  # logits of the policy after the move played; training only


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mlp(Section):
    """Fully connected layers on the flattened observation; for any game."""

    kind: Literal["mlp"] = "mlp"
    width: int = Field(128, ge=1)
    layers: int = Field(2, ge=1)
    reply_head: bool = False  # also predict the policy target of the next position

    @enough_memory(_SMALLER_NET)
    def build(self, game: Game) -> Net:
        """A net with fresh weights from torch's random state.

        Raises ValueError when the memory is too small for it.
        """
        size = sum(int(np.prod(field.shape[1:])) for field in arrays.leaves(_example(game)))
        stack: list[nn.Module] = []
        for layer in range(self.layers):
            stack += [nn.Linear(size if layer == 0 else self.width, self.width), nn.ReLU()]
        return Net(_Flatten(), nn.Sequential(*stack), _MlpHeads(self, game.num_actions))


class ResNet(Section):
    """Residual convolutions for board observations, with global pooling (Wu 2019, section 3.3)."""

    kind: Literal["resnet"] = "resnet"
    channels: int = Field(64, ge=1)
    blocks: int = Field(5, ge=1)
    pool_every: int = Field(2, ge=0)  # every so manieth block sees the whole board; 0 = none
    head_channels: int = Field(16, ge=1)
    value_width: int = Field(64, ge=1)
    reply_head: bool = False  # also predict the policy target of the next position

    @enough_memory(_SMALLER_NET)
    def build(self, game: Game) -> Net:
        """A net with fresh weights from torch's random state.

        Raises ValueError when the game's observation is not a single stack of planes, or when the
        memory is too small.
        """
        fields = arrays.leaves(_example(game))
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
        net = Net(_Planes(), nn.Sequential(stem, nn.ReLU(), *blocks), heads)
        return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


NetSection = Annotated[Mlp | ResNet, Field(discriminator="kind")]


class Net(nn.Module):
    """Observation -> trunk -> heads."""

    def __init__(self, entry: nn.Module, trunk: nn.Module, heads: nn.Module) -> None:
        super().__init__()
        self.entry, self.trunk, self.heads = entry, trunk, heads

    def forward(self, fields: list[Tensor]) -> Heads:
        heads: Heads = self.heads(self.trunk(self.entry(fields)))
        return heads

    def fused(self) -> Net:
        """A copy for inference: batch normalisation folded into the convolutions, no reply head."""
        twin = copy.deepcopy(self).eval()
        for module in twin.modules():
            if isinstance(module, _ConvNorm):
                module.fuse()
            if isinstance(module, _MlpHeads | _BoardHeads):
                module.reply = None
        return twin.requires_grad_(False)


def obs_tensors(obs: Obs) -> list[Tensor]:
    """The fields of an observation as tensors that share its memory where they can."""
    return [torch.from_numpy(np.ascontiguousarray(field)) for field in arrays.leaves(obs)]


def parameter_count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def forward_flops(net: Net, game: Game) -> int:
    """FLOPs of one position through the inference net, at 2 a multiply-add (torch's counter)."""
    from torch.utils.flop_counter import FlopCounterMode

    fused = net.fused().float().cpu()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        fused(obs_tensors(_example(game)))
    return int(counter.get_total_flops())


def _example(game: Game) -> Obs:
    return game.observe(game.init(np.random.default_rng(0), 1))


class _Entry(nn.Module):
    """Turns the fields of an observation into floats of the weights' precision."""

    like: Tensor  # goes along when the net moves to another device or precision

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("like", torch.zeros(1), persistent=False)


class _Flatten(_Entry):
    """All fields flattened, side by side."""

    def forward(self, fields: list[Tensor]) -> Tensor:
        return torch.cat([field.flatten(1).to(self.like.dtype) for field in fields], 1)


class _Planes(_Entry):
    """The one field of a board observation, channels last."""

    def forward(self, fields: list[Tensor]) -> Tensor:
        return fields[0].to(dtype=self.like.dtype, memory_format=torch.channels_last)


class _ConvNorm(nn.Module):
    """Convolution and batch normalisation, which inference folds into one."""

    def __init__(self, inputs: int, outputs: int, size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)

    def forward(self, x_MCHW: Tensor) -> Tensor:
        normed: Tensor = self.norm(self.conv(x_MCHW))
        return normed

    def fuse(self) -> None:
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
        y_MCHW = torch.relu(self.first(x_MCHW))
        if self.pool is not None:
            y_MCHW = y_MCHW + self.pool(_board_summary(y_MCHW))[:, :, None, None]
        return torch.relu(x_MCHW + self.second(y_MCHW))


def _board_summary(x_MCHW: Tensor) -> Tensor:
    """Mean and maximum of each channel over the board, side by side: [M, 2C]."""
    highest = functional.adaptive_max_pool2d(x_MCHW, 1).flatten(1)  # amax is 12 times slower here
    return torch.cat([x_MCHW.mean((2, 3)), highest], 1)


class _BoardHeads(nn.Module):
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
        both = torch.relu(self.squeeze(x_MCHW))
        policy = both[:, : self.width].flatten(1)
        wide = torch.cat([both[:, self.width :].flatten(1), _board_summary(x_MCHW)], 1)
        value = self.value(torch.relu(self.hidden(wide)))
        reply = self.reply(policy) if self.reply is not None else None
        return Heads(self.policy(policy), value, reply)


class _MlpHeads(nn.Module):
    def __init__(self, section: Mlp, actions: int) -> None:
        super().__init__()
        self.policy = nn.Linear(section.width, actions)
        self.value = nn.Linear(section.width, 3)
        self.reply = nn.Linear(section.width, actions) if section.reply_head else None

    def forward(self, x_MC: Tensor) -> Heads:
        reply = self.reply(x_MC) if self.reply is not None else None
        return Heads(self.policy(x_MC), self.value(x_MC), reply)
