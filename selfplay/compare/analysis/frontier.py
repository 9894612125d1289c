"""L(C): what compute buys when the size of the net is chosen well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.compare.analysis.bootstrap import (
    REPLICATES,
    draws_of,
    moved,
    seed_weights,
    shared_moves,
)
from selfplay.compare.analysis.curves import PER_DECADE, Track, track
from selfplay.compare.analysis.fits import LawFit, LawPoint, bundles, family, fit_laws, title
from selfplay.compare.groups import Group
from selfplay.compare.metrics import on_fixed_positions
from selfplay.compare.records import F64

DECADES = 2  # of compute, the last ones, that L(C) is fitted to
EVERY = 5  # grid points between the points of that fit: a quarter of a decade


class Frontier(NamedTuple):
    """The least loss that X amounts of compute buy with one regime: the best up to there.

    The arm (a size of the net, a length of the training) and the checkpoint are chosen on half of
    the seeds and the loss is that of the others, each half in turn: what is chosen and judged by
    the same runs looks better than it is.  Means and bands are those of ln L.
    """

    label: str
    flops: F64  # [X] from the common grid
    loss: F64  # [X]
    low: F64 | None  # [X] ends of the 95% band; None with fewer than two seeds
    high: F64 | None  # [X]
    parameters: F64  # [X] N of the arm chosen on all seeds
    arms: int  # to choose among


class _Arm(NamedTuple):
    """One group on the grid of the frontier, NaN where one of its runs was not measured."""

    parameters: int
    runs: F64  # [S, X] ln L
    below: F64  # [X] how far another draw of positions may move them
    above: F64  # [X]
    redrawn: F64 | None  # [B, X] how draws of the positions move their mean; None: not known


def frontiers(
    groups: Sequence[Group], metric: str, replicates: int = REPLICATES
) -> tuple[tuple[Frontier, ...], tuple[LawFit, ...]]:
    """The frontier of each regime and expert on its most data, and both forms of L(C) for it."""
    largest: dict[tuple[object, ...], list[Group]] = {}
    for bundle in bundles(groups, ("net.", "budget.")).values():
        key = family(bundle[0])
        if (bundle[0].data or 0) >= (largest.get(key, bundle)[0].data or 0):
            largest[key] = bundle
    traced: list[Frontier] = []
    fits: list[LawFit] = []
    for bundle in largest.values():
        frontier = _trace(bundle, metric, replicates)
        if frontier is not None:
            traced.append(frontier[0])
            fits += _fits(*frontier)
    return tuple(traced), tuple(fits)


def _trace(
    bundle: Sequence[Group], metric: str, replicates: int
) -> tuple[Frontier, F64 | None] | None:
    """The frontier of a bundle and the replicates [B, X] of ln L less itself.

    None where there is no compute in common or no loss above 0, and where there are sizes to
    choose among but no second seed to judge the choice by.
    """
    first, arms = _arms(bundle, metric)
    seeds = min((len(arm.runs) for arm in arms), default=0)
    if not arms or (len(arms) > 1 and seeds < 2):
        return None
    means = np.stack([arm.runs.mean(axis=0) for arm in arms])
    known = np.flatnonzero(np.isfinite(means).any(axis=0))
    means = means[:, known]
    halves = [
        np.stack([arm.runs[half::2].mean(axis=0)[known] for arm in arms]) + 0 * means
        for half in ((0, 1) if seeds > 1 else (0,))
    ]
    chosen = [_best_so_far(half) for half in halves]
    log_loss = np.mean(
        [judge[pick] for pick, judge in zip(chosen, halves[::-1], strict=True)], axis=0
    )
    flops = 10 ** ((first + known) / PER_DECADE)
    sizes = np.array([arm.parameters for arm in arms], np.float64)[_best_so_far(means)[0]]
    frontier = Frontier(title(bundle, "C"), flops, np.exp(log_loss), None, None, sizes, len(arms))
    if seeds < 2:
        return frontier, None
    rng = np.random.default_rng(0)
    moves = np.stack([_moves(arm, replicates, rng)[:, known] for arm in arms])
    shifts = np.mean([moves[arm, :, at].T for arm, at in chosen], axis=0)
    low, high = np.exp(log_loss + np.quantile(shifts, [0.025, 0.975], axis=0))
    return frontier._replace(low=low, high=high), shifts


def _best_so_far(loss: F64) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """[X] each, the arm and the point of the least ``loss`` [A, X] up to each point.

    NaN counts as infinite.
    """
    known = np.where(np.isnan(loss), np.inf, loss)
    arm, points = known.argmin(axis=0), np.arange(loss.shape[1])
    least = known[arm, points]
    new = least <= np.minimum.accumulate(least)
    at: NDArray[np.intp] = np.maximum.accumulate(np.where(new, points, 0))
    return arm[at], at


def _arms(bundle: Sequence[Group], metric: str) -> tuple[int, list[_Arm]]:
    """The first point of a grid that holds all groups, and the groups that have losses above 0."""
    tracks = [[track(run, metric) for run in group.runs] for group in bundle]
    usable = [
        (group, each)
        for group, each in zip(bundle, tracks, strict=True)
        if all(len(one.value) and (one.value > 0).all() for one in each)
    ]
    ends = [(one.first, one.first + len(one.value)) for _, each in usable for one in each]
    if not ends:
        return 0, []
    first, last = min(start for start, _ in ends), max(end for _, end in ends)
    arms = []
    for group, each in usable:
        columns = np.full((3, len(each), last - first), np.nan)
        for row, one in enumerate(each):
            at = slice(one.first - first, one.first - first + len(one.value))
            columns[0, row, at] = np.log(one.value)
            columns[1, row, at] = -np.log1p(-np.minimum(one.below / one.value, 0.9))
            columns[2, row, at] = np.log1p(one.above / one.value)
        reach = columns[1:].mean(axis=1) * on_fixed_positions(metric)
        drawn = _redrawn(each, first, last)
        arms.append(_Arm(group.parameters, columns[0], reach[0], reach[1], drawn))
    return first, [arm for arm in arms if np.isfinite(arm.runs.mean(axis=0)).any()]


def _redrawn(tracks: Sequence[Track], first: int, last: int) -> F64 | None:
    """[B, X] f64, how draws of the positions move the mean of ln L; None: not known of some run."""
    parts = []
    for one in tracks:
        if one.redrawn is None:
            return None
        moves = np.full((len(one.redrawn), last - first), np.nan)
        at = slice(one.first - first, one.first - first + len(one.value))
        moves[:, at] = np.log1p(np.maximum(one.redrawn / one.value, -0.9))
        parts.append(moves)
    return shared_moves(parts)


def _moves(arm: _Arm, replicates: int, rng: np.random.Generator) -> F64:
    """[B, X] f64, how far the replicates move the mean of an arm."""
    weights = seed_weights([len(arm.runs)], replicates, rng)
    by_seeds: F64 = weights @ arm.runs - arm.runs.mean(axis=0)
    if arm.redrawn is not None:
        return by_seeds + draws_of(arm.redrawn, replicates)
    return by_seeds + moved(arm.below, arm.above, rng.standard_normal((replicates, 1)))


def _fits(frontier: Frontier, shifts: F64 | None) -> tuple[LawFit, ...]:
    """Both forms of L(C), fitted to the last decades of a frontier."""
    late = np.flatnonzero(frontier.flops >= frontier.flops[-1] / 10**DECADES * (1 - 1e-9))
    at = late[::-1][::EVERY][::-1]
    cells = [
        LawPoint((float(c),), np.array([loss]), 0.0, 0.0)
        for c, loss in zip(frontier.flops[at], frontier.loss[at], strict=True)
    ]
    if len(cells) < 4:
        return ()
    return fit_laws(frontier.label, "C", cells, None if shifts is None else shifts[:, at])
