"""Strength against compute: the mean curve of each group of runs on one grid, with its band."""

from __future__ import annotations

from typing import NamedTuple

from selfplay.compare.records import F64, Group

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
    replicates: F64 | None  # [B, X] bootstrap replicates of the mean

    @property
    def label(self) -> str:
        return self.group.label
