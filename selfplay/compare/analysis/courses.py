"""How the loss on positions kept aside went in the runs of one size on one amount of data."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from selfplay.compare.analysis.bootstrap import interval, seed_weights
from selfplay.compare.analysis.curves import PER_DECADE, onset
from selfplay.compare.groups import Group
from selfplay.compare.passes import Passes, read_passes
from selfplay.compare.records import F64
from selfplay.stats import Interval

APART = 1.10  # a loss over another: this far above is 10%


class Arm(NamedTuple):
    """The runs of one size on so much data."""

    parameters: int
    data: float  # D
    passes: tuple[Passes, ...]  # one a run
    weights: F64 | None  # [B, S] of replicates; None with fewer than two seeds

    @property
    def start(self) -> float:
        """The mean of ln L before anything was learned; NaN where nobody looked."""
        return float(np.log([each.start for each in self.passes]).mean())


class Mean(NamedTuple):
    """The mean of ln L over the runs of an arm on X points of the grid."""

    first: int  # the first point is 10 ** (first / PER_DECADE)
    log: F64  # [X]
    replicates: F64 | None  # [B, X]

    @property
    def x(self) -> F64:
        return np.asarray(10 ** ((self.first + np.arange(len(self.log))) / PER_DECADE))


def read_arm(group: Group, replicates: int, rng: np.random.Generator) -> Arm | None:
    """The group as it is wanted here; None where one of its runs has not looked."""
    passes = tuple(each for run in group.runs if (each := read_passes(run.path)) is not None)
    if len(passes) < len(group.runs):
        return None
    known = len(passes) > 1
    weights = seed_weights([len(passes)], replicates, rng) if known else None
    return Arm(group.parameters, float(np.median([p.data for p in passes])), passes, weights)


def minima(arm: Arm) -> F64:
    """[S] ln of the least loss of each run: it stops early."""
    return np.log([each.loss.min() for each in arm.passes])


def mean_course(arm: Arm, against: str, once: bool = False) -> Mean:
    """Against ``samples`` or ``flops``; with ``once`` of the first pass alone.

    Straight in the logarithms between measurements; no points where the runs have none in common.
    """
    tracks = []
    for each in arm.passes:
        seen = each.epochs <= 1 + 1e-9 if once else np.ones(len(each.loss), np.bool_)
        at, log = np.log10(getattr(each, against)[seen]) * PER_DECADE, np.log(each.loss[seen])
        if not len(at):
            return Mean(0, np.empty(0), None)
        grid = np.arange(math.ceil(at[0] - 1e-9), math.floor(at[-1] + 1e-9) + 1)
        tracks.append((grid, np.interp(grid, at, log)))
    first = max((int(grid[0]) for grid, _ in tracks if len(grid)), default=0)
    end = min(int(grid[-1]) + 1 if len(grid) else first for grid, _ in tracks)
    if end <= first:
        return Mean(0, np.empty(0), None)
    runs = np.stack([log[first - grid[0] : end - grid[0]] for grid, log in tracks])
    return Mean(first, runs.mean(axis=0), None if arm.weights is None else arm.weights @ runs)


def when(
    above: F64, many: F64 | None, x: F64, of: Callable[[F64, F64], F64]
) -> tuple[Interval, F64 | None]:
    """Where ``of`` finds the start in ``above`` [X], with the interval by its replicates."""
    (start,) = of(above, x)
    if many is None:
        return Interval(float(start), math.nan, math.nan), None
    starts = of(many, x)
    return interval(float(start), starts), starts


def first_below(above: F64, x: F64) -> F64:
    """[B] f64, the x from which on each ``above``, [X] or [B, X], is below 0 for the first time.

    0 where it is from the start, infinite where it never is.
    """
    start = onset(np.atleast_2d(above)[:, ::-1], x[::-1])
    return np.where(start == 0, np.inf, np.where(np.isinf(start), 0.0, start))
