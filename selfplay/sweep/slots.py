"""Where the cells of a sweep run: a slot holds one at a time, with cores and a GPU of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from selfplay.actors.processes import count_for
from selfplay.config import Config
from selfplay.nets import forward_flops
from selfplay.nets.base import Entry
from selfplay.nets.evaluator import choose_device
from selfplay.sweep.plan import Cell, Plan
from selfplay.system.cores import own_cores

# FLOPs of a position forwards below which so many cells keep a GPU busy side by side: 5x64 takes
# 3e7, 20x128 5e8 (docs/gpu.md has what share of the time they compute)
_SIDE_BY_SIDE = ((6e7, 4), (2.5e8, 2))
_CORES_A_CELL = 2  # at least, or those that walk the trees and the one that serves them wait


class Slot(NamedTuple):
    """What a task may use."""

    cores: tuple[int, ...] = ()  # that it is held to; empty: to none
    gpu: str = ""  # the only one it sees, as CUDA_VISIBLE_DEVICES has it; empty: what there is

    def __str__(self) -> str:
        parts = [f"GPU {self.gpu}"] if self.gpu else []
        if self.cores:
            parts.append(f"{'cores' if len(self.cores) > 1 else 'core'} {_spans(self.cores)}")
        return ", ".join(parts) or "any core"

    def fitted(self, config: Config) -> Config:
        """The configuration of a cell that begins here: on a GPU it has actors for all its cores.

        Where the user has named another number of actors than the plan's one that number stays.
        """
        if not self.gpu or config.actor.threads != 1 or not on_gpu(config):
            return config
        served = config.backend.kind == "processes" and isinstance(
            config.net.build(config.rules()).entry, Entry
        )
        threads = count_for(max(1, len(self.cores)), served)
        return config.model_copy(
            update={"actor": config.actor.model_copy(update={"threads": threads})}
        )


def on_gpu(config: Config) -> bool:
    """Whether a cell computes on a GPU; one whose device is not there says so itself."""
    try:
        return choose_device(config.evaluator.device).startswith("cuda")
    except ValueError:
        return False


def slots_of(plan: Plan, jobs: int | None = None, per_gpu: int | None = None) -> tuple[Slot, ...]:
    """Slots for the cells of a plan on this machine.

    Without a GPU ``jobs`` slots, one a core if not named, of a core each; on GPUs ``per_gpu`` slots
    each, by the size of the nets if not named, which share the cores out.  Raises ValueError when
    what is asked for does not go together.
    """
    own, count = own_cores(), jobs
    with_gpu = [cell for cell in plan.cells if on_gpu(cell.config)]
    if not with_gpu:
        if per_gpu is not None:
            raise ValueError(
                "--per-gpu: no cell of this sweep computes on a GPU here; use --jobs, or see "
                "evaluator.device"
            )
        count = jobs or len(own) or 1
        held = [(own[i],) if count <= len(own) else () for i in range(count)]
        return tuple(Slot(each) for each in held)
    if jobs is not None and per_gpu is not None:
        raise ValueError("--jobs and --per-gpu both say how many cells run at a time; name one")
    for cell in with_gpu:
        _refuse_other_gpu(cell)
    gpus = visible_gpus()
    count = jobs or len(gpus) * (per_gpu or _side_by_side(with_gpu, len(own), len(gpus)))
    shares = np.array_split(own, count) if count <= len(own) else [np.empty(0, int)] * count
    return tuple(Slot(tuple(share.tolist()), gpus[i % len(gpus)]) for i, share in enumerate(shares))


def visible_gpus() -> list[str]:
    """The GPUs that torch finds, by the names that CUDA_VISIBLE_DEVICES takes."""
    count = torch.cuda.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = [name.strip() for name in named.split(",")] if named else list(map(str, range(count)))
    return names[:count]


def _side_by_side(cells: Sequence[Cell], cores: int, gpus: int) -> int:
    """Cells at a time on a GPU: by the largest of their nets, and by the cores that there are."""
    nets = {(cell.config.game, repr(cell.config.net)): cell.config for cell in cells}
    flops = []
    for config in nets.values():
        game = config.rules()
        flops.append(forward_flops(config.net.build(game), game))
    by_size = next((count for limit, count in _SIDE_BY_SIDE if max(flops) < limit), 1)
    return max(1, min(by_size, cores // (gpus * _CORES_A_CELL)))


def _refuse_other_gpu(cell: Cell) -> None:
    device = cell.config.evaluator.device
    if device.startswith("cuda") and torch.device(device).index:
        raise ValueError(
            f"arm {cell.arm!r}, cell {cell.name}: evaluator.device = {device!r}, but each cell of "
            f"a sweep sees the one GPU that it is given, as cuda:0; leave it at 'auto'"
        )


def _spans(numbers: Sequence[int]) -> str:
    """ "0-3,8" of 0, 1, 2, 3, 8."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ",".join(f"{s[0]}-{s[-1]}" if len(s) > 1 else str(s[0]) for s in spans)
