"""A comparison: everything that the runs in some folders say together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selfplay.compare.analysis.crossing import Crossing, crossing
from selfplay.compare.analysis.curves import Curve, curves, why_empty
from selfplay.compare.analysis.fits import (
    Elasticity,
    Fit,
    best_cell,
    data_and_size_fits,
    elasticities,
)
from selfplay.compare.analysis.frontier import Frontier, frontiers
from selfplay.compare.analysis.matrix import Matrix, make_matrix
from selfplay.compare.analysis.sentence import (
    OWN,
    TAUGHT,
    choose_pair,
    kind_rank,
    write_alone,
    write_sentence,
)
from selfplay.compare.metrics import choose_loss, choose_metric
from selfplay.compare.records import Group, Runs, Skipped, flop_rate, group_runs, read_runs


class Comparison(NamedTuple):
    """What ``compare`` found; the figures and tables show this and nothing else."""

    sentence: str  # the answer in plain words, with its interval
    charged_sentence: str  # the same with the expert's seconds charged; empty: there are none
    metric: str  # of the curves, crossings and the matrix
    loss: str  # of the fits; empty: the runs have none
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


def compare(
    names: Sequence[str | Path], metric: str | None = None, loss: str | None = None
) -> Comparison:
    """What the runs that ``names`` name say together; see records.read_runs.

    ``metric`` of the curves and ``loss`` of the power laws are chosen by what the runs have, where
    they are not named; see metrics.py.  Without a loss there are no laws.

    Raises ValueError with a sentence when there is nothing to compare, when runs were measured in
    different ways, when no run has what was named, or when ``loss`` is better the higher it is.
    """
    read = read_runs(names)
    known = [run.points.names for run in read.runs]
    metric = choose_metric(known, metric)
    wish, loss = loss, choose_loss(known, loss, metric)
    measured = tuple(run for run in read.runs if np.isfinite(run.points.of(metric)).any())
    groups = group_runs(measured)
    rate = flop_rate(measured)
    asked = any(np.nan_to_num(run.points.expert_s).max() > 0 for run in measured)
    free = curves(groups, metric)
    charged = curves(groups, metric, rate) if asked and rate > 0 else ()
    traced, compute_fits = frontiers(groups, loss) if loss else ((), ())
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
        fits=(*(data_and_size_fits(groups, loss) if loss else ()), *compute_fits),
        frontiers=traced,
        elasticities=elasticities(groups, loss) if loss else (),
        matrix=make_matrix(groups, metric),
        skipped=read.skipped,
        notes=tuple(_notes(read, free, wish, loss, rate if charged else None)),
    )


def write_answer(free: Sequence[Curve]) -> str:
    """The answer in one plain sentence."""
    pair = choose_pair(free)
    if pair is not None:
        return write_sentence(*pair, crossing(*pair))
    return write_alone(max(free, key=lambda curve: float(curve.flops[-1:].sum())), free)


def find_crossings(found: Sequence[Curve]) -> tuple[Crossing, ...]:
    """Regimes of own games against those that are taught, at equal size where both have it."""
    own = sorted((c for c in found if c.group.kind in OWN), key=lambda c: kind_rank(c.group.kind))
    pairs = [(a, b) for a in own for b in found if b.group.kind in TAUGHT]
    equal = [(a, b) for a, b in pairs if a.group.parameters == b.group.parameters]
    return tuple(crossing(a, b) for a, b in equal or pairs)


def _notes(
    read: Runs, free: Sequence[Curve], wish: str | None, loss: str, rate: float | None
) -> list[str]:
    """What a reader must know."""
    metric, groups = free[0].metric, [each.group for each in free]
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
    notes += [f"{each.label}: no curve, since {why_empty(each)}" for each in free if each.empty]
    notes += [f"no run has {wish}, so it has no power laws"] if wish not in (None, loss) else []
    notes += _notes_on_laws(groups, metric, loss)
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


def _notes_on_laws(groups: Sequence[Group], metric: str, loss: str) -> list[str]:
    """What is left out of the power laws, and why."""
    if not loss:
        return [f"no power laws: they are of losses, and {metric} is better the higher it is"]
    return [
        f"{group.label}: a {loss} of 0 or none at all, so it is left out of the fits"
        for group in groups
        if best_cell(group, (1.0,), loss) is None
    ]
