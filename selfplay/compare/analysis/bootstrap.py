"""Intervals from few seeds: replicates of means over seeds and over test positions.

The seeds come first.  Two to five runs are too few to be drawn with replacement: with three, the
interval then ends at the outermost runs and covers 75% instead of 95%.  So a replicate weighs
each run by a normal number instead (a multiplier bootstrap), with the spread that the mean of so
few runs has; for one mean of normal errors the interval is exactly that of Student's t.  A run
has one weight along its whole curve, so curves stay curves.

The test positions come second.  All runs are measured on the same ones, so the spread of the
seeds does not show how far another draw of positions would move them all.  Where the runs left
their answers to each position, replicate b of all groups is of the same draw of positions
(redraws.py): differences are paired, and of a mean over seeds only that is moved which its seeds
share, since their spread holds the rest.  Elsewhere each replicate moves the
measured values of a group together, as far as the intervals of its single runs reach (Wilson's, or
of a mean over sets of positions), and groups apart from each other, which makes differences look
less certain than they are.  Measures over own games differ from run to run, and the spread of the
seeds already holds that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from selfplay.compare.records import F32, F64
from selfplay.compare.redraws import DRAWS
from selfplay.stats import Z95, Interval

REPLICATES = DRAWS  # one draw of the positions for each


def seed_weights(
    sizes: Sequence[int],
    replicates: int,
    rng: np.random.Generator,
    freedom: float | None = None,
) -> F64:
    """[B, M] f64, weights of the M = sum(sizes) runs; those of a group of ``sizes`` sum to 1.

    ``freedom``: how many runs the spread was learned from, less the means; all groups together
    unless told otherwise.  Raises ValueError where no group has two runs.
    """
    known = sum(sizes) - len(sizes)
    if known < 1:
        raise ValueError(f"an interval needs two seeds in a group; there are {list(sizes)}")
    degrees = known if freedom is None else freedom
    wide = np.sqrt(degrees / rng.chisquare(degrees, (replicates, 1)))  # Student's t, not normal
    parts = []
    for size in sizes:
        normal = rng.standard_normal((replicates, size))
        normal -= normal.mean(axis=1, keepdims=True)
        parts.append(1 / size + normal * wide / np.sqrt(size * max(1, size - 1)))
    return np.concatenate(parts, axis=1)


def welch(one: F64, other: F64) -> float:
    """The degrees of freedom of the difference of two means over runs [S, X] (Welch 1947).

    Their variances may differ; they are means over the X points.
    """
    shares = [runs.var(axis=0, ddof=1).mean() / len(runs) for runs in (one, other)]
    total = sum(shares)
    if total == 0:
        return float(len(one) + len(other) - 2)
    parts = (share**2 / (len(runs) - 1) for share, runs in zip(shares, (one, other), strict=True))
    return float(total**2 / sum(parts))


def moved(below: F64, above: F64, normal: F64) -> F64:
    """How far values move whose 95% interval reaches ``below`` and ``above`` them."""
    shift: F64 = np.where(normal < 0, below, above) * (normal / Z95)
    return shift


def draws_of(redrawn: F32 | F64, replicates: int) -> F32 | F64:
    """The first ``replicates`` of the draws [B, ...] of positions, over again where they end."""
    return redrawn[np.arange(replicates) % len(redrawn)]


def interval(value: float, replicates: F64) -> Interval:
    """``value`` with the middle 95% of its replicates [B]; infinite ones count."""
    low, high = np.quantile(replicates, [0.025, 0.975], method="closest_observation")
    return Interval(value, float(low), float(high))


def seed_spread(
    value: F64, samples: F64, group: NDArray[np.integer], rng: np.random.Generator
) -> F64:
    """[B] f64, draws of the standard deviation of runs [R] of one ``group`` [R], by all groups.

    ``value`` [R] is what was found of each run and ``samples`` [B, R] how far it may be off, which
    is no spread of the runs and taken off.  Raises ValueError where no group has two runs.
    """
    count = np.bincount(group)
    freedom = len(group) - len(count)
    if freedom < 1:
        raise ValueError(f"a spread needs two runs in a group; there are {count.tolist()}")
    member = group == np.arange(len(count))[:, None]
    share = member / count[:, None]

    def squares(rows: F64) -> F64:
        inside: F64 = rows - (rows @ share.T)[..., group]
        summed: F64 = (inside**2).sum(axis=-1) / freedom
        return summed

    off = squares(samples - samples.mean(axis=0)).mean()
    wide = freedom / rng.chisquare(freedom, len(samples))
    spread: F64 = np.sqrt(np.maximum(0.0, squares(value) * wide - off))
    return spread


def shared_moves(runs: Sequence[NDArray[np.floating]]) -> F64:
    """[B, ...] f64, how draws of the positions move the mean of ``runs``, each [B, ...].

    Runs that differ in their seed err partly on positions of their own.  How far that moves their
    mean the spread of the seeds holds already, so that it is taken off here.
    """
    mean: F64 = np.mean(runs, axis=0, dtype=np.float64)
    if len(runs) < 2:
        return mean
    own = sum((run - mean).var(axis=0) for run in runs) / (len(runs) - 1)
    whole = np.maximum(mean.var(axis=0), np.finfo(np.float64).tiny)
    shared: F64 = mean * np.sqrt(np.clip(1 - own / len(runs) / whole, 0, 1))
    return shared
