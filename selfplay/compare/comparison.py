"""A comparison: everything that the runs in some folders say together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selfplay.compare.analysis.curves import Curve, why_empty
from selfplay.compare.analysis.fits import (
    Elasticity,
    LawFit,
    best_cell,
    data_and_size_fits,
    elasticities,
)
from selfplay.compare.analysis.frontier import Frontier, frontiers
from selfplay.compare.analysis.matrix import SizeMatrix, make_matrix
from selfplay.compare.groups import Group, group_runs
from selfplay.compare.metrics import choose_loss, choose_metric
from selfplay.compare.pool import Pool
from selfplay.compare.records import Runs, Settings, Skipped, flop_rate, read_runs
from selfplay.compare.views import View, make_views
from selfplay.regimes import LOOKS


class Comparison(NamedTuple):
    """What runs say together; the figures and tables show this and nothing else."""

    metric: str  # of the first view and of the matrix
    loss: str  # of the fits; empty: the runs have none
    groups: tuple[Group, ...]
    views: tuple[View, ...]  # the metric asked for first, then the other kinds of search
    flop_rate: float  # FLOPs that a second of the expert is charged
    fits: tuple[LawFit, ...]  # L(D), L(N), L(N, D), L(C); of two forms the better foreteller first
    frontiers: tuple[Frontier, ...]  # L(C) of each regime
    elasticities: tuple[Elasticity, ...]
    matrix: SizeMatrix | None  # None: there are no frozen runs
    skipped: tuple[Skipped, ...]  # folders that could not be read
    notes: tuple[str, ...]  # what a reader must know: missing intervals, unfinished runs, ...
    pool: Pool | None = None  # None: none was played

    @property
    def settings(self) -> Settings:
        """How all runs were measured."""
        return self.groups[0].runs[0].settings


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
    known = [run.points.strength.keys() for run in read.runs]
    metric = choose_metric(known, metric)
    wish, loss = loss, choose_loss(known, loss, metric)
    measured = tuple(run for run in read.runs if np.isfinite(run.points.of(metric)).any())
    groups = group_runs(measured)
    rate = flop_rate(measured)
    asked = any(np.nan_to_num(run.points.expert_s).max() > 0 for run in measured)
    views = make_views(groups, metric, rate if asked and rate > 0 else None)
    traced, compute_fits = frontiers(groups, loss) if loss else ((), ())
    return Comparison(
        metric=metric,
        loss=loss,
        groups=groups,
        views=views,
        flop_rate=rate,
        fits=(*(data_and_size_fits(groups, loss) if loss else ()), *compute_fits),
        frontiers=traced,
        elasticities=elasticities(groups, loss) if loss else (),
        matrix=make_matrix(groups, metric),
        skipped=read.skipped,
        notes=(
            *_notes_on_runs(read, metric, views[0].free.curves),
            *_notes_on_laws(groups, metric, loss, wish),
            *_notes_on_compute(groups, rate if views[0].charged.curves else None),
        ),
    )


def _notes_on_runs(read: Runs, metric: str, curves: Sequence[Curve]) -> list[str]:
    """What is missing of the runs and their curves."""
    groups = [each.group for each in curves]
    return [
        *(f"left out: {each.reason}" for each in read.skipped),
        *(
            f"{run.path} has no {metric}: left out"
            for run in read.runs
            if not np.isfinite(run.points.of(metric)).any()
        ),
        *(f"{run.path} is not finished" for run in read.runs if not run.finished),
        *(
            f"{group.label}: one seed, so its interval is missing"
            for group in groups
            if len(group.runs) < 2
        ),
        *(f"{each.label}: no curve, since {why_empty(each)}" for each in curves if each.empty),
    ]


def _notes_on_laws(groups: Sequence[Group], metric: str, loss: str, wish: str | None) -> list[str]:
    """What is left out of the power laws, and why."""
    notes = [f"no run has {wish}, so it has no power laws"] if wish not in (None, loss) else []
    if not loss:
        return [
            *notes,
            f"no power laws: they are of losses, and {metric} is better the higher it is",
        ]
    notes += [
        f"{group.label}: a {loss} of 0 or none at all, so it is left out of the fits"
        for group in groups
        if best_cell(group, (1.0,), loss) is None
    ]
    return notes


def _notes_on_compute(groups: Sequence[Group], rate: float | None) -> list[str]:
    kinds = {group.kind for group in groups}
    notes = [look.note for look in LOOKS.values() if look.note and look.kind in kinds]
    if rate is not None:
        notes.append(
            f"the expert's CPU seconds are charged {rate:.2g} FLOPs each: all FLOPs of the runs "
            f"over their wall time"
        )
    return notes
