"""L(E) and L(D) for TensorBoard: a run for each size of the net, and one for the stocks.

Steps are whole and axes linear, so that they are by the logarithm of samples, or of positions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from selfplay.compare.analysis.one_pass import OnePass
from selfplay.compare.records import F64
from selfplay.compare.report.events import LOG_STEPS, folder_names, open_events

TAG = f"one pass/loss on positions kept aside, nats (step {5 * LOG_STEPS} = 1e5 samples)"


def write_one_passes(folder: Path, one_passes: Sequence[OnePass]) -> None:
    """Writes the runs below ``folder``; ValueError with a sentence where the disk is full."""
    now = time.time()
    curves = [curve for each in one_passes for curve in _curves(each)]
    names = folder_names([name for name, *_ in curves], folder)
    for name, (_, x, loss) in zip(names, curves, strict=True):
        (folder / name).mkdir()
        file = open_events(folder / name, now)
        for step, value in zip(_steps(x), loss.tolist(), strict=True):
            file.add_scalars({TAG: value}, step, now)
        file.close()


def _curves(each: OnePass) -> Iterator[tuple[str, F64, F64]]:
    """Name, samples or positions, and loss."""
    yield f"L(D), {each.label}", each.data, each.best
    for size in each.sizes:
        yield f"one pass, {each.label}, N = {size.parameters:,}", size.samples, size.loss


def _steps(x: F64) -> list[int]:
    return [round(each) for each in (LOG_STEPS * np.log10(x)).tolist()]
