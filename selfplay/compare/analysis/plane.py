"""Search at training and at test: what the one replaces of the other at equal strength.

Over the last decades of its training, and over the searches that its end was judged with
(strength.ladder), the log-odds of a run's mistakes are fitted by a plane::

    ln(rate / (1 - rate)) = constant + training * log10(C) + test * log10(c)

with C the FLOPs of training and c those of a move: one position for the root and one for each
simulation.  Lines of equal strength have the slope d log10(c) / d log10(C) = -training / test.
Jones 2021, "Scaling Scaling Laws with Board Games", sec. V, found -1.2 for Hex: ten times the
training replace 15 times the search.  The net alone is not fitted: it is no search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from selfplay.compare.analysis.bootstrap import REPLICATES, interval, seed_weights
from selfplay.compare.analysis.frontier import DECADES
from selfplay.compare.compute import FLOPS
from selfplay.compare.groups import Group
from selfplay.compare.metrics import METRIC
from selfplay.compare.records import F64, Points, Run
from selfplay.stats import Interval

RUNG = "strength/ladder_mistake_rate/"  # and the simulations
LEAST = 1e-4  # rates are taken for no less, and no more than the rest up to 1
TRAININGS, TESTS = 3, 2  # different ones that a plane is fitted to


class SearchPlane(NamedTuple):
    """The runs of one group; Q measurements in all."""

    label: str  # Group.label
    simulations: F64  # [Q] a move, >= 1
    train: F64  # [Q] FLOPs of training
    test: F64  # [Q] FLOPs a move
    rate: F64  # [Q] mistake rate
    constant: float
    training: float  # log-odds a factor of ten
    testing: float  # log-odds a factor of ten
    slope: Interval  # of lines of equal strength; its ends are NaN with one seed
    error: float  # root of the mean squared error of the log-odds

    def test_at(self, rate: float, train: F64) -> F64:
        """[X] f64, the FLOPs a move that ``train`` [X] needs for a mistake rate."""
        needed = (
            _log_odds(np.full(len(train), rate)) - self.constant - self.training * np.log10(train)
        )
        test: F64 = 10 ** (needed / self.testing)
        return test


class _Sample(NamedTuple):
    """What a run was measured at; Q points."""

    simulations: F64  # [Q]
    train: F64  # [Q]
    test: F64  # [Q]
    rate: F64  # [Q]
    moves: F64 | None  # [Q, D], how far draws of the test positions move the rate; None: unknown


def search_planes(groups: Sequence[Group], replicates: int = REPLICATES) -> tuple[SearchPlane, ...]:
    """One a group whose runs that are finished all tell enough: the ladder is climbed at the end.

    None where compute is not counted in FLOPs.
    """
    planes = []
    for group in groups:
        ended = [run for run in group.runs if run.finished]
        samples = [each for run in ended if (each := _sample(run)) is not None]
        if samples and len(samples) == len(ended):
            planes.append(_plane(group.label, samples, replicates))
    return tuple(planes)


def _sample(run: Run) -> _Sample | None:
    """None where there are too few measurements, or it does not say what a position costs."""
    points = run.points
    rungs = sorted(int(name.removeprefix(RUNG)) for name in points.strength if _is_rung(name))
    forward = position_flops(points)
    if points.compute is not FLOPS or not rungs or not forward > 0 or not points.has(METRIC):
        return None
    late = np.isfinite(points.of(METRIC)) & (points.flops >= points.flops[-1] / 10**DECADES)
    at = [(METRIC, run.settings.simulations, place) for place in np.flatnonzero(late).tolist()]
    taken = {(place, simulations) for _, simulations, place in at}
    for rung in rungs:
        values = points.of(f"{RUNG}{rung}")
        last = int(np.flatnonzero(np.isfinite(values))[-1])
        if rung > 0 and (last, rung) not in taken:
            at.append((f"{RUNG}{rung}", rung, last))
    simulations = np.array([each for _, each, _ in at], np.float64)
    train = np.array([points.flops[place] for *_, place in at])
    rate = np.array([points.of(metric)[place] for metric, _, place in at])
    if len(set(train)) < TRAININGS or len(set(simulations)) < TESTS or np.ptp(rate) == 0:
        return None
    drawn = {metric: points.redrawn(metric) for metric, *_ in at}
    known = [each[place] for metric, _, place in at if (each := drawn[metric]) is not None]
    moves = np.array(known, np.float64) if len(known) == len(at) else None
    return _Sample(simulations, train, forward * (simulations + 1), rate, moves)


def _is_rung(name: str) -> bool:
    return name.startswith(RUNG) and name.removeprefix(RUNG).isdecimal()


def position_flops(points: Points) -> float:
    """FLOPs of one position forwards, by what learning took: three times that a sample."""
    return float(points.learning[-1] / (3 * points.samples[-1])) if points.samples[-1] > 0 else 0.0


def _plane(label: str, samples: Sequence[_Sample], replicates: int) -> SearchPlane:
    """The mean of the planes of the runs; replicates of the seeds, then of the test positions."""
    fits = [_design(each) for each in samples]
    own = np.stack([fit @ _log_odds(each.rate) for fit, each in zip(fits, samples, strict=True)])
    mean = own.mean(axis=0)
    constant, training, testing = mean.tolist()
    slope = Interval(-training / testing, np.nan, np.nan)
    if len(samples) > 1:
        weights = seed_weights([len(samples)], replicates, np.random.default_rng(0))
        drawn = weights @ own + _moved(fits, samples, replicates)
        slope = interval(slope.value, -drawn[:, 1] / drawn[:, 2])
    columns = [np.concatenate(part) for part in zip(*(each[:4] for each in samples), strict=True)]
    simulations, train, test, rate = columns
    foretold = mean @ _terms(train, test)
    error = float(np.sqrt(np.mean((foretold - _log_odds(rate)) ** 2)))
    return SearchPlane(
        label, simulations, train, test, rate, constant, training, testing, slope, error
    )


def _moved(fits: Sequence[F64], samples: Sequence[_Sample], replicates: int) -> F64:
    """[B, 3] f64, how far draws of the positions, the same for all runs, move the mean plane."""
    moves = [each.moves for each in samples if each.moves is not None]
    if len(moves) < len(samples):
        return np.zeros((replicates, 3))
    draws = np.arange(replicates) % moves[0].shape[1]  # the same row is the same draw of all runs
    parts = []
    for fit, sample, move in zip(fits, samples, moves, strict=True):
        rate = sample.rate[:, None]
        parts.append(fit @ (_log_odds(rate + move[:, draws]) - _log_odds(rate)))
    shift: F64 = np.mean(parts, axis=0).T
    return shift


def _terms(train: F64, test: F64) -> F64:
    """[3, Q] f64, what the constant and the two slopes are multiplied by."""
    return np.stack([np.ones(len(train)), np.log10(train), np.log10(test)])


def _design(sample: _Sample) -> F64:
    """[3, Q] f64, which makes the plane of least squares of the log-odds [Q]."""
    return np.asarray(np.linalg.pinv(_terms(sample.train, sample.test).T))


def _log_odds(rate: F64) -> F64:
    share = np.clip(rate, LEAST, 1 - LEAST)
    odds: F64 = np.log(share / (1 - share))
    return odds
