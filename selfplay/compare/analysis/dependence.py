"""What an exchange rate depends on: the positions it is judged on, and how answers are judged.

The same rate is computed again on the positions of each source alone, and by each measure of the
net alone that runs leave position by position: its mistakes, the probability of moves that are none
and -ln of that.  Runs and draws of their seeds are the same ones, so that each rate is set against
that of mistakes on all positions replicate by replicate; draws of the positions are of each source
alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from selfplay.compare.analysis.bootstrap import REPLICATES, interval
from selfplay.compare.analysis.curves import curves
from selfplay.compare.analysis.exchange import Exchange, Match, exchanges
from selfplay.compare.analysis.exchange_law import ExchangeLaw
from selfplay.compare.analysis.exchange_sentence import order_exchanges
from selfplay.compare.groups import Group
from selfplay.compare.metrics import LOSS, MASS, VALIDATED, VALIDATION
from selfplay.compare.sources import Sources, points_on
from selfplay.stats import Interval

MEASURES = (VALIDATED, LOSS, MASS)  # of the net alone; the first is what rates are set against


class Dependence(NamedTuple):
    """One exchange rate by one measure on the positions of one source."""

    learner: str  # Exchange.learner
    expert: str
    parameters: int
    metric: str
    source: str  # empty: all positions
    positions: int  # so many; 0: not known
    matches: tuple[Match, ...]  # by ascending D
    law: ExchangeLaw | None  # None: too few D are matched
    ratio: Interval  # its compute at D0 over that of mistakes on all positions; NaN: not known


class _Place(NamedTuple):
    """Runs as they were judged on the positions of one source."""

    source: str
    positions: int
    groups: tuple[Group, ...]


def dependences(
    groups: Sequence[Group], sources: Sources | None, replicates: int = REPLICATES
) -> tuple[Dependence, ...]:
    """Of every exchange rate of the net alone that has a law: by measure, then by source.

    Where not all of its runs left answers, or no sources are known, by measure alone.
    """
    rates = order_exchanges(_rates(groups, VALIDATED, replicates))
    usual = [each for each in rates if each.law is not None]
    if not usual:
        return ()
    labels = {label for each in usual for label in (each.learner, *(m.label for m in each.matches))}
    places = _places([group for group in groups if group.label in labels], sources)
    found = [
        (metric, place, _rates(place.groups, metric, replicates))
        for metric in MEASURES
        for place in places
    ]
    return tuple(
        _dependence(first, other, metric, place)
        for first in usual
        for metric, place, rates in found
        for other in rates
        if _names(other) == _names(first)
    )


def _names(rate: Exchange) -> tuple[object, ...]:
    return rate.learner, rate.expert, rate.parameters


def _rates(groups: Sequence[Group], metric: str, replicates: int) -> tuple[Exchange, ...]:
    """The exchange rates by a metric that all runs of a group have; bands of curves are not."""
    told = [group for group in groups if all(run.points.has(metric) for run in group.runs)]
    return exchanges(curves(told, metric, replicates=2), replicates)


def _places(groups: Sequence[Group], sources: Sources | None) -> tuple[_Place, ...]:
    """All positions first, then each source."""
    runs = [run for group in groups for run in group.runs]
    if sources is None:
        return (_Place("", 0, tuple(groups)),)
    if len(sources.names) < 2 or not all(run.points.redraws.positions for run in runs):
        return (_Place("", len(sources.set_index), tuple(groups)),)
    places = [_Place("", len(sources.set_index), tuple(groups))]
    for i, name in enumerate(sources.names):
        alone = []
        for group in groups:
            judged = (
                run._replace(points=points_on(run.points, sources, i, VALIDATION))
                for run in group.runs
            )
            alone.append(group._replace(runs=tuple(judged)))
        places.append(_Place(name, int(np.sum(sources.set_index == i)), tuple(alone)))
    return tuple(places)


def _dependence(first: Exchange, other: Exchange, metric: str, place: _Place) -> Dependence:
    return Dependence(
        *(other.learner, other.expert, other.parameters),
        metric=metric,
        source=place.source,
        positions=place.positions,
        matches=other.matches,
        law=other.law,
        ratio=_ratio(first.law, other.law),
    )


def _ratio(first: ExchangeLaw | None, other: ExchangeLaw | None) -> Interval:
    """How many times the compute of ``first`` the other asks for as many games."""
    if first is None or other is None or first.reference != other.reference:
        return Interval(math.nan, math.nan, math.nan)
    value = other.scale.value / first.scale.value
    if first.drawn is None or other.drawn is None:
        return Interval(value, math.nan, math.nan)
    return interval(value, np.exp(other.drawn[:, 0] - first.drawn[:, 0]))
