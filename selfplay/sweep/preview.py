"""What a sweep would do: how its tasks stand, and what each will take.

What no finished cell tells is measured: a few seconds of a cell's own self-play and learning.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from selfplay.config import Config
from selfplay.learning.learner import Learner
from selfplay.learning.samples import blank_targets
from selfplay.measure.bench import bench
from selfplay.measure.strength import StrengthMeter
from selfplay.nets.evaluator import choose_precision
from selfplay.sweep.expert import expert_seconds
from selfplay.sweep.forecast import Estimate, Forecast, makespan
from selfplay.sweep.plan import Cell, Plan
from selfplay.sweep.runner import records_of
from selfplay.sweep.task import Record, Task, tasks_of

FEWEST = 3  # measurements that a curve is made of, at least
_UNKNOWN = Estimate(math.nan, math.nan, "not estimated")
_GAMES = 64  # side by side while measuring: few, so that they are soon in all stages
_SECONDS = 1.0  # that a measurement takes


class Rates(NamedTuple):
    """How fast one core is with a net."""

    flops: float  # of one position forwards
    alone_per_s: float  # positions a second through the net
    simulations_per_s: float  # of self-play
    evaluations: float  # positions through the net a simulation
    learned_per_s: float  # samples a second
    look_s: float = 0.0  # seconds of a measurement of strength


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
    seconds, flops = _playing(config, rates)
    samples = config.learner.reuse if flops else 1.0
    seconds += samples / rates.learned_per_s
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
    """The rates of a configuration in one thread of this process."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        games = min(_GAMES, config.actor.games)
        actor = config.actor.model_copy(update={"games": games, "threads": 1})
        speed = bench(config.game, config.net, config.search, actor, config.evaluator, _SECONDS)
        return Rates(
            speed["net_mflops"] * 1e6,
            speed["net_positions_per_s"],
            speed["simulations_per_s"],
            speed["evaluations_per_simulation"],
            *_learning(config),
        )
    finally:
        torch.set_num_threads(threads)


def _learning(config: Config) -> tuple[float, float]:
    """Samples a second on samples that say nothing; seconds that a fresh net's strength takes.

    0 s where the cell itself will fail.
    """
    game = config.rules()
    net = config.net.build(game)
    dtype = choose_precision(net, game, "cpu", config.evaluator.precision).dtype
    learner = Learner(net, config.learner, game, "cpu", dtype == torch.bfloat16, 0)
    samples = blank_targets(game, config.learner.batch)
    learner.fit(samples, 1, 0.0)
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < _SECONDS:
        learner.fit(samples, 1, 0.0)
        steps += 1
    learned_per_s = steps * config.learner.batch / (time.perf_counter() - start)
    try:
        meter = StrengthMeter(game, config.search, config.strength, "cpu", dtype)
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

    def content(self) -> dict[str, Any]:
        """The object that ``sweep --dry-run --json`` prints."""
        cells, data = [], []
        for task, record, told in self.rows:
            stands: dict[str, Any] = {"state": record.state, "seconds": told.seconds}
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
    jobs: int,
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
                key = _alike(config)
                if key not in measured:
                    measured[key] = rates(config)
                told = estimate(config, measured[key])
                count = points(config, measured[key])
                if count < FEWEST:
                    seldom.setdefault(count, []).append(task.name)
        rows.append((task, records[task.name], told))
    left = [
        told.seconds
        for task, record, told in rows
        if record.state != "done" and (isinstance(task.item, Cell) or not math.isnan(told.seconds))
    ]
    flops = sum(told.flops for task, _, told in rows if isinstance(task.item, Cell))
    return Preview(tuple(rows), makespan(left, jobs), flops, _warnings(seldom))


def _alike(config: Config) -> str:
    """Equal for configurations whose rates are the same."""
    return repr((
        config.game, config.net, config.search, config.learner.batch, config.evaluator,
        config.strength,
    ))  # fmt: skip


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
