"""What was measured of one run, and how other draws of the test positions would move it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from selfplay.compare.compute import FLOPS, Compute
from selfplay.compare.redraws import F32, F64, Redraws


class Points(NamedTuple):
    """P measurements of one run, by ascending compute; NaN where a run does not say."""

    flops: F64  # [P] > 0, ascending: of learner and generation together, in the unit of ``compute``
    expert_s: F64  # [P] CPU seconds of the expert
    wall_s: F64  # [P]
    samples: F64  # [P] E, repetitions counted
    unique: F64  # [P] different positions, mirror images counted once
    strength: dict[str, F64]  # [P] each, by the names of the metrics strength/*
    compute: Compute = FLOPS  # how compute is counted
    tree_s: F64 = np.zeros(1)  # [P], thread seconds of search and game outside the net
    stopped: bool = False  # it ended early, since its validation did not get better any more
    redraws: Redraws = Redraws()  # how other draws of the test positions would move ``strength``
    learning: F64 = np.zeros(1)  # [P], FLOPs of the learner alone

    def of(self, metric: str) -> F64:
        """[P] f64, NaN where ``metric`` was not measured."""
        return self.strength.get(metric, np.full(len(self.flops), np.nan))

    def has(self, metric: str) -> bool:
        """Whether ``metric`` was measured at all."""
        return bool(np.isfinite(self.of(metric)).any())

    def error(self, metric: str) -> tuple[F64, F64]:
        """[P] f64 each, how far the 95% interval of ``metric`` reaches down and up; else 0."""
        value, low, high = (self.of(metric + end) for end in ("", "_low", "_high"))
        return np.nan_to_num(value - low), np.nan_to_num(high - value)

    def redrawn(self, metric: str) -> F32 | None:
        """[P, B] f32, how draws of the test positions move ``metric``; None: some are not known."""
        moves = self.redraws.moves.get(metric)
        known = np.isfinite(self.of(metric))
        return moves if moves is not None and np.isfinite(moves[known]).all() else None

    def halves(self, metric: str) -> F64 | None:
        """[P, 2] f64, the mean over each half of the positions less that over all; else None."""
        halves = self.redraws.halves.get(metric)
        known = np.isfinite(self.of(metric))
        return halves if halves is not None and np.isfinite(halves[known]).all() else None

    def charges(self) -> F64:
        """[P] f64, CPU seconds beside the net: of the expert, and of search and game."""
        seconds: F64 = np.nan_to_num(self.expert_s) + np.nan_to_num(self.tree_s)
        return seconds
