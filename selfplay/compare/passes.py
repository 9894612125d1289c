"""The loss on positions kept aside while a run goes through a fixed stock of data."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selfplay.compare.records import F64
from selfplay.training.metrics_file import read_reports_of

LOSS = "validation/policy_kl"  # cross-entropy to the held-out targets less their entropy
_EPOCH = "learn/epoch"


class Passes(NamedTuple):
    """P looks at the positions kept aside, by ascending samples."""

    samples: F64  # [P] E, repetitions counted
    epochs: F64  # [P] > 0, how often the stock was gone through until then
    flops: F64  # [P] of learner and generation
    loss: F64  # [P] > 0, nats
    start: float = math.nan  # the loss before anything was learned; NaN where nobody looked

    @property
    def data(self) -> float:
        """D, the positions of the stock."""
        return float(self.samples[-1] / self.epochs[-1])


def read_passes(folder: Path) -> Passes | None:
    """What the metrics of a run tell of it; None where there are not two looks."""
    looks, start = {}, math.nan
    for line in read_reports_of(folder, LOSS):
        look = line.get("cost/samples", 0.0), line.get("cost/flops", 0.0), line[LOSS]
        if min(look) > 0:
            looks[look[0]] = look
        elif not look[0]:
            start = look[2]
    last = read_reports_of(folder, _EPOCH, newest=1) if len(looks) > 1 else []
    if not last or not last[0][_EPOCH] > 0:
        return None
    samples, flops, loss = np.array(sorted(looks.values()), np.float64).T
    data = last[0]["cost/samples"] / last[0][_EPOCH]
    return Passes(samples, samples / data, flops, loss, start)
