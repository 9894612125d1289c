"""Intervals around measured shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Z95 = 1.959964  # the standard normal's 97.5% quantile


class Interval(NamedTuple):
    """An estimate with the ends of its 95% interval."""

    value: float
    low: float
    high: float


def wilson(successes: float, trials: int) -> Interval:
    """The share of successes with its score interval (Wilson 1927)."""
    share = successes / trials
    centre = share + Z95**2 / (2 * trials)
    reach = Z95 * np.sqrt(share * (1 - share) / trials + Z95**2 / (4 * trials**2))
    scale = 1 + Z95**2 / trials
    low, high = float((centre - reach) / scale), float((centre + reach) / scale)
    return Interval(share, max(0.0, min(share, low)), min(1.0, max(share, high)))


def mean_of(shares: Sequence[Interval]) -> Interval:
    """The mean of independent shares; its interval recovers the variance from theirs.

    Zou and Donner 2008, "Construction of confidence limits about effect measures", eq. 3; unlike
    the normal approximation it holds near 0 and 1.
    """
    value, low, high = (np.array(column) for column in zip(*shares, strict=True))
    mean = value.mean()
    below = np.sqrt(((value - low) ** 2).sum()) / len(value)
    above = np.sqrt(((high - value) ** 2).sum()) / len(value)
    return Interval(float(mean), float(mean - below), float(mean + above))
