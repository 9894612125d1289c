"""How far the cells of a sweep are, and how long the rest takes, from their own metrics."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from selfplay.sweep.plan import Cell
from selfplay.sweep.task import Record, Task
from selfplay.training import metrics_file as metrics

_TAIL = 1 << 16  # bytes at the end of metrics.jsonl that hold its latest lines
_TELLING = 0.02  # share of its budget after which a run's own pace tells how long it takes


class Paid(NamedTuple):
    """What a run has used so far."""

    seconds: float
    flops: float  # learner and generation
    positions: float


class Estimate(NamedTuple):
    """What a cell will use in all; NaN where there is nothing to tell it from."""

    seconds: float
    flops: float
    source: str  # where the figures come from


class Forecast:
    """Estimates of cells from what others have paid; the nearest relatives count."""

    def __init__(self, tasks: Sequence[Task], records: Mapping[str, Record]) -> None:
        self._tasks, self._records = tasks, records

    def share(self, task: Task) -> float:
        """How much of its budget a cell has used, in [0, 1]; NaN before its first report."""
        paid = read_paid(task.folder)
        if paid is None or not isinstance(task.item, Cell):
            return math.nan
        return task.item.config.budget.progress(paid.seconds, paid.positions, paid.flops)

    def estimates(self) -> dict[str, Estimate]:
        """Of every cell of which its own metrics or those of finished ones tell something."""
        cells = [
            (task, task.item, self._paid(task))
            for task in self._tasks
            if isinstance(task.item, Cell)
        ]
        known = [(cell, paid) for task, cell, paid in cells if paid and task.done()]
        estimates = {}
        for task, cell, paid in cells:
            if paid and task.done():
                estimates[task.name] = Estimate(paid.seconds, paid.flops, "done")
            elif estimate := _from_relatives(cell, known):
                estimates[task.name] = estimate
        return estimates

    def _paid(self, task: Task) -> Paid | None:
        """What a cell has used; the time of its processes, where it is known, tells more."""
        paid, seconds = read_paid(task.folder), self._records[task.name].seconds
        return paid._replace(seconds=seconds) if paid and seconds else paid

    def left_s(self, jobs: int) -> float:
        """Seconds until all is done; NaN as long as nothing tells how long a cell takes."""
        estimates = self.estimates()
        known = [each.seconds for each in estimates.values()]
        usual = sum(known) / len(known) if known else math.nan
        left: dict[str, list[float]] = {"running": [], "waiting": []}
        for task in self._tasks:
            record = self._records[task.name]
            if record.state not in left:
                continue
            whole = estimates[task.name].seconds if task.name in estimates else usual
            if record.state == "running" and (share := self.share(task)) > _TELLING:
                whole = record.seconds / share
            if math.isnan(whole):
                return math.nan
            left[record.state].append(max(0.0, whole - record.seconds))
        return makespan(left["waiting"], jobs, left["running"])


def makespan(seconds: Iterable[float], jobs: int, busy: Sequence[float] = ()) -> float:
    """Seconds until tasks that are begun in order, ``jobs`` at a time, are all done.

    ``busy``: how long the tasks that run already still take.
    """
    return schedule(seconds, jobs, busy)[1]


def schedule(
    seconds: Iterable[float], jobs: int, busy: Sequence[float] = ()
) -> tuple[list[int], float]:
    """Which of ``jobs`` places takes each task, as it is free; seconds until all is done, NaN
    where those of a task are.
    """
    ends = [(end, place) for place, end in enumerate([*busy, *[0.0] * (jobs - len(busy))])]
    heapq.heapify(ends)
    taken = []
    for each in seconds:
        free, place = ends[0]
        heapq.heapreplace(ends, (free + each, place))
        taken.append(place)
    known = not any(math.isnan(end) for end, _ in ends)
    return taken, max(ends)[0] if known else math.nan


def read_paid(folder: Path) -> Paid | None:
    """What the run in a folder has used, from the end of its metrics; None before it tells."""
    path = folder / metrics.NAME
    try:
        if not path.is_file():
            return None
        with open(path, "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL))
            rows = file.read().split(b"\n")
    except OSError:
        return None
    latest: dict[str, float] = {}
    for row in rows:
        latest |= metrics.parse_line(row) or {}  # cut short at one end
    if "cost/wall_s" not in latest:
        return None
    flops = latest.get("cost/flops_learn", 0.0) + latest.get("cost/flops_generate", 0.0)
    return Paid(latest["cost/wall_s"], flops, latest.get("step", 0.0))


def _from_relatives(cell: Cell, known: Sequence[tuple[Cell, Paid]]) -> Estimate | None:
    """From finished cells: those of other seeds if any, else those of its arm and net."""
    twins = [
        (1.0, paid) for other, paid in known if (other.arm, other.point) == (cell.arm, cell.point)
    ]
    if twins:
        return _mean(twins, "other seeds of this sweep")
    family = [
        (other, paid)
        for other, paid in known
        if other.arm == cell.arm and other.config.net == cell.config.net
    ]
    for measure in ("seconds", "flops", "positions"):
        own = getattr(cell.config.budget, measure)
        theirs = [(getattr(other.config.budget, measure), paid) for other, paid in family]
        scaled = [(own / limit, paid) for limit, paid in theirs if own and limit]
        if scaled:
            return _mean(scaled, "finished cells of its arm and net")
    return None


def _mean(scaled: Sequence[tuple[float, Paid]], source: str) -> Estimate:
    """From cells that were paid, each with how many times as much the own one takes."""
    seconds = sum(scale * paid.seconds for scale, paid in scaled) / len(scaled)
    flops = sum(scale * paid.flops for scale, paid in scaled) / len(scaled)
    return Estimate(seconds, flops, source)
