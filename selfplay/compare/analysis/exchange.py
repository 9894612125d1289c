"""The exchange rate of an expert's games: the compute of own games that is worth D of them.

C_match(D) is the compute at which own games come to the best that imitation of D games ever
reaches.  It is a distance along the axis of compute, between a curve that falls and a level that
stays: well conditioned where a crossing of two curves that run side by side is not.

- The curve is the mean over seeds, made monotone (isotonic regression): what a net can do does not
  get worse with compute, so that what rises again is chance, and each level is met once.
- The level is the mean over seeds, each with its own draw of D games, of their best checkpoints,
  chosen on other positions than they are judged on (best.py).
- Own games that are better from their first measurement on, or do not come to the level by their
  last, are no missing values: C_match lies beyond that end, and the law takes it so (censored.py).

Intervals: replicates draw anew the seeds of own games and of each level, then the test positions,
the same for all (bootstrap.py, redraws.py), so that the errors at all D move together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression

from selfplay.compare.analysis.best import Best, best_of
from selfplay.compare.analysis.bootstrap import (
    REPLICATES,
    draws_of,
    interval,
    moved,
    seed_weights,
)
from selfplay.compare.analysis.curves import Curve, redrawn
from selfplay.compare.analysis.exchange_law import ExchangeLaw, Places, fit_exchange
from selfplay.compare.analysis.fits import OF_DATA_ALONE, bundles
from selfplay.compare.analysis.sentence import OWN, TAUGHT, best_at_equal_compute
from selfplay.compare.groups import Group
from selfplay.compare.metrics import lower_is_better
from selfplay.compare.records import F64
from selfplay.stats import Interval

State = Literal["matched", "below", "beyond"]


class Match(NamedTuple):
    """C_match of one group that is taught."""

    group: Group
    plateau: Interval  # the best that imitation of D games reaches; NaN ends: one seed
    state: State  # below: own games are better all along; beyond: they do not come to it
    flops: Interval  # C_match; 0: before the first point of compute, infinite: behind the last
    late: bool  # most seeds were best when measured last: the plateau may lie further

    @property
    def label(self) -> str:
        return self.group.label

    @property
    def games(self) -> int:
        """D."""
        return self.group.games or 0

    @property
    def expert_s(self) -> float:
        """CPU seconds of the expert for them."""
        return self.group.last("expert_s")


class Exchange(NamedTuple):
    """What the games of one expert are worth to one net, in the compute of its own games."""

    curve: Curve  # of own games
    matches: tuple[Match, ...]  # by ascending D
    law: ExchangeLaw | None  # None: too few D, or too few that are matched

    @property
    def learner(self) -> str:
        return self.curve.label

    @property
    def expert(self) -> str:
        return self.matches[0].group.expert

    @property
    def parameters(self) -> int:
        """N."""
        return self.curve.group.parameters


def exchanges(curves: Sequence[Curve], replicates: int = REPLICATES) -> tuple[Exchange, ...]:
    """Of each regime of own games against each expert, at equal size of the net.

    Sizes that only one of the two has are left out, unless they have none in common.
    """
    alone = [each for each in curves if each.group.games is None and not each.empty]
    own = [each for each in alone if each.group.kind in OWN]
    taught = [curve.group for curve in curves if curve.group.kind in TAUGHT]
    games = [group for group in taught if group.games is not None]
    found = []
    for kind in dict.fromkeys(curve.group.kind for curve in own):
        of_kind = [curve for curve in own if curve.group.kind == kind]
        pairs = [
            (best_at_equal_compute(rivals or of_kind), bundle, bool(rivals))
            for bundle in bundles(games, OF_DATA_ALONE).values()
            for rivals in [[c for c in of_kind if c.group.parameters == bundle[0].parameters]]
        ]
        equal = [pair for pair in pairs if pair[2]]
        found += [_exchange(curve, bundle, replicates) for curve, bundle, _ in equal or pairs]
    return tuple(each for each in found if each.matches)


class _Level(NamedTuple):
    """The best of one group, and its replicates."""

    group: Group
    best: Best
    drawn: F64 | None  # [B]; None: one seed


def _exchange(curve: Curve, bundle: Sequence[Group], replicates: int) -> Exchange:
    rng = np.random.default_rng(0)
    levels = [
        _Level(group, best, _redraw(best, replicates, rng))
        for group in sorted(bundle, key=lambda group: group.games or 0)
        if (best := best_of(group, curve.metric)) is not None
    ]
    loss = lower_is_better(curve.metric)
    sign, log = 1.0 if loss else -1.0, np.log(curve.flops)
    mean, curves = monotone(sign * curve.mean[None]), None
    if len(curve.runs) > 1:
        weights = seed_weights([len(curve.runs)], replicates, rng)
        curves = monotone(sign * redrawn(curve, weights, rng))
    met = [_meet(mean, curves, log, sign, each) for each in levels]
    law = fit_exchange(
        Places(
            games=np.array([each.group.games or 0 for each in levels], np.float64),
            place=np.array([place for place, _ in met]),
            level=np.array([each.best.value.mean() for each in levels]),
            log=log,
            curve=mean[0],
            places=_stacked([drawn for _, drawn in met]),
            levels=_stacked([each.drawn for each in levels]),
            curves=curves,
        ),
        loss,
    )
    matches = (_match(each, *found) for each, found in zip(levels, met, strict=True))
    return Exchange(curve, tuple(matches), law)


def _meet(
    mean: F64, curves: F64 | None, log: F64, sign: float, level: _Level
) -> tuple[float, F64 | None]:
    """Where the mean curve [1, X] comes to a level, and its replicates [B, X] to theirs."""
    place = float(reach(mean, log, sign * level.best.value.mean(keepdims=True))[0])
    if curves is None or level.drawn is None:
        return place, None
    return place, reach(curves, log, sign * level.drawn)


def _redraw(best: Best, replicates: int, rng: np.random.Generator) -> F64 | None:
    """[B] replicates of the mean: the seeds, then the positions; None with one seed."""
    if len(best.value) < 2:
        return None
    drawn: F64 = seed_weights([len(best.value)], replicates, rng) @ best.value
    if best.redrawn is not None:
        return drawn + draws_of(best.redrawn, replicates)
    normal = rng.standard_normal(replicates)
    return drawn + moved(best.below.mean(), best.above.mean(), normal)


def monotone(rows: F64) -> F64:
    """[B, X] f64, the nearest rows that never rise (isotonic regression, least squares)."""
    return np.stack([isotonic_regression(row, increasing=False).x for row in rows])


def reach(falling: F64, log: F64, level: F64) -> F64:
    """[B] f64, where on `log` [X] each row [B, X], which never rises, comes to its `level` [B].

    Straight between the points; -inf where the first is there already, inf where the last is not.
    """
    there = falling <= level[:, None]
    first = there.argmax(axis=1)
    rows, left = np.arange(len(falling)), np.maximum(first - 1, 0)
    above, below = falling[rows, left], falling[rows, first]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = (above - level) / (above - below)
        place = log[left] + part * (log[first] - log[left])
    place = np.where(first == 0, -np.inf, place)
    return np.where(there.any(axis=1), place, np.inf)


def _stacked(rows: Sequence[F64 | None]) -> F64 | None:
    """[B, G] f64; None where one is missing."""
    known = [row for row in rows if row is not None]
    return np.stack(known, axis=1) if known and len(known) == len(rows) else None


def _match(level: _Level, place: float, drawn: F64 | None) -> Match:
    value = float(level.best.value.mean())
    plateau = Interval(value, math.nan, math.nan)
    flops = Interval(math.exp(place), math.nan, math.nan)
    if level.drawn is not None:
        plateau = interval(value, level.drawn)
    if drawn is not None:
        flops = interval(math.exp(place), np.exp(drawn))
    state: State = "below" if place == -math.inf else "beyond" if place == math.inf else "matched"
    return Match(level.group, plateau, state, flops, bool(level.best.late.mean() > 0.5))
