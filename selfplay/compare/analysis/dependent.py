"""Shares of trials that depend on each other: moves of games that began alike, players of a kind.

Wilson's interval takes trials as independent.  Moves of one game are not, nor are games from one
opening: where a player errs once it errs again.  Nor do runs of other seeds err as often.  The
variance is that of sums over clusters (a ratio estimator, Cochran 1977, ch. 6), and of the runs on
top of it; the interval is Wilson's for as many independent trials as have that variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from selfplay.stats import Z95, Interval, wilson


class Tally(NamedTuple):
    """Trials in clusters; tallies of other clusters add up, field by field."""

    hits: int = 0
    trials: int = 0
    clusters: int = 0  # 0: it is not known which trials belong together
    hits_squared: int = 0  # sums over the clusters
    products: int = 0  # of hits and trials
    trials_squared: int = 0


def tally(hit: NDArray[np.bool_], cluster: NDArray[np.integer]) -> Tally:
    """The trials ``hit`` [N], each of a ``cluster`` [N]."""
    _, of = np.unique(cluster, return_inverse=True)
    trials, hits = np.bincount(of), np.bincount(of, weights=hit).astype(np.int64)
    sums = (hits.sum(), trials.sum(), len(trials), hits @ hits, hits @ trials, trials @ trials)
    return Tally(*map(int, sums))


def add(tallies: Sequence[Tally]) -> Tally:
    """All of them together; the clusters are not known where those of one are not."""
    told = [each for each in tallies if each.trials]
    total = Tally(*map(sum, zip(*told, strict=True))) if told else Tally()
    return total if all(each.clusters for each in told) else Tally(*total[:2])


def shares(players: Sequence[Sequence[Tally]]) -> list[Interval]:
    """The share of each player, one tally a run of it; NaN where nothing was tried.

    The spread of runs is learned from all players that have several.  Where a player never erred
    its trials depend on each other as those of the others do.
    """
    totals = [add(runs) for runs in players]
    spread, freedom = _between(players)
    loss = [
        _loss(total, len(runs), spread, freedom)
        for total, runs in zip(totals, players, strict=True)
    ]
    usual = float(np.mean([each for each in loss if each is not None] or [1.0]))
    found = []
    for total, each in zip(totals, loss, strict=True):
        if not total.trials:
            found.append(Interval(np.nan, np.nan, np.nan))
            continue
        trials = max(1, round(total.trials / (usual if each is None else each)))
        found.append(wilson(total.hits / total.trials * trials, trials))
    return found


def _variance(total: Tally) -> float:
    """Of a share, by the sums over its clusters; that of independent trials where they are one."""
    share = total.hits / total.trials
    if total.clusters < 2:
        return share * (1 - share) / total.trials
    squares = total.hits_squared - 2 * share * total.products + share**2 * total.trials_squared
    return squares * total.clusters / (total.clusters - 1) / total.trials**2


def _between(players: Sequence[Sequence[Tally]]) -> tuple[float, int]:
    """The variance of the runs of a player beyond that of their trials, and its freedom."""
    squares, within, freedom = 0.0, [], 0
    for runs in players:
        known = [run for run in runs if run.trials]
        if len(known) > 1:
            rates = np.array([run.hits / run.trials for run in known])
            squares += float(((rates - rates.mean()) ** 2).sum())
            within += [_variance(run) for run in known]
            freedom += len(known) - 1
    return (max(0.0, squares / freedom - float(np.mean(within))), freedom) if freedom else (0.0, 0)


def _loss(total: Tally, runs: int, spread: float, freedom: int) -> float | None:
    """How many trials count as one; None where the share is 0 or 1, so that it is not seen."""
    if not 0 < total.hits < total.trials:
        return None
    share = total.hits / total.trials
    parts = [(_variance(total), max(1, total.clusters - 1) if total.clusters else 10**6)]
    if spread > 0:
        parts.append((spread / runs, freedom))
    variance = sum(part for part, _ in parts)
    if not variance:
        return 1.0
    degrees = variance**2 / sum(part**2 / of for part, of in parts)
    wide = float(t.ppf(0.975, degrees)) / Z95
    return max(1.0, variance * wide**2 * total.trials / (share * (1 - share)))
