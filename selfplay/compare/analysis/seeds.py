"""The law of large numbers over seeds: is a mistake rate the mean of independent positions?

If each position were a coin of its own, thrown anew by every seed, the mistake rates of the seeds
would spread by what M coins leave: their variance would be sum(p (1 - p)) / M^2, p being how often
seeds err there.  The variance that they have, over this one, is 1 + the sum of all covariances
between positions over the sum of their variances (the design effect of Kish 1965, sec. 8.2): above
1 positions are got right or wrong together, and M of them are worth M / ratio independent ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from selfplay.compare.groups import Group
from selfplay.compare.histories import History
from selfplay.compare.records import F64
from selfplay.stats import Interval


class SeedSpread(NamedTuple):
    """The last measurements of the runs of a group, the net alone."""

    label: str  # Group.label
    seeds: int
    positions: int  # M
    rate: float  # mistake rate, the mean over the seeds
    spread: float  # its standard deviation over the seeds
    independent: float  # the one that independent positions would leave
    ratio: Interval  # of the two variances


def seed_spreads(
    groups: Sequence[Group], histories: Mapping[Path, History]
) -> tuple[SeedSpread, ...]:
    """Of the groups with two seeds or more whose answers differ at all.

    Runs that are not finished were measured last at less compute, which is no spread of seeds.
    """
    found = []
    for group in groups:
        ended = [run.path for run in group.runs if run.finished]
        known = [histories[path] for path in ended if path in histories]
        if len(known) > 1:
            wrong = np.stack([each.wrong[-1] for each in known]).astype(np.float64)
            spread = seed_spread(group.label, wrong)
            found += [] if spread is None else [spread]
    return tuple(found)


def seed_spread(label: str, wrong: F64) -> SeedSpread | None:
    """Of mistakes [S, M], 0 or 1, of S seeds; None where all seeds err on the same positions.

    The interval of the ratio is that of a variance of normal numbers, chi-squared: a rate is the
    mean of very many positions, and so is the variance below, which is taken as known.
    """
    seeds, positions = wrong.shape
    rates = wrong.mean(axis=1)
    independent = wrong.var(axis=0, ddof=1).sum() / positions**2
    if independent == 0:
        return None
    ratio, freedom = float(rates.var(ddof=1) / independent), seeds - 1
    low, high = (ratio * freedom / stats.chi2.ppf(end, freedom) for end in (0.975, 0.025))
    return SeedSpread(
        label, seeds, positions, float(rates.mean()), float(rates.std(ddof=1)),
        float(np.sqrt(independent)), Interval(ratio, float(low), float(high)),
    )  # fmt: skip
