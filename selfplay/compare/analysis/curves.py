"""Strength against compute: the mean curve of each group on one grid, and where curves cross."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.compare.analysis.bootstrap import (
    REPLICATES,
    draws_of,
    interval,
    moved,
    seed_weights,
    shared_moves,
    welch,
)
from selfplay.compare.groups import Group
from selfplay.compare.metrics import is_share, lower_is_better, on_fixed_positions
from selfplay.compare.records import F32, F64, Run
from selfplay.stats import Z95, Interval

PER_DECADE = 20  # grid points a factor of 10 in compute
SURE = 0.975  # a probability above this counts as certain

State = Literal["crosses", "ahead", "behind", "undecided", "apart", "unknown"]


class Curve(NamedTuple):
    """The strength of one group against compute, on X points of the common grid.

    Nothing is extrapolated but runs that stopped early, which are level from there on: the points
    lie where every run of the group was measured before and after.  X is 0 where the runs of a
    group have no compute in common.
    """

    group: Group
    metric: str
    charged: bool  # True: the seconds of expert and search count as compute
    flops: F64  # [X] ascending, from the grid 10 ** (k / PER_DECADE)
    mean: F64  # [X] over the seeds
    low: F64 | None  # [X] ends of the 95% band; None with fewer than two seeds
    high: F64 | None  # [X]
    runs: F64  # [S, X] the curve of each seed, in the order of the group's runs
    below: F64  # [X] how far another draw of test positions may move all of them down; else 0
    above: F64  # [X] and up
    redrawn: F64 | None = None  # [B, X] how draws of the positions, the same for all curves, move
    # the mean; None: not known

    @property
    def label(self) -> str:
        return self.group.label

    @property
    def unit(self) -> str:
        """Of its compute, after a number."""
        return self.group.runs[0].points.compute.unit

    @property
    def empty(self) -> bool:
        """True where there is no point of the grid that all runs reached; see ``why_empty``."""
        return not len(self.flops)


class Crossing(NamedTuple):
    """From which compute on ``a`` is better than ``b``, within the range that both cover.

    crosses: a is better at the largest common compute with probability over 0.975, and was not
    all the time; ahead: it was all the time; behind: b is better at the largest common compute
    with that probability; undecided: neither; apart: no compute in common; unknown: one of the
    two has fewer than two seeds, so that no probability can be given.
    """

    a: str  # label
    b: str
    metric: str
    charged: bool  # True: the seconds of expert and search count as compute
    state: State = "apart"
    flops: float | None = None  # C*, from here on the mean of a is better; None: never, or always
    low: float | None = None  # ends of its 95% interval; None: below the common range, or missing
    high: float | None = None  # None: beyond the common range, or missing
    sure: float | None = None  # from here on a is better with probability over 0.975
    first: float = math.nan  # smallest and largest compute in common; NaN when apart
    last: float = math.nan
    gap: Interval | None = None  # a's lead at ``last``, > 0: a is better; None: one seed
    lead: float = math.nan  # the same without its interval; NaN when apart
    error: float | None = None  # standard error of the lead; None: one seed
    paired: bool = False  # by the answers to each position; else as if each had other positions


class Track(NamedTuple):
    """One run on the common grid."""

    first: int  # its first point is 10 ** (first / PER_DECADE)
    value: F64  # [X]
    below: F64  # [X] how far the interval on the test positions reaches down
    above: F64  # [X] and up
    redrawn: F32 | None = None  # [B, X] how draws of the positions move it; None: not known


def curves(
    groups: Sequence[Group], metric: str, rate: float | None = None, replicates: int = REPLICATES
) -> tuple[Curve, ...]:
    """The curve of each group; with ``rate``, a CPU second beside the net costs so much compute.

    Runs that stopped early stay where they were, up to the largest compute of all groups.
    """
    seeds = np.random.SeedSequence(0).spawn(len(groups))
    rngs = map(np.random.default_rng, seeds)
    ends = [_places(run, rate)[-1] for group in groups for run in group.runs]
    until = _last_point(max(ends, default=0.0))
    return tuple(
        _curve(group, metric, rate, replicates, rng, until)
        for group, rng in zip(groups, rngs, strict=True)
    )


def _curve(
    group: Group,
    metric: str,
    rate: float | None,
    replicates: int,
    rng: np.random.Generator,
    until: int,
) -> Curve:
    """The mean of the runs of a group where all of them were measured; see bootstrap.py."""
    tracks = [track(run, metric, rate, until) for run in group.runs]
    first = max(each.first for each in tracks)
    count = max(0, min(each.first + len(each.value) for each in tracks) - first)
    value, below, above = (
        np.stack([getattr(each, name)[first - each.first :][:count] for each in tracks])
        for name in ("value", "below", "above")
    )
    if not on_fixed_positions(metric):
        below, above = np.zeros_like(below), np.zeros_like(above)
    moves = [
        each.redrawn[:, first - each.first :][:, :count]
        for each in tracks
        if each.redrawn is not None
    ]
    curve = Curve(
        group=group,
        metric=metric,
        charged=rate is not None,
        flops=10 ** (np.arange(first, first + count) / PER_DECADE),
        mean=value.mean(axis=0),
        low=None,
        high=None,
        runs=value,
        below=below.mean(axis=0),
        above=above.mean(axis=0),
        redrawn=shared_moves(moves) if len(moves) == len(tracks) else None,
    )
    if len(tracks) < 2 or not count:
        return curve
    drawn = redrawn(curve, seed_weights([len(tracks)], replicates, rng), rng)
    most = 1.0 if is_share(metric) else math.inf
    low, high = np.clip(np.quantile(drawn, [0.025, 0.975], axis=0), 0.0, most)
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
    """[B, X] f64, replicates of the mean: the seeds by ``weights`` [B, S], then the positions.

    Row b of all curves that have answers is of the same draw of the positions.
    """
    normal = rng.standard_normal((len(weights), 1))
    shift = moved(curve.below, curve.above, normal)
    if curve.redrawn is not None:  # where nobody errs, no draw moves anything
        shift = np.where(curve.mean == 0, shift, draws_of(curve.redrawn, len(weights)))
    return weights @ curve.runs + shift


def track(run: Run, metric: str, rate: float | None = None, until: int = 0) -> Track:
    """``metric`` of a run at the grid points within its range, straight between measurements.

    The line is straight in the logarithm of compute; of a run that stopped early it goes on level
    to point ``until``.  Empty where it was measured only once.
    """
    points = run.points
    known = np.isfinite(points.of(metric))
    at = _places(run, rate)[known]
    if not len(at):
        return Track(0, np.empty(0), np.empty(0), np.empty(0))
    first = math.ceil(at[0] - 1e-9)  # a measurement on the grid counts despite rounding
    last = _last_point(at[-1])
    grid = np.arange(first, (max(last, until) if points.stopped else last) + 1)
    value = np.interp(grid, at, points.of(metric)[known])
    below, above = (np.interp(grid, at, end[known]) for end in points.error(metric))
    moves = points.redrawn(metric)
    return Track(
        first, value, below, above, None if moves is None else _between(grid, at, moves[known])
    )


def _places(run: Run, rate: float | None) -> F64:
    """[P] f64, where the measurements of a run lie on the grid, whose points are whole numbers."""
    compute = run.points.flops + run.points.charges() * (rate or 0.0)
    places: F64 = np.log10(compute) * PER_DECADE
    return places


def _last_point(place: float) -> int:
    return math.floor(place + 1e-9)


def _between(grid: NDArray[np.int64], at: F64, rows: F32) -> F32:
    """[B, X] f32, ``rows`` [P, B] that are known ``at`` some places, straight between them."""
    if len(at) < 2:
        return np.repeat(rows.T, len(grid), axis=1)
    right = np.clip(np.searchsorted(at, grid), 1, len(at) - 1)
    part = np.clip((grid - at[right - 1]) / (at[right] - at[right - 1]), 0.0, 1.0)
    mixed = rows[right - 1].T * (1 - part) + rows[right].T * part
    return mixed.astype(np.float32)


def cut(curve: Curve, at: NDArray[np.intp] | NDArray[np.bool_]) -> Curve:
    """The curve at some of its points."""
    columns: list[Any] = [x if x is None else x[..., at] for x in curve[3:]]
    return Curve(*curve[:3], *columns)


def crossing(a: Curve, b: Curve, replicates: int = REPLICATES) -> Crossing:
    """Where the curve ``a`` overtakes ``b`` and stays better; their seeds are independent."""
    a, b = on_common_grid(a, b)
    flops, sign = a.flops, -1.0 if lower_is_better(a.metric) else 1.0
    met = Crossing(a.label, b.label, a.metric, a.charged)
    if a.empty:
        return met
    lead = sign * (a.mean - b.mean)
    first, last, end = float(flops[0]), float(flops[-1]), float(lead[-1])
    (start,) = onset(lead, flops)
    met = met._replace(state="unknown", flops=_within(start), first=first, last=last, lead=end)
    sizes = len(a.runs), len(b.runs)
    if min(sizes) < 2:
        return met
    rng = np.random.default_rng(0)
    weights = seed_weights(sizes, replicates, rng, welch(a.runs, b.runs))
    of_a, of_b = np.split(weights, [sizes[0]], axis=1)
    leads = sign * (redrawn(a, of_a, rng) - redrawn(b, of_b, rng))
    state, sure = _verdict(leads, flops)
    _, low, high = map(_within, interval(start, onset(leads, flops)))
    return met._replace(
        state=state,
        low=low,
        high=high,
        sure=sure,
        gap=interval(end, leads[:, -1]),
        error=_lead_error(a, b),
        paired=a.redrawn is not None and b.redrawn is not None,
    )


def _lead_error(a: Curve, b: Curve) -> float:
    """The standard error of the lead at the last point: of the seeds, and of the positions."""
    variance = sum(float(each.runs[:, -1].var(ddof=1)) / len(each.runs) for each in (a, b))
    if a.redrawn is not None and b.redrawn is not None:
        return math.sqrt(variance + float((a.redrawn[:, -1] - b.redrawn[:, -1]).var()))
    for each in (a, b):
        reach = float(each.below[-1] + each.above[-1]) / (2 * Z95)
        moves = each.redrawn
        variance += reach**2 if moves is None else float(moves[:, -1].var())
    return math.sqrt(variance)


def on_common_grid(a: Curve, b: Curve) -> tuple[Curve, Curve]:
    """The two curves cut to the compute that both have."""
    grids = (np.rint(np.log10(each.flops) * PER_DECADE).astype(np.int64) for each in (a, b))
    _, in_a, in_b = np.intersect1d(*grids, return_indices=True)
    return cut(a, in_a), cut(b, in_b)


def _verdict(leads: F64, flops: F64) -> tuple[State, float | None]:
    """The state of a crossing, and the compute from which on its replicates [B, X] are certain."""
    unsure = np.flatnonzero((leads > 0).mean(axis=0) <= SURE)
    if not len(unsure):
        return "ahead", float(flops[0])
    if unsure[-1] < len(flops) - 1:
        return "crosses", float(flops[unsure[-1] + 1])
    return ("behind" if (leads[:, -1] < 0).mean() > SURE else "undecided"), None


def onset(lead: F64, flops: F64) -> F64:
    """[B] f64, the compute from which on each ``lead``, [X] or [B, X], stays above 0.

    Straight between the points in the logarithm of compute; 0 where it is above 0 all the time,
    infinite where it is not in the end.
    """
    lead = np.atleast_2d(lead)
    behind = lead <= 0
    last = lead.shape[1] - 1 - np.argmax(behind[:, ::-1], axis=1)  # the last point behind
    rows = np.arange(len(lead))
    after = np.minimum(last + 1, lead.shape[1] - 1)
    here, there = lead[rows, last], lead[rows, after]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(after > last, here / (here - there), 0.0)
    log = np.log(flops)
    at = np.exp(log[last] + part * (log[after] - log[last]))
    at = np.where(behind[:, -1], np.inf, at)
    return np.where(behind.any(axis=1), at, 0.0)


def _within(flops: float) -> float | None:
    """None for what lies outside of the common range."""
    return float(flops) if 0 < flops < math.inf else None
