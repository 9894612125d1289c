"""The law of an exchange rate: C_match = C x (D / D0) ** a, and what two other laws say of a.

Where imitation's best falls as D ** -alpha_D and own games fall as C ** -alpha_C, both without a
floor, the compute that matches D games goes as D to the alpha_D / alpha_C.  The two exponents are
fitted apart from C_match, so that the ratio can disagree with it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from selfplay.compare.analysis.bootstrap import interval
from selfplay.compare.analysis.censored import STEEPEST, censored_line
from selfplay.compare.analysis.fits import FEWEST
from selfplay.compare.analysis.frontier import DECADES
from selfplay.compare.records import F64
from selfplay.stats import Interval

REFERENCE = 2000  # games, D0 of a study that reaches to both sides of it
DENSE = 40  # points of a line that is drawn
_LEAST = 1e-6  # no loss counts as less in a logarithm


class Places(NamedTuple):
    """Where own games come to each of G levels, with B replicates."""

    games: F64  # [G] D, ascending
    place: F64  # [G] ln C_match; -inf before the curve begins, inf behind its end
    level: F64  # [G] the best of imitation
    log: F64  # [X] ln C, of the curve of own games
    curve: F64  # [X]
    places: F64 | None  # [B, G]; None: some group has one seed
    levels: F64 | None  # [B, G]
    curves: F64 | None  # [B, X]

    @property
    def ends(self) -> tuple[float, float]:
        return float(self.log[0]), float(self.log[-1])


class TwoLaws(NamedTuple):
    """What two power laws without floors, fitted apart, say of the exponent."""

    data: Interval  # alpha_D of imitation's best
    compute: Interval  # alpha_C of own games in their last decades
    ratio: Interval  # alpha_D / alpha_C
    excess: Interval  # the exponent less the ratio


class ExchangeLaw(NamedTuple):
    """C_match = scale x (D / reference) ** exponent; ends are NaN where some group has one seed."""

    reference: int  # D0, games
    scale: Interval  # compute
    exponent: Interval
    held_out: float | None  # |ln(foretold / found)| at the largest D that is matched, by the others
    apart: TwoLaws | None  # None: the metric is no loss
    games: F64  # [K] D, over the range of the study
    flops: F64  # [K] the law there
    low: F64 | None  # [K] ends of its 95% band
    high: F64 | None  # [K]
    drawn: F64 | None = None  # [B, 2] replicates: ln scale, exponent


def fit_exchange(places: Places, loss: bool) -> ExchangeLaw | None:
    """The law; None with fewer than FEWEST amounts of data, or than two that are matched.

    ``loss``: False where the metric is better the higher it is, which has no power laws.
    """
    games, matched = places.games, np.isfinite(places.place)
    if len(np.unique(games)) < FEWEST or matched.sum() < 2:
        return None
    within = games[0] <= REFERENCE <= games[-1]
    reference = REFERENCE if within else int(games[len(games) // 2])
    x, sigma = np.log(games / reference), _spread(places)
    line = censored_line(x, places.place[None], places.ends, sigma)[0]
    lines = None
    if places.places is not None:
        lines = censored_line(x, places.places, places.ends, sigma)
    scale = _told(float(np.exp(line[0])), None if lines is None else np.exp(lines[:, 0]))
    exponent = _told(float(line[1]), None if lines is None else lines[:, 1])
    ends = (math.copysign(math.inf, e) if abs(e) >= STEEPEST else e for e in exponent[1:])
    dense = np.geomspace(games[0], games[-1], DENSE)
    along = np.stack([np.ones(DENSE), np.log(dense / reference)])
    band = None, None
    if lines is not None:
        band = np.exp(np.quantile(lines @ along, [0.025, 0.975], axis=0))
    return ExchangeLaw(
        reference=reference,
        scale=scale,
        exponent=Interval(exponent.value, *ends),
        held_out=_held_out(places, x, sigma),
        apart=_two_laws(places, x, exponent.value, lines) if loss else None,
        games=dense,
        flops=np.exp(line @ along),
        low=band[0],
        high=band[1],
        drawn=lines,
    )


def _two_laws(places: Places, x: F64, exponent: float, lines: F64 | None) -> TwoLaws:
    late = places.log >= places.log[-1] - DECADES * np.log(10) - 1e-9
    data = -_slope(x, places.level[None])
    compute = -_slope(places.log[late], places.curve[None, late])
    ratio = data / compute
    rows = [data, compute, ratio, exponent - ratio]
    drawn: list[F64 | None] = [None] * 4
    if lines is not None and places.levels is not None and places.curves is not None:
        of_data = -_slope(x, places.levels)
        of_compute = -_slope(places.log[late], places.curves[:, late])
        ratios = of_data / of_compute
        drawn = [of_data, of_compute, ratios, lines[:, 1] - ratios]
    told = (_told(float(row[0]), each) for row, each in zip(rows, drawn, strict=True))
    return TwoLaws(*told)


def _slope(x: F64, loss: F64) -> F64:
    """[B] f64, the slope of ln ``loss`` [B, X] over ``x`` [X], by least squares."""
    u = x - x.mean()
    slope: F64 = np.log(np.maximum(loss, _LEAST)) @ u / (u @ u)
    return slope


def _told(value: float, drawn: F64 | None) -> Interval:
    return Interval(value, math.nan, math.nan) if drawn is None else interval(value, drawn)


def _spread(places: Places) -> F64:
    """[G] f64, the standard deviation of each place: half the middle 68% of its replicates.

    A place beyond an end, whose replicates are cut off there, counts as no surer than the others.
    """
    if places.places is None:
        return np.ones(len(places.place))
    low, high = np.quantile(np.clip(places.places, *places.ends), [0.16, 0.84], axis=0)
    sigma: F64 = (high - low) / 2
    matched = np.isfinite(places.place)
    usual = max(float(np.median(sigma[matched])), 1e-3)
    return np.maximum(sigma, np.where(matched, usual / 4, usual))


def _held_out(places: Places, x: F64, sigma: F64) -> float | None:
    """How far the law of the other D is off at the largest that is matched; None: too few."""
    largest = np.flatnonzero(np.isfinite(places.place))[-1]
    rest = np.arange(len(x)) < largest
    if np.isfinite(places.place[rest]).sum() < 2:
        return None
    line = censored_line(x[rest], places.place[None, rest], places.ends, sigma[rest])[0]
    return float(abs(line[0] + line[1] * x[largest] - places.place[largest]))
