"""What limits self-play from above, measured on the machine at hand: ``selfplay bench``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from selfplay import arrays
from selfplay.actors import Setup
from selfplay.actors.server import Device
from selfplay.nets import Net, forward_flops, obs_tensors
from selfplay.nets.base import example
from selfplay.nets.inference import Inference
from selfplay.shared_rows import GROUPS, SharedRows
from selfplay.system.workers import CONTEXT

_AT_ONCE = "fake:0,0"  # a device whose answers are there when they are asked for


class DeviceAlone:
    """The net on its device, asked for random positions as a server asks it."""

    def __init__(self, setup: Setup, net: Net, batch: int) -> None:
        """``batch``: positions asked at a time."""
        device: Device = setup.inference.device_net(net, setup.game)
        memory = SharedRows(CONTEXT, device.forms, device.actions, GROUPS, batch)
        rooms, self._counts = memory.views().rooms, np.array([batch])
        obs = setup.game.observe(setup.game.init(np.random.default_rng(0), batch))
        for room in rooms:
            for field, there in zip(arrays.leaves(obs), room.fields, strict=True):
                there[0, :batch] = field
        self._channels = [device.channel(room) for room in rooms]

    def positions_per_s(self, seconds: float) -> float:
        """With as many batches under way as there may be."""
        for _ in range(2):  # the first one prepares
            for batch in [channel.ask(self._counts) for channel in self._channels]:
                batch.finite()
        under_way = [(channel, channel.ask(self._counts)) for channel in self._channels]
        start, batches = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            channel, batch = under_way.pop(0)
            batch.finite()
            under_way.append((channel, channel.ask(self._counts)))
            batches += 1
        rate = batches * int(self._counts[0]) / (time.perf_counter() - start)
        for _, batch in under_way:
            batch.finite()
        return rate


def net_bounds(setup: Setup, net: Net, batch: int, seconds: float) -> dict[str, float]:
    """Positions a second that the net's device cannot exceed; {} where it is only modelled.

    ``arithmetic``: FLOPs, at the rate of a large matrix product.  ``memory``: what the layers read
    and write, at the rate of a large copy.  ``launches``: a batch of ``batch`` in the time that one
    of a single position takes.
    """
    inference = setup.inference
    if inference.is_modelled:
        return {}
    flops = forward_flops(net, setup.game)
    moved = _bytes_moved(net, setup, inference.dtype) + _weight_bytes(net, inference.dtype) / batch
    smallest = DeviceAlone(setup, net, 1).positions_per_s(seconds)
    return {
        "arithmetic": _product_flops(inference, seconds) / flops,
        "memory": _copied_bytes(inference, seconds) / moved,
        "launches": smallest * batch,
    }


def tree_bound(setup: Setup, lanes: int, seconds: float) -> float:
    """Simulations in a second of one core that walks the trees of ``lanes`` games, when answers
    are there at once.  Games are at all their stages: in openings most positions are known.
    """
    section = setup.section.model_copy(update={"games": lanes})
    inference = setup.inference._replace(device=_AT_ONCE)
    alone = setup._replace(section=section, inference=inference)
    evaluator = inference.evaluator(nn.Identity(), setup.game)  # type: ignore[arg-type]  # no net
    actor = alone.actor(0, 0, 1)
    actor.collect(evaluator, 4 * lanes)
    start, simulations = time.thread_time(), 0.0
    while time.thread_time() - start < seconds:
        simulations += actor.collect(evaluator, lanes).tally.simulations
    return simulations / (time.thread_time() - start)


def _bytes_moved(net: Net, setup: Setup, dtype: torch.dtype) -> float:
    """Bytes a position that layers write and the next ones read."""
    numbers = 0

    def count(_: nn.Module, __: Any, out: object) -> None:
        nonlocal numbers
        if isinstance(out, Tensor):
            numbers += out.numel()

    fused = net.fused()
    for module in fused.modules():
        if not list(module.children()):
            module.register_forward_hook(count)
    with torch.inference_mode():
        fused(obs_tensors(example(setup.game)))
    return 2.0 * numbers * dtype.itemsize


def _weight_bytes(net: Net, dtype: torch.dtype) -> float:
    return float(sum(weights.numel() for weights in net.parameters()) * dtype.itemsize)


def _product_flops(inference: Inference, seconds: float) -> float:
    """FLOPs a second of a matrix product in the net's precision."""
    size = 8192 if inference.on_gpu else 1024
    a, b = (torch.randn(size, size).to(inference.device, inference.dtype) for _ in range(2))
    return _per_second(lambda: a @ b, inference, seconds) * 2 * size**3


def _copied_bytes(inference: Inference, seconds: float) -> float:
    """Bytes a second that are read and written."""
    size = 1 << (30 if inference.on_gpu else 27)
    source = torch.zeros(size, dtype=torch.uint8, device=inference.device)
    target = torch.zeros_like(source)
    return _per_second(lambda: target.copy_(source), inference, seconds) * 2 * size


def _per_second(call: Callable[[], object], inference: Inference, seconds: float) -> float:
    def wait() -> None:
        if inference.on_gpu:
            torch.cuda.synchronize()

    call()
    wait()
    start, calls = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for _ in range(4):
            call()
        wait()
        calls += 4
    return calls / (time.perf_counter() - start)
