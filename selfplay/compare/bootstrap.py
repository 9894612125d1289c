"""Intervals from few seeds: replicates of means over seeds and over test positions.

The seeds come first.  Two to five runs are too few to be drawn with replacement: with three, the
interval then ends at the outermost runs and covers 75% instead of 95%.  So a replicate weighs
each run by a normal number instead (a multiplier bootstrap), with the spread that the mean of so
few runs has; for one mean of normal errors the interval is exactly that of Student's t.  A run
has one weight along its whole curve, so curves stay curves.

The test positions come second.  All runs are measured on the same ones, so the spread of the
seeds does not show how far another draw of positions would move them all: each replicate moves
the measured values of a group together, as far as their own intervals reach (Wilson's, or of a
mean over sets of positions).  Groups move apart from each other: that their mistakes lie on the
same positions is not used, which makes differences look less certain than they are.  Measures
over own games differ from run to run, and the spread of the seeds already holds that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from selfplay.compare.records import F64
from selfplay.intervals import Z95, Interval

REPLICATES = 1000


def seed_weights(
    sizes: Sequence[int], replicates: int, rng: np.random.Generator, pooled: bool = False
) -> F64:
    """[B, M] f64, weights of the M = sum(sizes) runs; those of a group of ``sizes`` sum to 1.

    ``pooled``: the groups have one spread in common, which is better known than each alone.
    Raises ValueError for a group of one run, unless they are pooled with one of several.
    """
    freedom = np.array(sizes) - 1
    if freedom.max() < 1 or (not pooled and freedom.min() < 1):
        raise ValueError(f"an interval needs two seeds in a group; there are {list(sizes)}")
    groups = np.array([freedom.sum()]) if pooled else freedom
    shrink = np.sqrt(groups / rng.chisquare(groups, (replicates, len(groups))))
    parts = []
    for i, size in enumerate(sizes):
        normal = rng.standard_normal((replicates, size))
        normal -= normal.mean(axis=1, keepdims=True)
        scale = shrink[:, 0 if pooled else i, None] / np.sqrt(size * max(1, size - 1))
        parts.append(1 / size + normal * scale)
    return np.concatenate(parts, axis=1)


def moved(below: F64, above: F64, normal: F64) -> F64:
    """How far values move whose 95% interval reaches ``below`` and ``above`` them."""
    shift: F64 = np.where(normal < 0, below, above) * (normal / Z95)
    return shift


def interval(value: float, replicates: F64) -> Interval:
    """``value`` with the middle 95% of its replicates [B]; infinite ones count."""
    low, high = np.quantile(replicates, [0.025, 0.975], method="closest_observation")
    return Interval(value, float(low), float(high))
