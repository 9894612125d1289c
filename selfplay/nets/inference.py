"""How nets are run while games are played: on which device, in which numbers."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from pydantic import Field

from selfplay import arrays
from selfplay.nets.base import Entry, Net, example
from selfplay.nets.device import DeviceNet
from selfplay.nets.evaluator import NetEvaluator, Precision, choose_device, choose_precision
from selfplay.section import Section
from selfplay.types import Game


class EvaluatorSection(Section):
    """Section ``[evaluator]``."""

    device: str = "auto"
    """`"cpu"`, `"cuda:0"`, ...; auto: what the environment variable `SELFPLAY_DEVICE` names, else a
    CUDA device if there is one"""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """`"bfloat16"` or `"float32"`; auto: by net and processor alone, bfloat16 where the processor
    has it and a position takes 1 MFLOP or more"""
    cache: int = Field(1 << 17, ge=0, le=1 << 26)
    """positions remembered, each actor; 0: equal positions are merged within a batch only"""

    def inference(self, net: Net, game: Game) -> Inference:
        """For nets like ``net``; ValueError with a sentence when the device is not there."""
        device = choose_device(self.device)
        return Inference(device, choose_precision(net, game, device, self.precision), self.cache)


class Inference(NamedTuple):
    """A choice of device and precision."""

    device: str
    precision: Precision
    cache: int  # positions that an evaluator remembers

    @property
    def dtype(self) -> torch.dtype:
        return self.precision.dtype

    def evaluator(self, net: Net, game: Game) -> NetEvaluator:
        """One that answers with the weights of ``net``."""
        return NetEvaluator(net, game.num_actions, self.device, self.dtype, self.cache)

    def serves(self, net: Net) -> bool:
        """Whether one server is to answer for all: on a GPU, and where a CUDA graph can hold the
        net, which no net can be that chooses shapes by the numbers in its input.
        """
        return torch.device(self.device).type == "cuda" and isinstance(net.entry, Entry)

    def device_net(self, net: Net, game: Game) -> DeviceNet:
        """What a server asks."""
        fields = arrays.leaves(example(game))
        return DeviceNet(net, fields, game.num_actions, self.device, self.dtype)
