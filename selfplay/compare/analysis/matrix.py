"""Extractor or quarry: what nets of one size learn from the games of nets of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from selfplay.compare.analysis.best import mean_moves
from selfplay.compare.analysis.bootstrap import REPLICATES, interval, moved, seed_weights
from selfplay.compare.groups import Group
from selfplay.compare.metrics import on_fixed_positions
from selfplay.compare.records import F64, Run


class SizeMatrix(NamedTuple):
    """The last value of the metric in frozen runs: data made by net i (rows), learner j (columns).

    A column that falls from row to row says that better data help: the quarry was the limit.  A
    row that falls from column to column says that larger learners find more in the same data:
    the extractor was.
    """

    metric: str
    makers: tuple[int, ...]  # [I] N of the nets that made the data, ascending
    learners: tuple[int, ...]  # [J] N of the nets that learn from them, ascending
    value: F64  # [I, J] mean over the seeds; NaN where there is no run
    low: F64  # [I, J] ends of the 95% interval; NaN with fewer than two seeds
    high: F64  # [I, J]
    seeds: F64  # [I, J] runs behind each


def make_matrix(groups: Sequence[Group], metric: str) -> SizeMatrix | None:
    """The matrix of the frozen runs on the most positions; None where there are none."""
    frozen = [group for group in groups if group.maker_parameters is not None]
    most = max((group.data or 0 for group in frozen), default=0)
    cells: dict[tuple[int, int], list[Run]] = {}
    for group in frozen:
        if (group.data or 0) == most:
            runs = [run for run in group.runs if run.points.has(metric)]
            cells.setdefault((group.maker_parameters or 0, group.parameters), []).extend(runs)
    if not any(cells.values()):
        return None
    makers = tuple(sorted({maker for maker, _ in cells}))
    learners = tuple(sorted({learner for _, learner in cells}))
    value, low, high = np.full((3, len(makers), len(learners)), np.nan)
    seeds = np.zeros(value.shape)
    for (maker, learner), runs in cells.items():
        if runs:
            at = makers.index(maker), learners.index(learner)
            seeds[at] = len(runs)
            value[at], low[at], high[at] = _last(runs, metric)
    return SizeMatrix(metric, makers, learners, value, low, high, seeds)


def _last(runs: Sequence[Run], metric: str) -> tuple[float, float, float]:
    """The mean of the last values, with the ends of its interval or NaN."""
    columns = [(run.points.of(metric), *run.points.error(metric)) for run in runs]
    values, below, above = np.array(
        [[column[np.isfinite(each[0])][-1] for column in each] for each in columns]
    ).T
    if len(runs) < 2:
        return float(values[0]), np.nan, np.nan
    rng = np.random.default_rng(0)
    drawn = seed_weights([len(runs)], REPLICATES, rng) @ values
    ends = [int(np.flatnonzero(np.isfinite(run.points.of(metric)))[-1]) for run in runs]
    moves = mean_moves(runs, metric, [(end,) for end in ends])
    if moves is not None:
        drawn += moves[:REPLICATES]
    elif on_fixed_positions(metric):
        drawn += moved(below.mean(), above.mean(), rng.standard_normal(REPLICATES))
    low, high = interval(float(values.mean()), drawn)[1:]
    return float(values.mean()), max(0.0, low), high
