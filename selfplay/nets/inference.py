"""How nets are run while games are played: on which device, in which numbers."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from pydantic import Field

from selfplay import arrays
from selfplay.nets.base import Entry, Net, example
from selfplay.nets.device import DeviceNet
from selfplay.nets.evaluator import NetEvaluator, Precision, choose_device, choose_precision
from selfplay.nets.modelled import PREFIX, ModelledDevice, ModelledEvaluator, Pace
from selfplay.section import Section
from selfplay.types import Game


class EvaluatorSection(Section):
    """Section ``[evaluator]``."""

    device: str = "auto"
    """`"cpu"`, `"cuda:0"`, ...; auto: what the environment variable `SELFPLAY_DEVICE` names, else a
    CUDA device if there is one; for `bench` alone `"fake:150,0.25"`, a device that takes 150 us a
    batch and 0.25 us a position"""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """`"bfloat16"` or `"float32"`; auto: by net and processor alone, bfloat16 where the processor
    has it and a position takes 1 MFLOP or more"""
    cache: int = Field(1 << 17, ge=0, le=1 << 26)
    """positions remembered, each actor, in 64 MB at most; 0: equal positions are merged within a
    batch only"""

    def inference(self, net: Net, game: Game, modelled: bool = False) -> Inference:
        """For nets like ``net``; ValueError with a sentence when the device is not there.

        ``modelled``: whether a modelled device will do, whose answers mean nothing.
        """
        if self.device.startswith(PREFIX):
            Pace.parse(self.device)
            if not modelled:
                raise ValueError(
                    f"evaluator.device={self.device} is for `selfplay bench` alone: its answers "
                    "mean nothing; use auto, cpu or cuda:0"
                )
            return Inference(
                self.device, Precision(torch.float32, "the device is modelled"), self.cache
            )
        device = choose_device(self.device)
        return Inference(device, choose_precision(net, game, device, self.precision), self.cache)


class Inference(NamedTuple):
    """A choice of device and precision."""

    device: str
    precision: Precision
    cache: int  # positions that an evaluator remembers

    @property
    def is_modelled(self) -> bool:
        """Whether the device is only modelled."""
        return self.device.startswith(PREFIX)

    @property
    def on_gpu(self) -> bool:
        """Whether the device is one of CUDA's."""
        return not self.is_modelled and torch.device(self.device).type == "cuda"

    @property
    def dtype(self) -> torch.dtype:
        return self.precision.dtype

    def evaluator(self, net: Net, game: Game) -> NetEvaluator:
        """One that answers with the weights of ``net``."""
        if self.is_modelled:
            return ModelledEvaluator(net, game.num_actions, self.device, self.cache)
        return NetEvaluator(net, game.num_actions, self.device, self.dtype, self.cache)

    def serves(self, net: Net) -> bool:
        """Whether one server is to answer for all: on a GPU, and where a CUDA graph can hold the
        net, which no net can be that chooses shapes by the numbers in its input.
        """
        return self.is_modelled or (self.on_gpu and isinstance(net.entry, Entry))

    def device_net(self, net: Net, game: Game) -> DeviceNet | ModelledDevice:
        """What a server asks."""
        fields = arrays.leaves(example(game))
        if self.is_modelled:
            return ModelledDevice(fields, game.num_actions, Pace.parse(self.device))
        return DeviceNet(net, fields, game.num_actions, self.device, self.dtype)
