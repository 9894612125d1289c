"""What every policy/value net is made of: observation -> entry -> trunk -> heads.

Shape suffixes: M positions, C channels, H x W board, A actions, 3 = win, draw, loss.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from selfplay import arrays
from selfplay.section import Section
from selfplay.stats import random_actions
from selfplay.system.gpu_errors import gpu_failure
from selfplay.types import Game, Obs


@contextlib.contextmanager
def enough_memory(smaller: str) -> Iterator[None]:
    """Turns torch's errors for want of memory into a ValueError that names what to make smaller.

    What else a GPU fails at becomes one with torch's first line; other errors pass as they are.
    """
    try:
        yield
    except RuntimeError as error:
        failure = gpu_failure(error)
        if failure:
            raise ValueError(failure) from error
        if failure is None and "DefaultCPUAllocator" not in str(error):
            raise
        place = "this machine's memory" if failure is None else "the GPU's memory"
        reason = f"{place} is too small for this; make smaller: {smaller}"
        raise ValueError(reason) from error


SMALLER_BATCH = (
    "the net (net.channels, net.width) or the number of games side by side (actor.games; where the "
    "regime says it, regime.games or regime.lanes)"
)
SMALLER_NET = "the net (net.channels and net.blocks, or net.width and net.layers)"


_STARTS, _PLIES = 32, 4  # of the positions by which the cost of a net is told


class Heads(NamedTuple):
    """What a net answers, for the player to move."""

    policy_MA: Tensor  # logits
    value_M3: Tensor  # logits of win, draw, loss
    reply_MA: Tensor | None  # logits of the policy after the move played; training only


class NetOptions(Section):
    """What a net is built from: its section of the config."""

    view: ClassVar[str] = ""  # of the game, that the net reads; "": whatever the game shows
    of_one_game: ClassVar[bool] = False  # True: built anew for each set of problems


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
            if isinstance(module, Trainable):
                module.slim()
        return twin.requires_grad_(False)


def obs_tensors(obs: Obs) -> list[Tensor]:
    """The fields of an observation as tensors that share its memory where they can."""
    return [torch.from_numpy(np.ascontiguousarray(field)) for field in arrays.leaves(obs)]


def parameter_count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def forward_flops(net: Net, game: Game) -> int:
    """FLOPs of one position through the inference net, at 2 a multiply-add (torch's counter).

    Of a net whose positions differ in size the mean over some of random play; what it remembers of
    their problems from an earlier position is not counted.
    """
    from torch.utils.flop_counter import FlopCounterMode

    fused = net.fused().float().cpu()
    seen = example(game) if isinstance(net.entry, Entry) else _some(game)
    with torch.inference_mode():
        fused(obs_tensors(seen))
        with FlopCounterMode(display=False) as counter:
            fused(obs_tensors(seen))
    return int(counter.get_total_flops() // arrays.length(seen))


def _some(game: Game) -> Obs:
    """Positions that random play goes through, from some starts."""
    rng = np.random.default_rng(0)
    state = game.init(rng, _STARTS)
    parts: list[Obs] = []
    for _ in range(_PLIES):
        parts.append(game.observe(state))
        state, paid = game.step(state, random_actions(game.legal(state), rng))
        state = arrays.take(state, np.flatnonzero(paid.discount))
        if not arrays.length(state):
            break
    return arrays.concatenate(parts)


def example(game: Game) -> Obs:
    return game.observe(game.init(np.random.default_rng(0), 1))


class Trainable(nn.Module):
    """A module that does more while it is trained than inference needs."""

    def slim(self) -> None:
        """Leaves only what inference needs."""
        raise NotImplementedError


class Entry(nn.Module):
    """Turns the fields of an observation into floats of the weights' precision."""

    like: Tensor  # goes along when the net moves to another device or precision

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("like", torch.zeros(1), persistent=False)


class Counted(nn.Linear):
    """A linear layer of a net whose positions differ in size: it counts the rows it computes."""

    rows: int = 0  # since ``take_flops`` last asked

    def forward(self, x: Tensor) -> Tensor:
        self.rows += x.numel() // self.in_features
        return super().forward(x)


def counts_flops(net: nn.Module) -> bool:
    """Whether ``take_flops`` tells what the net computes; else all its positions cost the same."""
    return any(isinstance(layer, Counted) for layer in net.modules())


def take_flops(net: nn.Module) -> float:
    """FLOPs forwards since the last call, as they were run, of a net that counts them; else 0."""
    flops = 0
    for layer in net.modules():
        if isinstance(layer, Counted):
            flops += 2 * layer.weight.numel() * layer.rows
            layer.rows = 0
    return float(flops)
