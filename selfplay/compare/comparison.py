"""A comparison: everything that the runs in some folders say together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selfplay.compare.crossing import Crossing, crossing
from selfplay.compare.curves import Curve, curves
from selfplay.compare.fits import Elasticity, Fit, best_cell, data_and_size_fits, elasticities
from selfplay.compare.frontier import Frontier, frontiers
from selfplay.compare.matrix import Matrix, make_matrix
from selfplay.compare.records import (
    LOSS,
    METRIC,
    UNPROVED,
    Group,
    Runs,
    Skipped,
    flop_rate,
    group_runs,
    lower_is_better,
    read_runs,
)
from selfplay.compare.sentence import (
    OWN,
    TAUGHT,
    choose_pair,
    kind_rank,
    write_alone,
    write_sentence,
)


class Comparison(NamedTuple):
    """What ``compare`` found; the figures and tables show this and nothing else."""

    sentence: str  # the answer in plain words, with its interval
    charged_sentence: str  # the same with the expert's seconds charged; empty: there are none
    metric: str  # of the curves, crossings and the matrix
    loss: str  # of the fits
    groups: tuple[Group, ...]
    curves: tuple[Curve, ...]  # one a group, compute of the nets alone
    charged: tuple[Curve, ...]  # the same with the expert's seconds charged; empty: there are none
    crossings: tuple[Crossing, ...]  # each regime of own games against each that is taught
    crossings_charged: tuple[Crossing, ...]
    flop_rate: float  # FLOPs that a second of the expert is charged
    fits: tuple[Fit, ...]  # L(D), L(N), L(N, D), L(C); of two forms the better foreteller first
    frontiers: tuple[Frontier, ...]  # L(C) of each regime
    elasticities: tuple[Elasticity, ...]
    matrix: Matrix | None  # None: there are no frozen runs
    skipped: tuple[Skipped, ...]  # folders that could not be read
    notes: tuple[str, ...]  # what a reader must know: missing intervals, unfinished runs, ...


def compare(names: Sequence[str | Path], metric: str = METRIC, loss: str = LOSS) -> Comparison:
    """What the runs that ``names`` name say together; see records.read_runs.

    Raises ValueError with a sentence when there is nothing to compare, when runs were measured in
    different ways, when no run has ``metric``, or when ``loss`` is better the higher it is.
    For the proving game the default metric is the share of problems that is not proved.
    Where no run has ``loss``, the fits are of ``metric``.
    """
    read = read_runs(names)
    known = {name for run in read.runs for name in run.points.names}
    if metric == METRIC and metric not in known and UNPROVED in known:
        metric = UNPROVED
    if metric not in known:
        have = ", ".join(sorted(name for name in known if not name.endswith(("_low", "_high"))))
        raise ValueError(f"no run has {metric!r}; there are: {have}")
    loss = loss if loss in known else metric
    if not lower_is_better(loss):
        raise ValueError(
            f"power laws are of losses, and {loss} is better the higher it is; take {METRIC}"
        )
    measured = tuple(run for run in read.runs if np.isfinite(run.points.of(metric)).any())
    groups = group_runs(measured)
    rate = flop_rate(measured)
    asked = any(np.nan_to_num(run.points.expert_s).max() > 0 for run in measured)
    free = curves(groups, metric)
    charged = curves(groups, metric, rate) if asked and rate > 0 else ()
    traced, compute_fits = frontiers(groups, loss)
    return Comparison(
        sentence=write_answer(free),
        charged_sentence=write_answer(charged) if charged else "",
        metric=metric,
        loss=loss,
        groups=groups,
        curves=free,
        charged=charged,
        crossings=find_crossings(free),
        crossings_charged=find_crossings(charged),
        flop_rate=rate,
        fits=(*data_and_size_fits(groups, loss), *compute_fits),
        frontiers=traced,
        elasticities=elasticities(groups, loss),
        matrix=make_matrix(groups, metric),
        skipped=read.skipped,
        notes=tuple(_notes(read, groups, metric, loss, rate if charged else None)),
    )


def write_answer(free: Sequence[Curve]) -> str:
    """The answer in one plain sentence."""
    pair = choose_pair(free)
    if pair is not None:
        return write_sentence(*pair, crossing(*pair))
    return write_alone(max(free, key=lambda curve: float(curve.flops[-1:].sum())))


def find_crossings(found: Sequence[Curve]) -> tuple[Crossing, ...]:
    """Regimes of own games against those that are taught, at equal size where both have it."""
    own = sorted((c for c in found if c.group.kind in OWN), key=lambda c: kind_rank(c.group.kind))
    pairs = [(a, b) for a in own for b in found if b.group.kind in TAUGHT]
    equal = [(a, b) for a, b in pairs if a.group.parameters == b.group.parameters]
    return tuple(crossing(a, b) for a, b in equal or pairs)


def _notes(
    read: Runs, groups: Sequence[Group], metric: str, loss: str, rate: float | None
) -> list[str]:
    """What a reader must know."""
    notes = [f"left out: {each.reason}" for each in read.skipped]
    notes += [
        f"{run.path} has no {metric}: left out"
        for run in read.runs
        if not np.isfinite(run.points.of(metric)).any()
    ]
    notes += [f"{run.path} is not finished" for run in read.runs if not run.finished]
    notes += [
        f"{group.label}: one seed, so its interval is missing"
        for group in groups
        if len(group.runs) < 2
    ]
    notes += [
        f"{group.label}: a {loss} of 0 or none at all, so it is left out of the fits"
        for group in groups
        if best_cell(group, (1.0,), loss) is None
    ]
    if any(group.kind == "unguided" for group in groups):
        notes.append(
            "unguided proving asks no net: its FLOPs are those of a net that learned beside it, "
            "and it is as good without them"
        )
    if rate is not None:
        notes.append(
            f"the expert's CPU seconds are charged {rate:.2g} FLOPs each: all FLOPs of the runs "
            f"over their wall time"
        )
    return notes
