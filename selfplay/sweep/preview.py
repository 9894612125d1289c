"""What a sweep would do: how its tasks stand, and what each will take.

What no finished cell tells is measured: a few seconds of a cell's own self-play and learning.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from selfplay.actors import Threads
from selfplay.config import Config
from selfplay.learning.learner import Learner
from selfplay.learning.samples import blank_targets
from selfplay.measure.bench import bench
from selfplay.measure.strength import StrengthMeter
from selfplay.sweep.expert import expert_seconds
from selfplay.sweep.forecast import Estimate, Forecast, schedule
from selfplay.sweep.plan import Cell, Plan
from selfplay.sweep.runner import records_of
from selfplay.sweep.slots import Slot, on_gpu
from selfplay.sweep.task import Record, Task, tasks_of
from selfplay.system.cores import own_cores

FEWEST = 3  # measurements that a curve is made of, at least
_UNKNOWN = Estimate(math.nan, math.nan, "not estimated")
_GAMES = 64  # side by side while measuring: few, so that they are soon in all stages
_SECONDS = 1.0  # that a measurement takes


class Rates(NamedTuple):
    """How fast a slot is with a net."""

    flops: float  # of one position forwards
    alone_per_s: float  # positions a second through the net
    simulations_per_s: float  # of self-play
    evaluations: float  # positions through the net a simulation
    learned_per_s: float  # samples a second
    look_s: float = 0.0  # seconds of a measurement of strength
    gpu_share: float = 0.0  # of the time of play that a GPU computes; 0: there is none
    beside: int = 1  # cells that share the GPU, this one included


def estimate(config: Config, rates: Rates) -> Estimate:
    """What a run will use, its measurements of strength included.

    A position costs the net's answers that it takes to play it and the ``learner.reuse`` samples
    that are learned from it; a regime that learns from what is there has only the samples.
    """
    positions, seconds, flops = _course(config, rates)
    whole = positions * seconds + (1 + points(config, rates)) * rates.look_s
    limit = config.budget.seconds or math.inf
    return Estimate(min(whole, limit), positions * flops, "a quick measurement of its net")


def points(config: Config, rates: Rates) -> int:
    """How many measurements of strength a run makes once it has used compute.

    At most one behind each iteration; what is measured before the first counts for no curve.
    """
    positions, seconds, flops = _course(config, rates)
    an_iteration = float(getattr(config.regime, "positions", 0.0)) or 1.0
    iterations = max(1, math.ceil(positions / an_iteration))
    if config.strength.per_decade:
        first, last = (
            math.floor(config.strength.per_decade * math.log10(max(1.0, end * flops)))
            for end in (min(an_iteration, positions), positions)
        )
        looks = last - first + 2  # behind the first iteration, in each new stretch, at the end
    else:
        looks = math.floor(positions * seconds / config.strength.every_s) + 1
    return min(iterations, looks)


def _course(config: Config, rates: Rates) -> tuple[float, float, float]:
    """The positions that the budget is enough for, and the seconds and FLOPs of one of them."""
    playing, flops = _playing(config, rates)
    samples = config.learner.reuse if flops else 1.0
    learning = samples / rates.learned_per_s
    seconds = playing + learning
    if rates.gpu_share:  # where cells want it for more than all of the time they wait for it
        busy = playing * rates.gpu_share + learning
        seconds = max(seconds, rates.beside * busy)
    flops += 3 * rates.flops * samples
    budget = config.budget
    limits = (budget.positions, 1.0), (budget.flops, flops), (budget.seconds, seconds)
    return min(limit / unit for limit, unit in limits if limit), seconds, flops


def _playing(config: Config, rates: Rates) -> tuple[float, float]:
    """Seconds and FLOPs of the play that makes one position."""
    cost = config.regime.position_cost
    if cost == "nothing":
        return 0.0, 0.0
    if cost == "net":
        return 1 / rates.alone_per_s, rates.flops
    simulations = config.search.simulations
    return simulations / rates.simulations_per_s, rates.flops * simulations * rates.evaluations


def measure(config: Config) -> Rates:
    """The rates of a configuration in this process: in one thread, on a GPU as in its slot."""
    threads, gpu = torch.get_num_threads(), on_gpu(config)
    torch.set_num_threads(1)
    try:
        games = config.actor.games if gpu else min(_GAMES, config.actor.games)
        actor = config.actor.model_copy(update={"games": games})
        backend = config.backend if gpu and config.backend.kind == "processes" else Threads()
        speed = bench(
            config.game, config.net, config.search, actor, config.evaluator, _SECONDS, backend
        )
        return Rates(
            speed["net_mflops"] * 1e6,
            speed["net_positions_per_s"],
            speed["simulations_per_s"],
            speed["evaluations_per_simulation"],
            *_learning(config),
            gpu_share=min(1.0, speed.get("device_share", 1.0)) if gpu else 0.0,
        )
    finally:
        torch.set_num_threads(threads)


def _learning(config: Config) -> tuple[float, float]:
    """Samples a second on samples that say nothing; seconds that a fresh net's strength takes.

    0 s where the cell itself will fail.
    """
    game = config.rules()
    net = config.net.build(game)
    device, precision, _ = config.evaluator.inference(net, game)
    autocast = config.learner.autocasts(precision.dtype == torch.bfloat16)
    learner = Learner(net, config.learner, game, device, autocast, 0)
    samples = blank_targets(game, config.learner.batch)
    learner.fit(samples, 1, 0.0)
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < _SECONDS:
        learner.fit(samples, 1, 0.0)
        steps += 1
    learned_per_s = steps * config.learner.batch / (time.perf_counter() - start)
    try:
        meter = StrengthMeter(game, config.search, config.strength, device, precision.dtype)
    except ValueError:  # no such position file or baseline: the sweep keeps what the cell says
        return learned_per_s, 0.0
    start = time.perf_counter()
    meter.measure(config.net.build(game))
    return learned_per_s, time.perf_counter() - start


class Preview(NamedTuple):
    """The tasks of a sweep with what they will take."""

    rows: tuple[tuple[Task, Record, Estimate], ...]
    left_s: float  # seconds until all cells are done
    flops: float  # of all cells, those that are done included
    warnings: tuple[str, ...]  # cells that are measured too seldom for a curve
    slots: dict[str, Slot]  # where each task that is left will run if all take as long as told

    def content(self) -> dict[str, Any]:
        """The object that ``sweep --dry-run --json`` prints."""
        cells, data = [], []
        for task, record, told in self.rows:
            stands: dict[str, Any] = {"state": record.state, "seconds": told.seconds}
            if task.name in self.slots:
                stands["slot"] = str(self.slots[task.name])
            if isinstance(task.item, Cell):
                stands |= {"flops": told.flops, "source": told.source}
                cells.append({"name": task.name, **task.item.plain(), **stands})
            else:
                data.append({"name": task.name, **stands})
        return {
            "cells": cells, "data": data, "seconds_left": self.left_s, "flops": self.flops,
            "warnings": list(self.warnings),
        }  # fmt: skip


def preview(
    plan: Plan,
    slots: Sequence[Slot],
    rates: Callable[[Config], Rates] = measure,
    expert_s: Callable[[str], float] = expert_seconds,
) -> Preview:
    """Estimates for all tasks: from finished cells where those tell, else by ``rates``.

    Raises ValueError like ``tasks_of``.
    """
    tasks = tasks_of(plan)
    records = records_of(plan, tasks)
    known = Forecast(tasks, records).estimates()
    measured: dict[str, Rates] = {}
    beside = max(Counter(slot.gpu for slot in slots).values())
    rows = []
    seldom: dict[int, list[str]] = {}  # how often measured -> cells
    for task in tasks:
        told = known.get(task.name, _UNKNOWN)
        if not isinstance(task.item, Cell):
            if not task.done():
                told = Estimate(expert_s(task.item.make), 0.0, "a few of its games")
        elif task.name not in known:
            config = task.item.config
            if config.regime.position_cost == "unknown":  # as that of proofs
                if config.budget.seconds is not None:
                    told = Estimate(config.budget.seconds, math.nan, "its budget")
            else:
                config = slots[0].fitted(config)
                key = rates_key(config)
                if key not in measured:
                    with _held_to(slots[0]):
                        measured[key] = rates(config)._replace(beside=beside)
                told = estimate(config, measured[key])
                count = points(config, measured[key])
                if count < FEWEST:
                    seldom.setdefault(count, []).append(task.name)
        rows.append((task, records[task.name], told))
    left = {
        task.name: told.seconds
        for task, record, told in rows
        if record.state != "done" and (isinstance(task.item, Cell) or not math.isnan(told.seconds))
    }
    places, left_s = schedule(left.values(), len(slots))
    where = {name: slots[place] for name, place in zip(left, places, strict=True)}
    flops = sum(told.flops for task, _, told in rows if isinstance(task.item, Cell))
    return Preview(tuple(rows), left_s, flops, _warnings(seldom), where)


def rates_key(config: Config) -> str:
    """Equal for configurations whose rates are the same."""
    how = (config.backend, config.actor) if on_gpu(config) else ()
    return repr((
        config.game, config.net, config.search, config.learner.batch, config.evaluator,
        on_gpu(config), how, config.strength,
    ))  # fmt: skip


@contextlib.contextmanager
def _held_to(slot: Slot) -> Iterator[None]:
    """This thread, and what it starts, has the cores of a slot with a GPU, as long as it lasts."""
    own = own_cores()
    if slot.gpu and slot.cores and own:
        os.sched_setaffinity(0, slot.cores)
    try:
        yield
    finally:
        if own:
            os.sched_setaffinity(0, own)


def _warnings(seldom: Mapping[int, Sequence[str]]) -> tuple[str, ...]:
    """What is to be said of cells that are measured too seldom, by how often that is."""
    told = []
    for count, names in sorted(seldom.items()):
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        times = "once" if count == 1 else f"{count} times"
        told.append(
            f"{names[0]}{more} will be measured about {times}, and a curve needs {FEWEST}: raise "
            f"the budget or strength.per_decade, or lower regime.positions"
        )
    return tuple(told)
