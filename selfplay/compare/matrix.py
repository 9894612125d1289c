"""Extractor or quarry: what nets of one size learn from the games of nets of another."""

from __future__ import annotations

from typing import NamedTuple

from selfplay.compare.records import F64


class Matrix(NamedTuple):
    """The final metric of frozen runs: data made by net i (rows), learner j (columns)."""

    metric: str
    makers: tuple[int, ...]  # [I] N of the nets that made the data, ascending
    learners: tuple[int, ...]  # [J] N of the nets that learn from them, ascending
    value: F64  # [I, J] mean over the seeds; NaN where there is no run
    low: F64  # [I, J] ends of the 95% interval; NaN with fewer than two seeds
    high: F64  # [I, J]
    seeds: F64  # [I, J] runs behind each
