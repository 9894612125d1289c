"""Strength against compute: the mean curve of each group of runs on one grid, with its band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.compare.analysis.bootstrap import REPLICATES, moved, seed_weights
from selfplay.compare.groups import Group
from selfplay.compare.metrics import ceiling, on_fixed_positions
from selfplay.compare.records import F64, Run

PER_DECADE = 20  # grid points a factor of 10 in compute


class Curve(NamedTuple):
    """The strength of one group against compute, on X points of the common grid.

    Nothing is extrapolated: the points lie where every run of the group was measured before and
    after.  X is 0 where the runs of a group have no compute in common.
    """

    group: Group
    metric: str
    charged: bool  # True: the expert's seconds count as compute
    flops: F64  # [X] ascending, from the grid 10 ** (k / PER_DECADE)
    mean: F64  # [X] over the seeds
    low: F64 | None  # [X] ends of the 95% band; None with fewer than two seeds
    high: F64 | None  # [X]
    runs: F64  # [S, X] the curve of each seed, in the order of the group's runs
    below: F64  # [X] how far another draw of test positions may move all of them down; else 0
    above: F64  # [X] and up

    @property
    def label(self) -> str:
        return self.group.label

    @property
    def empty(self) -> bool:
        """True where there is no point of the grid that all runs reached; see ``why_empty``."""
        return not len(self.flops)


class Track(NamedTuple):
    """One run on the common grid."""

    first: int  # the grid point 10 ** (first / PER_DECADE) is its first
    value: F64  # [X]
    below: F64  # [X] how far the interval on the test positions reaches down
    above: F64  # [X] and up


def curves(
    groups: Sequence[Group], metric: str, rate: float | None = None, replicates: int = REPLICATES
) -> tuple[Curve, ...]:
    """The curve of each group; with ``rate``, a second of the expert costs so many FLOPs."""
    seeds = np.random.SeedSequence(0).spawn(len(groups))
    return tuple(
        make_curve(group, metric, rate, replicates, np.random.default_rng(seed))
        for group, seed in zip(groups, seeds, strict=True)
    )


def make_curve(
    group: Group, metric: str, rate: float | None, replicates: int, rng: np.random.Generator
) -> Curve:
    """The mean of the runs of a group where all of them were measured; see bootstrap.py."""
    tracks = [track(run, metric, rate) for run in group.runs]
    first = max(each.first for each in tracks)
    count = max(0, min(each.first + len(each.value) for each in tracks) - first)
    value, below, above = (
        np.stack([getattr(each, name)[first - each.first :][:count] for each in tracks])
        for name in ("value", "below", "above")
    )
    if not on_fixed_positions(metric):
        below, above = np.zeros_like(below), np.zeros_like(above)
    flops = 10 ** (np.arange(first, first + count) / PER_DECADE)
    errors = value, below.mean(axis=0), above.mean(axis=0)
    curve = Curve(group, metric, rate is not None, flops, value.mean(axis=0), None, None, *errors)
    if len(tracks) < 2 or not count:
        return curve
    drawn = redrawn(curve, seed_weights([len(tracks)], replicates, rng), rng)
    low, high = np.clip(np.quantile(drawn, [0.025, 0.975], axis=0), 0.0, ceiling(metric))
    return curve._replace(low=low, high=high)


def why_empty(curve: Curve) -> str:
    """Why a curve has no points, to be said after "since"."""
    runs = curve.group.runs
    counts = [int(np.isfinite(run.points.of(curve.metric)).sum()) for run in runs]
    if min(counts) > 1:
        return "the measurements of its runs have no compute in common or lie too close together"
    which = "it was" if len(runs) == 1 else f"{counts.count(1)} of its {len(runs)} runs were"
    return f"{which} measured only once (see strength.per_decade and strength.every_s)"


def redrawn(curve: Curve, weights: F64, rng: np.random.Generator) -> F64:
    """[B, X] f64, replicates of the mean: the seeds by ``weights`` [B, S], then the positions."""
    normal = rng.standard_normal((len(weights), 1))
    drawn: F64 = weights @ curve.runs + moved(curve.below, curve.above, normal)
    return drawn


def track(run: Run, metric: str, rate: float | None = None) -> Track:
    """``metric`` of a run at the grid points within its range, straight between measurements.

    The line is straight in the logarithm of compute.  Empty where it was measured only once.
    """
    points = run.points
    known = np.isfinite(points.of(metric))
    charge = np.nan_to_num(points.expert_s) * (rate or 0.0)
    at = np.log10(points.flops + charge)[known] * PER_DECADE
    if not len(at):
        return Track(0, np.empty(0), np.empty(0), np.empty(0))
    first = math.ceil(at[0] - 1e-9)  # a measurement on the grid counts despite rounding
    grid = np.arange(first, math.floor(at[-1] + 1e-9) + 1)
    value = np.interp(grid, at, points.of(metric)[known])
    below, above = (np.interp(grid, at, end[known]) for end in points.error(metric))
    return Track(first, value, below, above)


def on_common_grid(a: Curve, b: Curve) -> tuple[Curve, Curve]:
    """The two curves cut to the compute that both have."""
    grids = (np.rint(np.log10(each.flops) * PER_DECADE).astype(np.int64) for each in (a, b))
    _, in_a, in_b = np.intersect1d(*grids, return_indices=True)
    return cut(a, in_a), cut(b, in_b)


def cut(curve: Curve, at: NDArray[np.intp] | NDArray[np.bool_]) -> Curve:
    """The curve at some of its points."""
    group, metric, charged, *columns = curve
    rest: list[Any] = [x if x is None else x[..., at] for x in columns]
    return Curve(group, metric, charged, *rest)
