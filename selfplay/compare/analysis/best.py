"""The best checkpoint of each run, chosen on other positions than it is judged on.

The least of many noisy values is lower than any of them is in truth: a checkpoint that is chosen
and judged on the same positions looks better than it is.  It is chosen on the validation positions
where they measured the same player; else on one half of the test positions and judged on the
other, each half in turn; else on validation positions at all.  Where a run left neither it is
judged on what it was chosen by, which is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.compare.analysis.bootstrap import shared_moves
from selfplay.compare.groups import Group
from selfplay.compare.metrics import (
    VALIDATED,
    VALIDATION,
    lower_is_better,
    on_fixed_positions,
)
from selfplay.compare.records import F64, Run

Chosen = Literal["validation", "halves", "itself"]


class Best(NamedTuple):
    """The best checkpoints of the S runs of a group."""

    value: F64  # [S]
    below: F64  # [S] how far the interval on the test positions reaches down; else 0
    above: F64  # [S] and up
    redrawn: F64 | None  # [B] how draws of the test positions move their mean; None: not known
    late: NDArray[np.bool_]  # [S], nothing was measured behind it, so that a better one may follow
    chosen: tuple[Chosen, ...]  # [S], how


class _Pick(NamedTuple):
    """The best of one run: one measurement, or one chosen by each half of the positions."""

    value: float
    at: tuple[int, ...]
    chosen: Chosen


def best_of(group: Group, metric: str) -> Best | None:
    """None where a run of the group does not have the metric."""
    if not all(run.points.has(metric) for run in group.runs):
        return None
    picks = [_pick(run, metric) for run in group.runs]
    pairs = list(zip(group.runs, picks, strict=True))
    errors = [
        [end[list(pick.at)].mean() for end in run.points.error(metric)] for run, pick in pairs
    ]
    below, above = np.array(errors).T * on_fixed_positions(metric)
    last = [np.flatnonzero(np.isfinite(run.points.of(metric)))[-1] for run in group.runs]
    return Best(
        value=np.array([pick.value for pick in picks]),
        below=below,
        above=above,
        redrawn=mean_moves(group.runs, metric, [pick.at for pick in picks]),
        late=np.array(
            [
                max(pick.at) == end and not run.points.stopped
                for (run, pick), end in zip(pairs, last, strict=True)
            ]
        ),
        chosen=tuple(pick.chosen for pick in picks),
    )


def mean_moves(runs: Sequence[Run], metric: str, at: Sequence[tuple[int, ...]]) -> F64 | None:
    """[B] f64, how draws of the positions move the mean over runs of measurements ``at`` each.

    None where the answers of one are missing.
    """
    moves = [
        drawn[list(rows)].mean(axis=0)
        for run, rows in zip(runs, at, strict=True)
        if (drawn := run.points.redrawn(metric)) is not None
    ]
    return shared_moves(moves) if len(moves) == len(runs) else None


def _pick(run: Run, metric: str) -> _Pick:
    values, halves = run.points.of(metric), run.points.halves(metric)
    sign = 1.0 if lower_is_better(metric) else -1.0
    guide = np.where(np.isfinite(values), run.points.of(VALIDATION), np.nan)
    validated = bool(np.isfinite(guide).any())
    if validated and (metric == VALIDATED or halves is None):
        at = int(np.nanargmin(guide))
        return _Pick(float(values[at]), (at,), "validation")
    if halves is None:
        at = int(np.nanargmin(sign * values))
        return _Pick(float(values[at]), (at,), "itself")
    by_half = values[:, None] + halves
    first, second = np.nanargmin(sign * by_half, axis=0).tolist()
    return _Pick(float(by_half[first, 1] + by_half[second, 0]) / 2, (first, second), "halves")
