"""Two groups of provers on the same problems: what one proves more, paired by problem and by seed.

Runs of the same seed tried the same problems, so a problem that is hard for both moves neither.
The variance is that of the differences of S seeds, each by its number of problems; where seeds
tried the same problems that of the problems comes on top, which they then share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from selfplay.compare.groups import Group
from selfplay.proving.measure import read_proved
from selfplay.stats import Interval

Proved = Mapping[int, Mapping[str, bool]]  # by seed, then by problem


class PairedProblems(NamedTuple):
    """What one prover proves more than another."""

    problems: int  # different ones
    shares: tuple[float, float]  # of the tries, proved by the one and by the other
    difference: Interval
    alone: tuple[int, int]  # tries in which only the one, only the other has proved


def paired_problems(one: Proved, other: Proved) -> PairedProblems | None:
    """On the problems that runs of the same seed both tried; None where there are too few to tell:
    none, or of one seed only.
    """
    tries = [
        (seed, name, proved, other[seed][name])
        for seed in sorted(one.keys() & other.keys())
        for name, proved in sorted(one[seed].items())
        if name in other[seed]
    ]
    if not tries:
        return None
    seeds, names, first, second = (np.array(column) for column in zip(*tries, strict=True))
    gained = first.astype(np.float64) - second
    value, count = float(gained.mean()), len(gained)
    members = [seeds == seed for seed in np.unique(seeds)]
    if len(members) < 2:
        return None
    sums = np.array([(gained[each] - value).sum() for each in members])
    sources = [_of_mean(sums, count)]
    problems, problem = np.unique(names, return_inverse=True)
    if len(problems) < count:
        sources.append(_of_mean(np.bincount(problem, gained - value).astype(float), count))
    variance = sum(part for part, _ in sources)
    # degrees of freedom of a sum of variances (Satterthwaite 1946)
    freedom = variance**2 / sum(part**2 / known for part, known in sources) if variance else 1.0
    reach = float(stats.t.ppf(0.975, freedom) * np.sqrt(variance))
    return PairedProblems(
        len(problems),
        (float(first.mean()), float(second.mean())),
        Interval(value, value - reach, value + reach),
        (int((first & ~second).sum()), int((second & ~first).sum())),
    )


def _of_mean(sums: NDArray[np.float64], count: int) -> tuple[float, int]:
    """The variance of a mean over ``count`` by the sums of its parts less the mean's, and its
    degrees of freedom.
    """
    parts = len(sums)
    return float(parts / (parts - 1) * (sums**2).sum() / count**2), parts - 1


def proved_sentences(groups: Sequence[Group]) -> Iterator[str]:
    """Of each two groups of provers whose runs kept what they proved at the end."""
    told = [{run.seed: read_proved(run.path) for run in group.runs} for group in groups]
    for (a, one), (b, other) in combinations(zip(groups, told, strict=True), 2):
        if found := paired_problems(one, other):
            value, low, high = (100 * each for each in found.difference)
            shares, alone = found.shares, found.alone
            yield (
                f"{a.label} proves {shares[0]:.1%} and {b.label} {shares[1]:.1%} of "
                f"{found.problems:,} problems, seed by seed: {value:+.1f} points (95%: {low:.1f} "
                f"to {high:.1f}), {alone[0]:,} only the first, {alone[1]:,} only the other"
            )
