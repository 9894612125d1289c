"""L(E) against L(D): what a stream of fresh positions teaches, and what a stock can at best.

L(E) is the loss of a net that has gone once through E positions.  L(D) is the least loss of the
largest net over any number of passes through D positions.  Where L(E) lies near L(D = E) the data
are the limit (the quarry); from E*(N) on, where a net of N parameters stays 10% above it, the net
is (the extractor).  The loss is that on positions kept aside, less the entropy of their targets.
Only where one pass has come 10% below the loss of the untrained net is it compared: before, every
net is near.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from selfplay.compare.analysis.bootstrap import REPLICATES, interval
from selfplay.compare.analysis.courses import (
    APART,
    Arm,
    Mean,
    first_below,
    mean_course,
    minima,
    read_arm,
    when,
)
from selfplay.compare.analysis.curves import PER_DECADE, onset
from selfplay.compare.analysis.fits import FEWEST, HALF_DECADE, family
from selfplay.compare.analysis.stocks import Stock, stocks_of
from selfplay.compare.groups import Group, spell_kind
from selfplay.compare.records import F64
from selfplay.stats import Interval

WHOLE, ONCE = 0.9, 1.1  # epochs: as good as once through, and no more
UNKNOWN = Interval(math.nan, math.nan, math.nan)


class SizePass(NamedTuple):
    """A net of N parameters; X points of the grid 10 ** (k / PER_DECADE).

    Of ``meets``, ``leaves`` and ``stop`` 0 is "from the start" and infinite "never"; NaN: unknown.
    """

    parameters: int  # N
    samples: F64  # [X] E, in one pass
    loss: F64  # [X] L(E), nats: the mean over the seeds, of ln L
    low: F64 | None  # [X] ends of its 95% band; None with fewer than two seeds
    high: F64 | None  # [X]
    meets: Interval  # E from which on it is within 10% of L(D = E) for the first time
    leaves: Interval  # E*, from which on it stays more than 10% above; NaN where it never is within
    converged: float  # the least loss, on the most data and in as many passes as there were
    falling: float  # d ln L / d ln E over the last half-decade; near 0 where it has converged
    stop: Interval  # E at which the loss comes within 10% of the converged one
    best: tuple[float, float] | None  # the FLOPs from and to which no other size does better
    excess: tuple[float, float] | None  # L / converged - 1 there


class OnePass(NamedTuple):
    """The nets that learn from one kind of data."""

    label: str  # "frozen, made by 112,000 parameters"
    sizes: tuple[SizePass, ...]  # by ascending N
    reference: int  # N of the net of L(D)
    data: F64  # [K] D, ascending
    best: F64  # [K] L(D), the mean over the seeds
    low: F64 | None  # [K] ends of its 95% interval
    high: F64 | None  # [K]
    exponent: Interval  # of E*(N) ~ N ** exponent; NaN with fewer than three sizes that leave

    stocks: tuple[Stock, ...]  # [K] one a D
    epochs: F64  # [K] the most passes through D that all its runs made

    def too_short(self) -> list[float]:
        """The D of which less was learned than of fewer, or which were not gone through once.

        More passes would have gone lower.
        """
        least = np.minimum.accumulate(np.append(self.best[:1], self.best))[:-1]
        above = (self.best > APART * least) | (self.epochs < WHOLE)
        told: list[float] = self.data[above].tolist()
        return told

    def sentences(self) -> Iterator[str]:
        """What of it is not known, and why."""
        for data in self.too_short():
            yield (
                f"less was learned of {data:,.0f} positions than of fewer or than once through "
                f"them, so that those runs ended too early to tell L(D), and E* with it"
            )
        away = [size.parameters for size in self.sizes if math.isinf(size.meets.value)]
        if away:
            yield (
                f"one pass of N = {', '.join(f'{n:,}' for n in away)} never comes within 10% of "
                f"L(D): more steps on as many positions teach more, so that no E* can be told"
            )
        left = sum(0 < size.leaves.value < math.inf for size in self.sizes)
        if math.isnan(self.exponent.value):
            what = f"{left} size{'' if left == 1 else 's'} of {len(self.sizes)}"
            yield f"E* lies within what was looked at for {what}: its exponent takes {FEWEST}"


class _Span(NamedTuple):
    """The compute at which a size is the best of all."""

    flops: tuple[float, float]  # from and to
    low: float  # ln L at these ends
    high: float


def one_passes(groups: Sequence[Group], replicates: int = REPLICATES) -> tuple[OnePass, ...]:
    """One for each kind of data of which a size was looked at in one pass, and three stocks were.

    Runs that learn from games of their own have no stock, and are not read.
    """
    taught = [group for group in groups if group.expert or group.maker_parameters is not None]
    found = []
    for _, kin in groupby(sorted(taught, key=_order), key=_order):
        members = [*kin]
        rng = np.random.default_rng(0)
        arms = [arm for group in members if (arm := read_arm(group, replicates, rng))]
        if (whole := _compare(members[0], arms)) is not None:
            found.append(whole)
    return tuple(found)


def _order(group: Group) -> tuple[str, ...]:
    return tuple(map(str, family(group)))


def _compare(group: Group, arms: Sequence[Arm]) -> OnePass | None:
    sizes = sorted({arm.parameters for arm in arms})
    stocks = {n: _stocks([arm for arm in arms if arm.parameters == n]) for n in sizes}
    known = [n for n in sizes if len(stocks[n]) >= FEWEST]
    if not known:
        return None
    reference = max(known)
    again = [arm for arm in stocks[reference] if max(p.epochs[-1] for p in arm.passes) > ONCE]
    if len(again) < FEWEST:  # all ended within the first pass: ``too_short`` says so
        again = stocks[reference]
    data = np.array([arm.data for arm in again])
    best, drawn = _least(again)
    courses = {n: stocks[n][-1] for n in sizes}
    efficient = _efficient(courses)
    measured, starts = [], []
    for n, arm in courses.items():
        fresh = mean_course(arm, "samples", once=True)
        if len(fresh.log) > 1:
            law = data, best, drawn
            size, begun = _size(arm, fresh, stocks[n], law, efficient.get(n))
            measured.append(size)
            starts.append(begun)
    if not measured:
        return None
    words = spell_kind(group.kind) + (f" of {group.expert}" if group.expert else "")
    if group.maker_parameters is not None:
        words += f", made by {group.maker_parameters:,} parameters"
    low, high = _band(drawn)
    exponent, worth = _exponent(measured, starts), stocks_of(again, courses[reference])
    epochs = np.array([min(p.epochs[-1] for p in arm.passes) for arm in again])
    return OnePass(
        words, tuple(measured), reference, data, np.exp(best), low, high, exponent, worth, epochs
    )


def _stocks(arms: Sequence[Arm]) -> list[Arm]:
    """One arm for each amount of data, ascending: of several the one that came lowest."""
    lowest: dict[int, Arm] = {}
    for arm in sorted(arms, key=lambda arm: -float(np.mean(minima(arm)))):
        lowest[round(arm.data)] = arm
    return [lowest[data] for data in sorted(lowest)]


def _least(arms: Sequence[Arm]) -> tuple[F64, F64 | None]:
    """ln L(D) [K], and its replicates [B, K]."""
    least = np.array([minima(arm).mean() for arm in arms])
    drawn = [arm.weights @ minima(arm) for arm in arms if arm.weights is not None]
    return least, np.stack(drawn, axis=1) if len(drawn) == len(arms) else None


def _size(
    arm: Arm,
    fresh: Mean,
    stocks: Sequence[Arm],
    law: tuple[F64, F64, F64 | None],
    span: _Span | None,
) -> tuple[SizePass, F64 | None]:
    """A size against L(D), given as D [K], ln L [K] and its replicates [B, K].

    Behind it the replicates of ``leaves`` [B], within the range that was looked at.
    """
    data, best, drawn = law
    inside = (fresh.x >= data[0] * (1 - 1e-9)) & (fresh.x <= data[-1] * (1 + 1e-9))
    if not math.isnan(arm.start):
        inside &= fresh.log < arm.start - math.log(APART)
    samples, share = fresh.x[inside], _shares(fresh.x[inside], data)
    meets, leaves, begun = UNKNOWN, UNKNOWN, None
    if len(samples) > 1:
        above = fresh.log[inside] - share @ best - math.log(APART)
        many = None
        if fresh.replicates is not None and drawn is not None:
            many = fresh.replicates[:, inside] - drawn @ share.T - math.log(APART)
        meets, _ = when(above, many, samples, first_below)
        if math.isfinite(meets.value):
            leaves, begun = when(above, many, samples, onset)
        begun = None if begun is None else np.clip(begun, samples[0], samples[-1])
    lowest = min(stocks, key=lambda each: float(minima(each).mean()))
    converged = float(minima(lowest).mean())
    course = mean_course(arm, "samples")
    over = None
    if course.replicates is not None and lowest.weights is not None:
        floor = lowest.weights @ minima(lowest) + math.log(APART)
        over = course.replicates - floor[:, None]
    stop, _ = when(course.log - converged - math.log(APART), over, course.x, first_below)
    low, high = _band(fresh.replicates)
    flops: tuple[float, float] | None = None
    excess: tuple[float, float] | None = None
    if span is not None:
        flops = span.flops
        excess = math.expm1(span.low - converged), math.expm1(span.high - converged)
    return SizePass(
        arm.parameters, fresh.x, np.exp(fresh.log), low, high, meets, leaves,
        math.exp(converged), _falling(course), stop, flops, excess,
    ), begun  # fmt: skip


def _shares(samples: F64, data: F64) -> F64:
    """[X, K] f64, of the values at ``data``, that between them at ``samples``, by logarithms."""
    unit = np.eye(len(data))
    columns = [np.interp(np.log(samples), np.log(data), row) for row in unit]
    return np.stack(columns, axis=1)


def _falling(course: Mean) -> float:
    """The slope of ln L over ln E in the last half-decade, by least squares."""
    late = course.x >= course.x[-1:] / HALF_DECADE * (1 - 1e-9)
    if late.sum() < 2:
        return math.nan
    return float(np.polyfit(np.log(course.x[late]), course.log[late], 1)[0])


def _efficient(courses: dict[int, Arm]) -> dict[int, _Span]:
    """Where each size is the best of those measured; where one alone was measured none is."""
    means = {n: mean for n, arm in courses.items() if len((mean := mean_course(arm, "flops")).log)}
    if len(means) < 2:
        return {}
    first = min(mean.first for mean in means.values())
    last = max(mean.first + len(mean.log) for mean in means.values())
    table = np.full((len(means), last - first), np.nan)
    for row, mean in zip(table, means.values(), strict=True):
        row[mean.first - first :][: len(mean.log)] = mean.log
    contested = np.flatnonzero(np.isfinite(table).sum(axis=0) > 1)
    if not len(contested):
        return {}
    best = np.nanargmin(table[:, contested], axis=0)
    spans = {}
    for place, n in enumerate(means):
        mine = contested[best == place]
        if len(mine):
            low, high = 10 ** ((first + mine[[0, -1]]) / PER_DECADE)
            ends = table[place, mine[[0, -1]]]
            spans[n] = _Span((float(low), float(high)), float(ends[0]), float(ends[1]))
    return spans


def _exponent(sizes: Sequence[SizePass], starts: Sequence[F64 | None]) -> Interval:
    """The slope of ln E* over ln N, of the sizes that leave L(D) within what was looked at."""
    left = [i for i, size in enumerate(sizes) if 0 < size.leaves.value < math.inf]
    if len(left) < FEWEST:
        return UNKNOWN
    u = np.log([sizes[i].parameters for i in left])
    u -= u.mean()
    slope = float(u @ np.log([sizes[i].leaves.value for i in left]) / (u @ u))
    drawn = [start for i in left if (start := starts[i]) is not None]
    if len(drawn) < len(left):
        return Interval(slope, math.nan, math.nan)
    return interval(slope, np.log(np.stack(drawn, axis=1)) @ u / (u @ u))


def _band(replicates: F64 | None) -> tuple[F64, F64] | tuple[None, None]:
    """Ends of the 95% band of what ``replicates`` [B, X] are the logarithms of."""
    if replicates is None:
        return None, None
    low, high = np.exp(np.quantile(replicates, [0.025, 0.975], axis=0))
    return low, high
