"""What a stock of positions is worth that is gone through again and again.

It is held against new positions, each learned once, by a net of the same size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from selfplay.compare.analysis.courses import (
    APART,
    Arm,
    Mean,
    first_below,
    mean_course,
    minima,
    when,
)
from selfplay.compare.analysis.curves import onset
from selfplay.compare.records import F64
from selfplay.stats import Interval


class Stock(NamedTuple):
    """D positions; X points of the grid 10 ** (k / PER_DECADE)."""

    data: float  # D
    samples: F64  # [X] E in all passes
    loss: F64  # [X] nats: the mean over the seeds, of ln L
    least: float  # L(D), the mean of the least ones, of ln L
    passes: float  # through D at the least, the mean over the seeds
    # passes from which on it stays 10% above what as many new positions teach; infinite where it
    # does not within those that were looked at, NaN where no new ones were
    as_new: Interval
    worth: Interval  # new positions that teach as much as L(D), over D; infinite: too few


def stocks_of(arms: Sequence[Arm], largest: Arm) -> tuple[Stock, ...]:
    """One for each of ``arms``; the first pass through ``largest`` is that of new positions."""
    fresh = mean_course(largest, "samples", once=True)
    return tuple(_stock(arm, fresh) for arm in arms)


def _stock(arm: Arm, fresh: Mean) -> Stock:
    course, least = mean_course(arm, "samples"), minima(arm)
    first = max(fresh.first, course.first)
    end = min(fresh.first + len(fresh.log), course.first + len(course.log))
    as_new = worth = Interval(math.nan, math.nan, math.nan)
    if end - first > 1:
        ours = _within(course, first, end)
        above, many = _over(ours, _within(fresh, first, end), APART)
        as_new, _ = when(above, many, ours.x / arm.data, onset)
        drawn = None if arm.weights is None else arm.weights @ least[:, None]
        above, many = _over(fresh, Mean(0, least.mean(), drawn))
        worth, _ = when(above, many, fresh.x / arm.data, first_below)
    passes = np.mean([each.epochs[each.loss.argmin()] for each in arm.passes])
    return Stock(
        arm.data, course.x, np.exp(course.log), float(np.exp(least.mean())), float(passes),
        as_new, worth,
    )  # fmt: skip


def _within(course: Mean, first: int, end: int) -> Mean:
    part = slice(first - course.first, end - course.first)
    drawn = course.replicates
    return Mean(first, course.log[part], None if drawn is None else drawn[:, part])


def _over(one: Mean, other: Mean, times: float = 1.0) -> tuple[F64, F64 | None]:
    """By how much ln L of the one is above that of ``times`` the other [X], and replicates."""
    level = other.log + math.log(times)
    if one.replicates is None or other.replicates is None:
        return one.log - level, None
    return one.log - level, one.replicates - other.replicates - math.log(times)
