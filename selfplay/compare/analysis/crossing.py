"""Where one regime overtakes another."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np

from selfplay.compare.analysis.bootstrap import REPLICATES, interval, seed_weights, welch
from selfplay.compare.analysis.curves import Curve, on_common_grid, redrawn
from selfplay.compare.metrics import lower_is_better
from selfplay.compare.records import F64
from selfplay.stats import Interval

SURE = 0.975  # a probability above this counts as certain

State = Literal["crosses", "ahead", "behind", "undecided", "apart", "unknown"]


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
    charged: bool  # True: the expert's seconds count as compute
    state: State
    flops: float | None  # C*, from here on the mean of a is better; None: it never is, or always
    low: float | None  # ends of its 95% interval; None: below the common range, or missing
    high: float | None  # None: beyond the common range, or missing
    sure: float | None  # from here on a is better with probability over 0.975
    first: float  # smallest and largest compute in common; NaN when apart
    last: float
    gap: Interval | None  # a's lead at ``last`` in the metric, > 0: a is better; None: one seed
    lead: float  # the same without its interval; NaN when apart


def crossing(a: Curve, b: Curve, replicates: int = REPLICATES) -> Crossing:
    """Where the curve ``a`` overtakes ``b`` and stays better; their seeds are independent."""
    a, b = on_common_grid(a, b)
    flops, sign = a.flops, -1.0 if lower_is_better(a.metric) else 1.0
    nothing = Crossing(
        a=a.label, b=b.label, metric=a.metric, charged=a.charged, state="apart", flops=None,
        low=None, high=None, sure=None, first=math.nan, last=math.nan, gap=None, lead=math.nan,
    )  # fmt: skip
    if not len(flops):
        return nothing
    lead = sign * (a.mean - b.mean)
    met = nothing._replace(
        state="unknown",
        flops=_within(onset(lead, flops)),
        first=float(flops[0]),
        last=float(flops[-1]),
        lead=float(lead[-1]),
    )
    if len(a.runs) < 2 or len(b.runs) < 2:
        return met
    leads = sign * _differences(a, b, replicates)
    state, sure = _verdict(leads, flops)
    spread = interval(math.nan, onset(leads, flops))
    return met._replace(
        state=state,
        low=_within(spread.low),
        high=_within(spread.high),
        sure=sure,
        gap=interval(met.lead, leads[:, -1]),
    )


def _differences(a: Curve, b: Curve, replicates: int) -> F64:
    """[B, X] f64, replicates of the mean of ``a`` less that of ``b``."""
    rng = np.random.default_rng(0)
    sizes = len(a.runs), len(b.runs)
    weights = seed_weights(sizes, replicates, rng, welch(a.runs, b.runs))
    of_a, of_b = np.split(weights, [sizes[0]], axis=1)
    return redrawn(a, of_a, rng) - redrawn(b, of_b, rng)


def _verdict(leads: F64, flops: F64) -> tuple[State, float | None]:
    """The state of a crossing, and the compute from which on its replicates [B, X] are certain."""
    unsure = np.flatnonzero((leads > 0).mean(axis=0) <= SURE)
    if not len(unsure):
        return "ahead", float(flops[0])
    if unsure[-1] < len(flops) - 1:
        return "crosses", float(flops[unsure[-1] + 1])
    return ("behind" if (leads[:, -1] < 0).mean() > SURE else "undecided"), None


def onset(lead: F64, flops: F64) -> F64:
    """[...] f64, the compute from which on ``lead`` [..., X] stays above 0.

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


def _within(flops: F64 | float) -> float | None:
    """None for what lies outside of the common range."""
    value = float(np.squeeze(flops))  # of one curve or of one replicate
    return value if 0 < value < math.inf else None
