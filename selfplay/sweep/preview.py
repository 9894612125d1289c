"""What a sweep would do: its tasks, how they stand, and what each will take."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from selfplay.config import Config
from selfplay.sweep.expert import expert_seconds
from selfplay.sweep.forecast import Estimate, Forecast, makespan
from selfplay.sweep.measure import Rates, estimate, measure, points, rates_key
from selfplay.sweep.plan import Cell, DataSet, Plan
from selfplay.sweep.runner import records_of
from selfplay.sweep.task import Record, Task, tasks_of

FEWEST = 3  # measurements that a curve is made of, at least
_UNKNOWN = Estimate(math.nan, math.nan, "not estimated")


class Preview(NamedTuple):
    """The tasks of a sweep with what they will take."""

    rows: tuple[tuple[Task, Record, Estimate], ...]
    left_s: float  # seconds until all cells are done
    flops: float  # of all cells, those that are done included
    warnings: tuple[str, ...]  # cells that are measured too seldom for a curve

    def content(self) -> dict[str, Any]:
        """The object that ``sweep --dry-run --json`` prints."""
        return {
            "cells": [
                {
                    "name": task.name,
                    **task.item.plain(),
                    "state": record.state,
                    "seconds": told.seconds,
                    "flops": told.flops,
                    "source": told.source,
                }
                for task, record, told in self.rows
                if isinstance(task.item, Cell)
            ],
            "data": [
                {"name": task.name, "state": record.state, "seconds": told.seconds}
                for task, record, told in self.rows
                if not isinstance(task.item, Cell)
            ],
            "seconds_left": self.left_s,
            "flops": self.flops,
            "warnings": list(self.warnings),
        }


def preview(
    plan: Plan,
    jobs: int,
    rates: Callable[[Config], Rates] = measure,
    expert_s: Callable[[str], float] = expert_seconds,
) -> Preview:
    """Estimates for all tasks: from finished cells where those tell, else from a measurement.

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
        if isinstance(task.item, DataSet) and not task.done():
            told = Estimate(expert_s(task.item.make), 0.0, "a few of its games")
        if isinstance(task.item, Cell) and task.name not in known:
            if task.item.config.regime.position_cost == "unknown":
                rows.append((task, records[task.name], _whole_budget(task.item.config)))
                continue
            key = rates_key(task.item.config)
            if key not in measured:
                measured[key] = rates(task.item.config)
            told = estimate(task.item.config, measured[key])
            count = points(task.item.config, measured[key])
            if count < FEWEST:
                seldom.setdefault(count, []).append(task.name)
        rows.append((task, records[task.name], told))
    cells = [row for row in rows if isinstance(row[0].item, Cell)]
    left = [
        told.seconds
        for task, record, told in rows
        if record.state != "done" and (isinstance(task.item, Cell) or not math.isnan(told.seconds))
    ]
    flops = sum(told.flops for _, _, told in cells)
    return Preview(tuple(rows), makespan(left, jobs), flops, _warnings(seldom))


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


def _whole_budget(config: Config) -> Estimate:
    """Of a cell whose positions cost what nobody knows before, as that of proofs does."""
    seconds = config.budget.seconds
    if seconds is None:
        return _UNKNOWN
    return Estimate(seconds, math.nan, "its budget")
